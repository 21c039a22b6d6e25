//! Task definitions: describe, list, deregister, delete. Registering is in [`register_task_definition`].

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

pub(super) mod attributes;
pub(super) mod register_task_definition;
mod unsupported;
mod validation;

pub(super) use validation::{check_size, parse_size};

use super::arns::Arns as _;
use super::clusters::limit;
use super::faults::{self, client_exception, invalid};
use super::lookups::{self, revision_key};
use super::model::TaskDefinition;
use super::responses;
use crate::Sandbox;
use crate::base::paging;
use crate::base::tags::lower_case;
use crate::core::OperationResult;
use crate::services::ecs::State;
use crate::store::States;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeTaskDefinitionInput {
    task_definition: String,
    #[serde(default)]
    include: Vec<String>,
}

pub(super) fn describe(
    sandbox: &Arc<Sandbox>,
    DescribeTaskDefinitionInput { task_definition, include }: DescribeTaskDefinitionInput,
) -> OperationResult {
    sandbox.store.read(|states| {
        let definition = lookups::task_definition(states, &task_definition);
        let definition = definition.ok_or_else(|| client_exception("Unable to describe task definition."))?;
        let tags = include.iter().any(|name| name == "TAGS").then(|| lower_case::to_value(&definition.tags));
        Ok(json!({ "taskDefinition": responses::task_definition(&sandbox.config, definition), "tags": tags }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeregisterTaskDefinitionInput {
    task_definition: String,
}

pub(super) fn deregister(
    sandbox: &Arc<Sandbox>,
    DeregisterTaskDefinitionInput { task_definition }: DeregisterTaskDefinitionInput,
) -> OperationResult {
    let Some((_, revision)) = lookups::last_part(&task_definition).split_once(':') else {
        return Err(client_exception("Revision is missing."));
    };
    if revision.parse::<u32>().is_err() {
        return Err(invalid(format!("Invalid revision number. Number: {revision}")));
    }
    sandbox.store.write(|states| {
        let key = key_of(states, &task_definition)
            .ok_or_else(|| client_exception("The specified task definition does not exist."))?;
        let definition = states
            .of_mut::<State>()
            .task_definitions
            .get_mut(&key)
            .ok_or_else(|| client_exception("Unable to describe task definition."))?;
        definition.deregistered_at.get_or_insert_with(|| sandbox.clock.now());
        Ok(json!({ "taskDefinition": responses::task_definition(&sandbox.config, definition) }))
    })
}

fn key_of(states: &States, given: &str) -> Option<String> {
    let definition = lookups::task_definition(states, given)?;
    Some(revision_key(&definition.family, definition.revision))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeleteTaskDefinitionsInput {
    task_definitions: Vec<String>,
}

/// Marks inactive revisions for deletion: no more tasks can be started from them. Their rows remain, so that their
/// numbers are not reused.
pub(super) fn delete(
    sandbox: &Arc<Sandbox>,
    DeleteTaskDefinitionsInput { task_definitions }: DeleteTaskDefinitionsInput,
) -> OperationResult {
    match task_definitions.len() {
        0 => return Err(invalid("size of TaskDefinition references list must be greater than 0")),
        1..=10 => {}
        _ => return Err(invalid("Size of TaskDefinition references list cannot exceed 10")),
    }
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        let (mut deleted, mut failures) = (Vec::new(), Vec::new());
        for given in &task_definitions {
            let arn = sandbox.config.task_definition_arn(lookups::last_part(given));
            let refuse =
                |reason: &str| json!({ "arn": if given.starts_with("arn:") { given } else { &arn }, "reason": reason });
            if !lookups::last_part(given).contains(':') {
                failures.push(json!({ "arn": given, "reason": INVALID }));
                continue;
            }
            let Some(key) = key_of(states, given) else {
                failures.push(json!({ "arn": given, "reason": MISSING }));
                continue;
            };
            let Some(definition) = states.of_mut::<State>().task_definitions.get_mut(&key) else { continue };
            if definition.deregistered_at.is_none() {
                failures.push(refuse(ACTIVE));
                continue;
            }
            definition.delete_requested_at.get_or_insert(now);
            deleted.push(responses::task_definition(&sandbox.config, definition));
        }
        Ok(json!({ "taskDefinitions": deleted, "failures": failures }))
    })
}

const INVALID: &str = "The specified task definition identifier is invalid. Specify a valid name or ARN and try again.";
const MISSING: &str =
    "The specified task definition does not exist. Specify a valid account, family, revision and try again.";
const ACTIVE: &str =
    "The specified task definition is still in ACTIVE status. Please deregister the target and try again.";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListTaskDefinitionsInput {
    family_prefix: Option<String>,
    status: Option<String>,
    sort: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

/// Whether a definition has the requested status, by default `ACTIVE`.
fn has_status(definition: &TaskDefinition, status: Option<&str>) -> bool {
    status.unwrap_or("ACTIVE") == definition.status()
}

pub(super) fn list(sandbox: &Arc<Sandbox>, input: ListTaskDefinitionsInput) -> OperationResult {
    let ListTaskDefinitionsInput { family_prefix, status, sort, next_token, max_results } = input;
    let query = format!("ListTaskDefinitions {family_prefix:?} {status:?} {sort:?}");
    let page = sandbox.store.read(|states| {
        let family =
            |definition: &TaskDefinition| family_prefix.as_ref().is_none_or(|family| definition.family == *family);
        let rows = states.of::<State>().task_definitions.iter();
        let mut arns: Vec<(String, String)> = rows
            .filter(|(_, definition)| family(definition) && has_status(definition, status.as_deref()))
            .map(|(key, definition)| (key.to_owned(), sandbox.config.task_definition_arn(&definition.name())))
            .collect();
        if sort.as_deref() == Some("DESC") {
            arns.reverse();
        }
        paging::page(arns, &query, next_token.as_deref(), limit(max_results)?).map_err(|_| faults::bad_token())
    })?;
    Ok(json!({ "taskDefinitionArns": page.items, "nextToken": page.next_token }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListTaskDefinitionFamiliesInput {
    family_prefix: Option<String>,
    status: Option<String>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

pub(super) fn list_families(sandbox: &Arc<Sandbox>, input: ListTaskDefinitionFamiliesInput) -> OperationResult {
    let ListTaskDefinitionFamiliesInput { family_prefix, status, next_token, max_results } = input;
    let query = format!("ListTaskDefinitionFamilies {family_prefix:?} {status:?}");
    let prefix = family_prefix.unwrap_or_default();
    let page = sandbox.store.read(|states| {
        let rows = states.of::<State>().task_definitions.with_prefix(&prefix).map(|(_, definition)| definition);
        let active = |family: &str| {
            let prefix = format!("{family}:");
            let mut revisions = states.of::<State>().task_definitions.with_prefix(&prefix);
            revisions.any(|(_, definition)| definition.deregistered_at.is_none())
        };
        let mut families: Vec<String> = rows.map(|definition| definition.family.clone()).collect();
        families.dedup();
        families.retain(|family| match status.as_deref() {
            None | Some("ACTIVE") => active(family),
            Some("INACTIVE") => !active(family),
            Some(_) => true,
        });
        let families = families.into_iter().map(|family| (family.clone(), family));
        paging::page(families, &query, next_token.as_deref(), limit(max_results)?).map_err(|_| faults::bad_token())
    })?;
    Ok(json!({ "families": page.items, "nextToken": page.next_token }))
}
