//! Tags of managed policies, and what IAM asks of tags anywhere.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::managed::{check_arn, find_mut, not_found};
use super::pages::Pages;
use crate::base::tagging::{self, Tag};
use crate::core::Reply;
use crate::services::iam::State;
use crate::{Fault, Sandbox};

/// How many tags an entity may have (IAM's quotas).
const MOST: usize = 50;

/// Refuses too many tags, and keys that differ in case only.
pub(super) fn check(tags: &[Tag]) -> Result<(), Fault> {
    let same = |one: &Tag, other: &Tag| one.key.eq_ignore_ascii_case(&other.key);
    if tags.iter().enumerate().any(|(index, tag)| tags[..index].iter().any(|other| same(other, tag))) {
        let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        return Err(Fault::client("InvalidInput", message));
    }
    if tags.len() > MOST {
        let message = "1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less \
                       than or equal to 50.";
        return Err(Fault::client("ValidationError", message));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Add {
    policy_arn: String,
    tags: Vec<Tag>,
}

pub(super) fn add(sandbox: &Arc<Sandbox>, Add { policy_arn, tags }: Add) -> Reply {
    check(&tags)?;
    sandbox.world.write(|world| {
        let policy = find_mut(world.of_mut::<State>(), &sandbox.config, "TagPolicy", &policy_arn)?;
        tagging::merge(&mut policy.tags, tags);
        check(&policy.tags)?;
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Remove {
    policy_arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn remove(sandbox: &Arc<Sandbox>, Remove { policy_arn, tag_keys }: Remove) -> Reply {
    sandbox.world.write(|world| {
        tagging::remove(
            &mut find_mut(world.of_mut::<State>(), &sandbox.config, "UntagPolicy", &policy_arn)?.tags,
            &tag_keys,
        );
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    policy_arn: String,
    marker: Option<String>,
    max_items: Option<usize>,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, List { policy_arn: arn, marker, max_items }: List) -> Reply {
    check_arn(&arn)?;
    sandbox.world.read(|world| {
        let policy = world.of::<State>().managed_policies.get(&arn).ok_or_else(|| not_found(&arn))?;
        let tags = policy.tags.iter().map(|tag| (tag.key.clone(), json!(tag)));
        Pages::new(marker, max_items).answer(&format!("ListPolicyTags {arn}"), "Tags", tags)
    })
}
