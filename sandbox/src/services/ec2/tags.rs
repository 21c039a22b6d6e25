//! Tags of all resources.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::describe_operations::{self, DescribeInput};
use super::records::{self, invalid_parameter, list, success};
use super::resource_kinds::{self, ResourceKind, SECURITY_GROUP_RULE, TAG};
use super::security_groups::rule_ids;
use crate::base::tags::{MAX_TAGS, Tag, is_reserved};
use crate::core::OperationResult;
use crate::services::ec2::State;
use crate::{Fault, Sandbox};

/// Tags for a resource in the request that creates it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TagSpecification {
    resource_type: Option<String>,
    #[serde(default)]
    tag: Vec<Tag>,
    /// Tags of another service of the sandbox. EC2's API has no such member.
    #[serde(default)]
    system_tag: Vec<Tag>,
}

/// Checks tag specifications, and returns the `tagSet` of a new record.
pub(super) fn tag_set(kind: &ResourceKind, specifications: Vec<TagSpecification>) -> Result<Value, Fault> {
    let mut tags = Vec::new();
    for TagSpecification { resource_type, tag, system_tag } in specifications {
        match resource_type.as_deref().unwrap_or_default() {
            "" => return Err(invalid_parameter("Tag specification resource type must have a value")),
            name if name == kind.type_name => {}
            name @ ("volume" | "network-interface" | "spot-instances-request") if kind.type_name == "instance" => {
                return Err(Fault::not_implemented(&format!("ec2:RunInstances with tags of a {name}")));
            }
            name => {
                let message = format!("'{name}' is not a valid taggable resource type for this operation.");
                return Err(invalid_parameter(message));
            }
        }
        if tag.is_empty() && system_tag.is_empty() {
            return Err(invalid_parameter("Tag specification must have at least one tag"));
        }
        add(&mut tags, &tag)?;
        tags.extend(system_tag.iter().map(to_record));
    }
    Ok(tags.into())
}

/// Refuses keys that clients may not use.
fn check_keys<'a>(keys: impl Iterator<Item = &'a String>) -> Result<(), Fault> {
    let mut seen = HashSet::new();
    for key in keys {
        if is_reserved(key) {
            return Err(invalid_parameter("Tag keys starting with 'aws:' are reserved for internal use"));
        }
        if key.is_empty() {
            return Err(invalid_parameter("Tag key cannot be null or empty"));
        }
        if !seen.insert(key) {
            return Err(invalid_parameter(format!("Duplicate tag key '{key}' specified.")));
        }
    }
    Ok(())
}

/// A tag, as it is stored.
fn to_record(Tag { key, value }: &Tag) -> Value {
    json!({ "key": key, "value": value })
}

/// Adds tags, replacing those with the same keys.
fn add(tags: &mut Vec<Value>, new: &[Tag]) -> Result<(), Fault> {
    check_keys(new.iter().map(|tag| &tag.key))?;
    tags.retain(|tag| !new.iter().any(|new| tag["key"] == new.key));
    tags.extend(new.iter().map(to_record));
    if tags.iter().filter(|tag| !tag["key"].as_str().is_some_and(is_reserved)).count() > MAX_TAGS {
        let message = "The maximum number of Tags for a resource has been reached.";
        return Err(Fault::limit_exceeded("TagLimitExceeded", message));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CreateTagsInput {
    #[serde(default)]
    resource_id: Vec<String>,
    tag: Vec<Tag>,
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreateTagsInput) -> OperationResult {
    change(sandbox, &input.resource_id, |tags| add(tags, &input.tag))
}

/// A tag to delete: with any value if that is left out.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Deleted {
    key: String,
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteTagsInput {
    #[serde(default)]
    resource_id: Vec<String>,
    #[serde(default)]
    tag: Vec<Deleted>,
}

/// `DeleteTags`: deletes the tags with these keys and, if given, values; all tags if none are given.
pub(super) fn delete(sandbox: &Arc<Sandbox>, input: DeleteTagsInput) -> OperationResult {
    check_keys(input.tag.iter().map(|tag| &tag.key))?;
    change(sandbox, &input.resource_id, |tags| {
        tags.retain(|tag| {
            let matches = |deleted: &Deleted| {
                tag["key"] == deleted.key && deleted.value.as_ref().is_none_or(|value| tag["value"] == *value)
            };
            let all = input.tag.is_empty() && !tag["key"].as_str().is_some_and(is_reserved);
            !all && !input.tag.iter().any(matches)
        });
        Ok(())
    })
}

fn change(
    sandbox: &Arc<Sandbox>,
    ids: &[String],
    change: impl Fn(&mut Vec<Value>) -> Result<(), Fault>,
) -> OperationResult {
    if ids.is_empty() {
        return Err(Fault::client("MissingParameter", "The request must contain the parameter resourceIdSet"));
    }
    sandbox.store.write(|states| {
        for id in ids {
            let unknown = || Fault::client("InvalidID", format!("The ID '{id}' is not valid"));
            let tagged = if id.starts_with(SECURITY_GROUP_RULE.prefix) {
                rule_ids::get_mut(states.of_mut::<State>(), id)?
            } else {
                records::get_mut(states.of_mut::<State>(), resource_kinds::of_id(id).ok_or_else(unknown)?, id)?
            };
            change(list(tagged, "tagSet"))?;
        }
        Ok(success())
    })
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, input: DescribeInput) -> OperationResult {
    sandbox.store.read(|states| {
        let records = states
            .of::<State>()
            .records
            .iter()
            .filter_map(|(id, record)| Some((id, resource_kinds::of_id(id)?.type_name, record)));
        let rules = rule_ids::all(states.of::<State>());
        let rules =
            rules.filter_map(|(.., rule)| Some((rule["ruleId"].as_str()?, SECURITY_GROUP_RULE.type_name, rule)));
        let mut rows = Vec::new();
        for (id, kind, tagged) in records.chain(rules) {
            for tag in tagged["tagSet"].as_array().into_iter().flatten() {
                rows.push(json!({ "resourceId": id, "resourceType": kind, "key": tag["key"], "value": tag["value"] }));
            }
        }
        let tags = input.select(&TAG, rows.into_iter())?;
        describe_operations::describe_response(&TAG, &input, tags)
    })
}
