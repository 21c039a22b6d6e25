//! Tags of parameters. Tags of Systems Manager's other resources are not served.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::History;
use crate::base::tags::{self, Tag};
use crate::core::OperationResult;
use crate::services::ssm::State;
use crate::{Fault, Sandbox};

fn check(kind: &str) -> Result<(), Fault> {
    if kind == "Parameter" { Ok(()) } else { Err(Fault::not_implemented(&format!("tags of Systems Manager's {kind}"))) }
}

fn not_found(id: &str) -> Fault {
    Fault::client("InvalidResourceId", format!("The resource ID \"{id}\" is not valid. Verify the ID and try again."))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct AddTagsToResourceInput {
    resource_type: String,
    resource_id: String,
    tags: Vec<Tag>,
}

pub(crate) fn add(
    sandbox: &Arc<Sandbox>,
    AddTagsToResourceInput { resource_type, resource_id, tags }: AddTagsToResourceInput,
) -> OperationResult {
    check(&resource_type)?;
    edit(sandbox, &resource_id, |history| tags::merge(&mut history.tags, tags))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct RemoveTagsFromResourceInput {
    resource_type: String,
    resource_id: String,
    tag_keys: Vec<String>,
}

pub(crate) fn remove(
    sandbox: &Arc<Sandbox>,
    RemoveTagsFromResourceInput { resource_type, resource_id, tag_keys }: RemoveTagsFromResourceInput,
) -> OperationResult {
    check(&resource_type)?;
    edit(sandbox, &resource_id, |history| tags::remove(&mut history.tags, &tag_keys))
}

fn edit(sandbox: &Sandbox, name: &str, edit: impl FnOnce(&mut History)) -> OperationResult {
    sandbox.store.write(|states| {
        let name = states.of::<State>().canonical_name(name);
        if !states.of::<State>().parameters.contains(&name) {
            return Err(not_found(&name));
        }
        let mut history = states.of::<State>().history.get(&name).cloned().unwrap_or_default();
        edit(&mut history);
        states.of_mut::<State>().history.insert(name, history);
        Ok(json!({}))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ListTagsForResourceInput {
    resource_type: String,
    resource_id: String,
}

pub(crate) fn list(
    sandbox: &Arc<Sandbox>,
    ListTagsForResourceInput { resource_type, resource_id }: ListTagsForResourceInput,
) -> OperationResult {
    check(&resource_type)?;
    sandbox.store.read(|states| {
        let name = states.of::<State>().canonical_name(&resource_id);
        if !states.of::<State>().parameters.contains(&name) {
            return Err(not_found(&resource_id));
        }
        let tags = states.of::<State>().history.get(&name).map(|history| history.tags.as_slice()).unwrap_or_default();
        Ok(json!({ "TagList": tags }))
    })
}
