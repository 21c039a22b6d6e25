//! The common part of all Describe operations: selecting records and returning a page of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::resource_kinds::ResourceKind;
use super::{State, records};
use crate::base::glob::matches;
use crate::base::paging;
use crate::core::OperationResult;
use crate::protocol::service_model;
use crate::{Fault, Sandbox};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Ec2Filter {
    name: String,
    #[serde(default)]
    value: Vec<String>,
}

/// The input of every Describe operation: filters, paging, and ids in the member that the resource kind names.
#[derive(Debug, Deserialize)]
pub(super) struct DescribeInput {
    #[serde(default, rename = "Filter")]
    filters: Vec<Ec2Filter>,
    #[serde(rename = "MaxResults")]
    max_results: Option<i64>,
    #[serde(rename = "NextToken")]
    next_token: Option<String>,
    #[serde(flatten)]
    selectors: BTreeMap<String, Value>,
}

/// Runs the Describe operation of a resource kind.
pub(super) fn describe(sandbox: &Arc<Sandbox>, kind: &ResourceKind, input: &DescribeInput) -> OperationResult {
    sandbox.store.read(|states| {
        let records = select(states.of::<State>(), kind, input)?;
        describe_response(kind, input, records)
    })
}

/// Selects records of a resource kind.
pub(super) fn select(state: &State, kind: &ResourceKind, input: &DescribeInput) -> Result<Vec<Value>, Fault> {
    let ids = input.texts(kind.ids);
    if input.max_results.is_some() && !kind.pages_with_ids && !ids.is_empty() {
        let message = format!("The parameter {} cannot be used with the parameter maxResults", kind.set);
        return Err(Fault::client("InvalidParameterCombination", message));
    }
    if let Some(malformed) = ids.iter().find_map(|id| records::malformed(kind, id)) {
        return Err(malformed);
    }
    let unknown: Vec<&str> = ids.iter().copied().filter(|id| !records::exists(state, kind, id)).collect();
    if !unknown.is_empty() {
        return Err(records::not_found(kind, &unknown));
    }
    let rows = state.records.with_prefix(kind.prefix);
    input.select(kind, rows.filter(|(id, _)| ids.is_empty() || ids.contains(id)).map(|(_, record)| record.clone()))
}

/// The response with the requested page of the selected rows.
pub(super) fn describe_response(kind: &ResourceKind, input: &DescribeInput, records: Vec<Value>) -> OperationResult {
    let (mut records, next_token) = input.page(kind, records)?;
    for record in &mut records {
        hide_members(kind, record);
    }
    let mut response = Map::new();
    response.insert(kind.set.to_owned(), Value::Array(records));
    response.insert("nextToken".to_owned(), json!(next_token));
    Ok(Value::Object(response))
}

/// Removes the members of a record that Describe does not show.
pub(super) fn hide_members(kind: &ResourceKind, record: &mut Value) {
    let untagged = !kind.shows_empty_tags && record["tagSet"].as_array().is_none_or(Vec::is_empty);
    if let Some(members) = record.as_object_mut() {
        members.remove("attributes");
        if untagged {
            members.remove("tagSet");
        }
    }
}

