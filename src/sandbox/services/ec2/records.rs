//! What all records share: finding, describing with filters, tags at creation, and faults.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::State;
use super::nouns::Noun;
use crate::sandbox::services::{Reply, paging};
use crate::sandbox::{Fault, Sandbox};

/// A filter of a Describe operation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Filter {
    name: String,
    #[serde(default)]
    value: Vec<String>,
}

/// The input of every Describe operation: ids and filters.
#[derive(Debug, Deserialize)]
pub struct Describe {
    #[serde(default, rename = "Filter")]
    filters: Vec<Filter>,
    #[serde(flatten)]
    members: BTreeMap<String, Value>,
}

/// A tag.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// The tags of a resource to be made.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagSpecification {
    #[serde(default)]
    tag: Vec<Tag>,
}

/// The `tagSet` of a new record.
pub fn tag_set(specifications: Vec<TagSpecification>) -> Value {
    let tags = specifications.into_iter().flat_map(|specification| specification.tag);
    tags.map(|Tag { key, value }| json!({ "key": key, "value": value })).collect()
}

/// Answers a Describe operation.
pub fn describe(sandbox: &Arc<Sandbox>, noun: &Noun, input: &Describe) -> Reply {
    let found = sandbox.world.read(|world| select(&world.ec2, noun, input))?;
    let (mut found, next_token) = page(noun, input, found)?;
    for record in found.iter_mut().filter_map(Value::as_object_mut) {
        record.remove("attributes");
    }
    let mut answer = Map::new();
    answer.insert(noun.set.to_owned(), Value::Array(found));
    answer.insert("nextToken".to_owned(), json!(next_token));
    Ok(Value::Object(answer))
}

/// The page of the found records that is asked for: all of them, unless `MaxResults` says otherwise.
fn page(noun: &Noun, input: &Describe, found: Vec<Value>) -> Result<(Vec<Value>, Option<String>), Fault> {
    let text = |member: &str| input.members.get(member).and_then(Value::as_str);
    let most = text("MaxResults").and_then(|most| most.parse().ok()).unwrap_or(usize::MAX);
    let question = format!("Describe {} {:?} {:?}", noun.set, input.filters, input.members.get(noun.ids));
    let found = found.into_iter().enumerate().map(|(place, record)| (place.to_string(), record));
    let page = paging::page(found, &question, text("NextToken"), most)
        .map_err(|_| Fault::client("InvalidNextToken", "The specified NextToken is not valid."))?;
    Ok((page.items, page.next_token))
}

/// The records that a Describe operation asks for.
pub fn select(state: &State, noun: &Noun, input: &Describe) -> Result<Vec<Value>, Fault> {
    let ids: Vec<&str> = match input.members.get(noun.ids) {
        Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if let Some(missing) = ids.iter().find(|id| !exists(state, noun, id)) {
        return Err(not_found(noun, missing));
    }
    if let Some(unknown) = input.filters.iter().find(|filter| path_of(noun, &filter.name).is_none()) {
        return Err(Fault::client("InvalidParameterValue", format!("The filter '{}' is invalid", unknown.name)));
    }
    let records = state.records.with_prefix(noun.prefix);
    let wanted = records.filter(|(id, record)| {
        (ids.is_empty() || ids.contains(id)) && input.filters.iter().all(|filter| filter.accepts(noun, record))
    });
    Ok(wanted.map(|(_, record)| record.clone()).collect())
}

/// Where a filter looks; a tag's filters look at the tags.
fn path_of(noun: &Noun, filter: &str) -> Option<&'static str> {
    if filter == "tag-key" {
        return Some("tagSet/key");
    }
    if filter.starts_with("tag:") {
        return Some("tagSet/value");
    }
    noun.filters.iter().find(|(name, _)| *name == filter).map(|(_, path)| *path)
}

impl Filter {
    fn accepts(&self, noun: &Noun, record: &Value) -> bool {
        let seen = match self.name.strip_prefix("tag:") {
            Some(key) => tag(record, key).map(str::to_owned).into_iter().collect(),
            None => path_of(noun, &self.name).map_or_else(Vec::new, |path| texts_at(record, path)),
        };
        seen.iter().any(|text| self.value.iter().any(|pattern| matches(pattern, text)))
    }
}

/// A record's tag.
pub fn tag<'a>(record: &'a Value, key: &str) -> Option<&'a str> {
    let tags = record["tagSet"].as_array()?;
    tags.iter().find(|tag| tag["key"] == key)?["value"].as_str()
}

/// Every scalar at a path, through lists, as text.
fn texts_at(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| texts_at(item, path)).collect(),
        Value::Object(members) => {
            let (first, rest) = path.split_once('/').unwrap_or((path, ""));
            members.get(first).map_or_else(Vec::new, |member| texts_at(member, rest))
        }
        Value::String(text) => vec![text.clone()],
        Value::Null => Vec::new(),
        scalar => vec![scalar.to_string()],
    }
}

/// EC2's wildcards: `*` is any text, `?` any character.
fn matches(pattern: &str, text: &str) -> bool {
    let mut characters = pattern.chars();
    match characters.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = characters.as_str();
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| matches(rest, &text[at..]))
        }
        Some(wanted) => {
            let mut rest = text.chars();
            rest.next().is_some_and(|first| wanted == '?' || wanted == first)
                && matches(characters.as_str(), rest.as_str())
        }
    }
}

fn exists(state: &State, noun: &Noun, id: &str) -> bool {
    id.starts_with(noun.prefix) && state.records.contains(id)
}

/// A record, or the noun's fault.
pub fn get<'a>(state: &'a State, noun: &Noun, id: &str) -> Result<&'a Value, Fault> {
    if !id.starts_with(noun.prefix) {
        return Err(not_found(noun, id));
    }
    state.records.get(id).ok_or_else(|| not_found(noun, id))
}

/// A record to be changed, or the noun's fault.
pub fn get_mut<'a>(state: &'a mut State, noun: &Noun, id: &str) -> Result<&'a mut Value, Fault> {
    get(state, noun, id)?;
    state.records.get_mut(id).ok_or_else(|| not_found(noun, id))
}

/// Whether any record of a noun has this text at this path.
pub fn any(state: &State, noun: &Noun, path: &str, text: &str) -> bool {
    state.records.with_prefix(noun.prefix).any(|(_, record)| texts_at(record, path).iter().any(|found| found == text))
}

/// The list at a member of a record, to be changed; there is always one after this.
pub fn list<'a>(record: &'a mut Value, member: &str) -> &'a mut Vec<Value> {
    let slot = &mut record[member];
    if !slot.is_array() {
        *slot = json!([]);
    }
    slot.as_array_mut().expect("it has just been made a list")
}

/// The fault for an id that there is not.
pub fn not_found(noun: &Noun, id: &str) -> Fault {
    Fault::client(noun.not_found, format!("The {} '{id}' does not exist", noun.word))
}

/// The fault for something that is still used.
pub fn dependency_violation(word: &str, id: &str) -> Fault {
    Fault::client("DependencyViolation", format!("The {word} '{id}' has dependencies and cannot be deleted."))
}

/// The answer of operations that only say that they worked.
pub fn returned() -> Value {
    json!({ "return": true })
}
