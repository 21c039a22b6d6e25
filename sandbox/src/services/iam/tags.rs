//! Tags of roles and of managed policies.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::managed_policies::{check_arn, find_mut, not_found};
use super::marker_paging::Paging;
use super::roles;
use crate::base::tags::{self, MAX_TAGS, Tag};
use crate::core::OperationResult;
use crate::services::iam::State;
use crate::{Fault, Sandbox};

/// Refuses too many tags, and keys that differ in case only.
pub(super) fn check(tags: &[Tag]) -> Result<(), Fault> {
    let same = |first: &Tag, second: &Tag| first.key.eq_ignore_ascii_case(&second.key);
    if tags.iter().enumerate().any(|(index, tag)| tags[..index].iter().any(|other| same(other, tag))) {
        let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(Fault::client("InvalidInput", message));
    }
    if tags.len() > MAX_TAGS {
        let message = "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less \
                       than or equal to 50.";
        return Err(Fault::client("ValidationError", message));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TagRoleInput {
    role_name: String,
    tags: Vec<Tag>,
}

pub(super) fn tag_role(sandbox: &Arc<Sandbox>, input: TagRoleInput) -> OperationResult {
    check(&input.tags)?;
    sandbox.store.write(|states| {
        roles::find_mut(states.of_mut::<State>(), &input.role_name)?.tags.extend(tags::to_map(input.tags));
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UntagRoleInput {
    role_name: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag_role(sandbox: &Arc<Sandbox>, input: UntagRoleInput) -> OperationResult {
    sandbox.store.write(|states| {
        tags::remove_from_map(&mut roles::find_mut(states.of_mut::<State>(), &input.role_name)?.tags, &input.tag_keys);
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListRoleTagsInput {
    role_name: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

pub(super) fn list_role_tags(
    sandbox: &Arc<Sandbox>,
    ListRoleTagsInput { role_name, marker, max_items }: ListRoleTagsInput,
) -> OperationResult {
    sandbox.store.read(|states| {
        let tags = roles::find(states.of::<State>(), &role_name)?.tags.iter();
        let tags = tags.map(|(key, value)| (key.clone(), json!({ "Key": key, "Value": value })));
        Paging::new(marker, max_items).page_response(&format!("ListRoleTags {role_name}"), "Tags", tags)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TagPolicyInput {
    policy_arn: String,
    tags: Vec<Tag>,
}

pub(super) fn tag_policy(
    sandbox: &Arc<Sandbox>,
    TagPolicyInput { policy_arn, tags }: TagPolicyInput,
) -> OperationResult {
    check(&tags)?;
    sandbox.store.write(|states| {
        let policy = find_mut(states.of_mut::<State>(), &sandbox.config, "TagPolicy", &policy_arn)?;
        tags::merge(&mut policy.tags, tags);
        check(&policy.tags)?;
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UntagPolicyInput {
    policy_arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag_policy(
    sandbox: &Arc<Sandbox>,
    UntagPolicyInput { policy_arn, tag_keys }: UntagPolicyInput,
) -> OperationResult {
    sandbox.store.write(|states| {
        tags::remove(
            &mut find_mut(states.of_mut::<State>(), &sandbox.config, "UntagPolicy", &policy_arn)?.tags,
            &tag_keys,
        );
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListPolicyTagsInput {
    policy_arn: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

pub(super) fn list_policy_tags(
    sandbox: &Arc<Sandbox>,
    ListPolicyTagsInput { policy_arn: arn, marker, max_items }: ListPolicyTagsInput,
) -> OperationResult {
    check_arn(&arn)?;
    sandbox.store.read(|states| {
        let policy = states.of::<State>().managed_policies.get(&arn).ok_or_else(|| not_found(&arn))?;
        let tags = policy.tags.iter().map(|tag| (tag.key.clone(), json!(tag)));
        Paging::new(marker, max_items).page_response(&format!("ListPolicyTags {arn}"), "Tags", tags)
    })
}