impl DescribeInput {
    fn texts(&self, member: &str) -> Vec<&str> {
        let items = self.selectors.get(member).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(super) fn filter_values(&self, name: &str) -> impl Iterator<Item = &str> {
        let filters = self.filters.iter().filter(move |filter| filter.name == name);
        filters.flat_map(|filter| &filter.value).map(String::as_str)
    }

    /// Selects the rows that match the filters and the kind's other selectors.
    pub(super) fn select(&self, kind: &ResourceKind, rows: impl Iterator<Item = Value>) -> Result<Vec<Value>, Fault> {
        self.check(kind)?;
        let mut records: Vec<Value> = rows.collect();
        for selector in kind.selectors {
            let values = self.texts(selector.member);
            let missing = |text: &&&str| !records.iter().any(|record| record[selector.path] == **text);
            if let Some(unknown) = values.iter().find(missing) {
                return Err(Fault::not_found(selector.not_found, selector.message.replace("{}", unknown)));
            }
            records.retain(|record| values.is_empty() || values.iter().any(|text| record[selector.path] == *text));
        }
        records.retain(|record| self.filters.iter().all(|filter| filter.accepts(kind, record)));
        Ok(records)
    }

    /// Removes and returns a member that only one Describe operation has.
    pub(super) fn take(&mut self, member: &str) -> Option<Value> {
        self.selectors.remove(member)
    }

    /// Refuses members that are not served, and unknown filters.
    fn check(&self, kind: &ResourceKind) -> Result<(), Fault> {
        let served = |member: &str| member == kind.ids || kind.selectors.iter().any(|record| record.member == member);
        if let Some(member) = self.selectors.keys().find(|member| !served(member)) {
            return Err(Fault::not_implemented(&format!("ec2:{} with the member {member}", kind.operation)));
        }
        let Some(Ec2Filter { name, .. }) = self.filters.iter().find(|filter| path_of(kind, &filter.name).is_none())
        else {
            return Ok(());
        };
        let documented = |model: &service_model::Model| {
            let known = model.filters(kind.operation);
            known.iter().any(|filter| if filter == "tag" { name.starts_with("tag:") } else { filter == name })
        };
        if service_model::find("ec2").is_some_and(documented) {
            return Err(Fault::not_implemented(&format!("ec2:{} with the filter {name}", kind.operation)));
        }
        Err(Fault::client("InvalidParameterValue", format!("The filter '{name}' is invalid")))
    }

    /// The requested page of the rows: all of them without `MaxResults`.
    pub(super) fn page(&self, kind: &ResourceKind, records: Vec<Value>) -> Result<(Vec<Value>, Option<String>), Fault> {
        let page_size = self.max_results.map_or(Ok(usize::MAX), page_size)?;
        let query = format!("{} {:?} {:?}", kind.operation, self.filters, self.selectors);
        let records = records.into_iter().enumerate().map(|(place, record)| (place.to_string(), record));
        let page = paging::page(records, &query, self.next_token.as_deref(), page_size)
            .map_err(|_| Fault::client("InvalidNextToken", "The specified NextToken is not valid."))?;
        Ok((page.items, page.next_token))
    }
}

/// Checks `MaxResults`: 5 to 1000.
fn page_size(max_results: i64) -> Result<usize, Fault> {
    let expected = match max_results {
        ..5 => "greater than 5",
        1001.. => "less than 1000",
        _ => return Ok(usize::try_from(max_results).unwrap_or(usize::MAX)),
    };
    let message = format!("Value ( {max_results} ) for parameter maxResults is invalid. Expecting a value {expected}.");
    Err(Fault::client("InvalidParameterValue", message))
}

/// The path of the member that a filter compares; `None` for filters by tag.
fn path_of(kind: &ResourceKind, filter: &str) -> Option<&'static str> {
    let is_tagged = !kind.type_name.is_empty();
    match filter {
        "tag-key" if is_tagged => Some("tagSet/key"),
        "tag-value" if is_tagged => Some("tagSet/value"),
        _ if is_tagged && filter.starts_with("tag:") => Some("tagSet/value"),
        _ => kind.filters.iter().find(|(name, _)| *name == filter).map(|(_, path)| *path),
    }
}

impl Ec2Filter {
    fn accepts(&self, kind: &ResourceKind, record: &Value) -> bool {
        let values = match self.name.strip_prefix("tag:") {
            Some(key) => tag(record, key).map(str::to_owned).into_iter().collect(),
            None => path_of(kind, &self.name).map_or_else(Vec::new, |path| texts_at(record, path)),
        };
        values.iter().any(|text| self.value.iter().any(|pattern| matches(pattern, text)))
    }
}

fn tag<'a>(record: &'a Value, key: &str) -> Option<&'a str> {
    let tags = record["tagSet"].as_array()?;
    tags.iter().find(|tag| tag["key"] == key)?["value"].as_str()
}

/// All scalars at a path, as strings. The path continues into each element of a list.
pub(super) fn texts_at(value: &Value, path: &str) -> Vec<String> {
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
