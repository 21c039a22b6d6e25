//! What all Describe operations share: which records are asked for, and the page of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::State;
use super::nouns::Noun;
use super::records;
use crate::base::glob::matches;
use crate::base::paging;
use crate::core::Reply;
use crate::protocol::model;
use crate::{Fault, Sandbox};

/// A filter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Filter {
    name: String,
    #[serde(default)]
    value: Vec<String>,
}

/// The input of every Describe operation: filters, ids by the noun's own member, and pages.
#[derive(Debug, Deserialize)]
pub struct Describe {
    #[serde(default, rename = "Filter")]
    filters: Vec<Filter>,
    #[serde(rename = "MaxResults")]
    max_results: Option<i64>,
    #[serde(rename = "NextToken")]
    next_token: Option<String>,
    #[serde(flatten)]
    selectors: BTreeMap<String, Value>,
}

/// Answers a Describe operation over the noun's records.
pub fn describe(sandbox: &Arc<Sandbox>, noun: &Noun, input: &Describe) -> Reply {
    sandbox.world.read(|world| {
        let found = select(world.of::<State>(), noun, input)?;
        answer(noun, input, found)
    })
}

/// The noun's records that are asked for.
pub fn select(state: &State, noun: &Noun, input: &Describe) -> Result<Vec<Value>, Fault> {
    let ids = input.texts(noun.ids);
    if input.max_results.is_some() && !noun.pages_of_ids && !ids.is_empty() {
        let message = format!("The parameter {} cannot be used with the parameter maxResults", noun.set);
        return Err(Fault::client("InvalidParameterCombination", message));
    }
    if let Some(malformed) = ids.iter().find_map(|id| records::malformed(noun, id)) {
        return Err(malformed);
    }
    let unknown: Vec<&str> = ids.iter().copied().filter(|id| !records::exists(state, noun, id)).collect();
    if !unknown.is_empty() {
        return Err(records::not_found(noun, &unknown));
    }
    let rows = state.records.with_prefix(noun.prefix);
    input.pick(noun, rows.filter(|(id, _)| ids.is_empty() || ids.contains(id)).map(|(_, record)| record.clone()))
}

/// The page of the found rows that is asked for, as the operation's answer.
pub fn answer(noun: &Noun, input: &Describe, found: Vec<Value>) -> Reply {
    let (mut found, next_token) = input.page(noun, found)?;
    for record in &mut found {
        told(noun, record);
    }
    let mut answer = Map::new();
    answer.insert(noun.set.to_owned(), Value::Array(found));
    answer.insert("nextToken".to_owned(), json!(next_token));
    Ok(Value::Object(answer))
}

/// Leaves of a record what Describe tells of it.
pub fn told(noun: &Noun, record: &mut Value) {
    let untagged = !noun.tells_no_tags && record["tagSet"].as_array().is_none_or(Vec::is_empty);
    if let Some(members) = record.as_object_mut() {
        members.remove("attributes");
        if untagged {
            members.remove("tagSet");
        }
    }
}

impl Describe {
    fn texts(&self, member: &str) -> Vec<&str> {
        let items = self.selectors.get(member).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The values of a filter.
    pub fn filtered(&self, name: &str) -> impl Iterator<Item = &str> {
        let filters = self.filters.iter().filter(move |filter| filter.name == name);
        filters.flat_map(|filter| &filter.value).map(String::as_str)
    }

    /// The rows that the filters and the noun's other selectors let through.
    pub fn pick(&self, noun: &Noun, rows: impl Iterator<Item = Value>) -> Result<Vec<Value>, Fault> {
        self.check(noun)?;
        let mut found: Vec<Value> = rows.collect();
        for selector in noun.selectors {
            let wanted = self.texts(selector.member);
            let missing = |text: &&&str| !found.iter().any(|row| row[selector.path] == **text);
            if let Some(unknown) = wanted.iter().find(missing) {
                return Err(Fault::not_found(selector.not_found, selector.sentence.replace("{}", unknown)));
            }
            found.retain(|row| wanted.is_empty() || wanted.iter().any(|text| row[selector.path] == *text));
        }
        found.retain(|row| self.filters.iter().all(|filter| filter.accepts(noun, row)));
        Ok(found)
    }

    /// A member of the operation's own, which is not for everything that is described.
    pub fn take(&mut self, member: &str) -> Option<Value> {
        self.selectors.remove(member)
    }

    /// Refuses what is not served, and filters that there are not.
    fn check(&self, noun: &Noun) -> Result<(), Fault> {
        let served = |member: &str| member == noun.ids || noun.selectors.iter().any(|row| row.member == member);
        if let Some(member) = self.selectors.keys().find(|member| !served(member)) {
            return Err(Fault::not_implemented(&format!("ec2:{} with the member {member}", noun.operation)));
        }
        let Some(Filter { name, .. }) = self.filters.iter().find(|filter| path_of(noun, &filter.name).is_none()) else {
            return Ok(());
        };
        let documented = |model: &model::Model| {
            let known = model.filters(noun.operation);
            known.iter().any(|filter| if filter == "tag" { name.starts_with("tag:") } else { filter == name })
        };
        if model::of("ec2").is_some_and(documented) {
            return Err(Fault::not_implemented(&format!("ec2:{} with the filter {name}", noun.operation)));
        }
        Err(Fault::client("InvalidParameterValue", format!("The filter '{name}' is invalid")))
    }

    /// The page that is asked for: all of the rows, unless `MaxResults` says otherwise.
    pub fn page(&self, noun: &Noun, found: Vec<Value>) -> Result<(Vec<Value>, Option<String>), Fault> {
        let most = self.max_results.map_or(Ok(usize::MAX), page_size)?;
        let question = format!("{} {:?} {:?}", noun.operation, self.filters, self.selectors);
        let found = found.into_iter().enumerate().map(|(place, record)| (place.to_string(), record));
        let page = paging::page(found, &question, self.next_token.as_deref(), most)
            .map_err(|_| Fault::client("InvalidNextToken", "The specified NextToken is not valid."))?;
        Ok((page.items, page.next_token))
    }
}

/// A page has 5 to 1000 rows.
fn page_size(asked: i64) -> Result<usize, Fault> {
    let words = match asked {
        ..5 => "greater than 5",
        1001.. => "less than 1000",
        _ => return Ok(usize::try_from(asked).unwrap_or(usize::MAX)),
    };
    let message = format!("Value ( {asked} ) for parameter maxResults is invalid. Expecting a value {words}.");
    Err(Fault::client("InvalidParameterValue", message))
}

/// Where a filter looks; a tag's filters look at the tags.
fn path_of(noun: &Noun, filter: &str) -> Option<&'static str> {
    let is_tagged = !noun.kind.is_empty();
    match filter {
        "tag-key" if is_tagged => Some("tagSet/key"),
        "tag-value" if is_tagged => Some("tagSet/value"),
        _ if is_tagged && filter.starts_with("tag:") => Some("tagSet/value"),
        _ => noun.filters.iter().find(|(name, _)| *name == filter).map(|(_, path)| *path),
    }
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
fn tag<'a>(record: &'a Value, key: &str) -> Option<&'a str> {
    let tags = record["tagSet"].as_array()?;
    tags.iter().find(|tag| tag["key"] == key)?["value"].as_str()
}

/// Every scalar at a path, through lists, as text.
pub fn texts_at(value: &Value, path: &str) -> Vec<String> {
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
