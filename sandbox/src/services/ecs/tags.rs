//! Tags of ECS's resources.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::invalid;
use super::launch_settings::check_tags;
use super::lookups::{key, no_such_service, revision_key};
use super::model::ServiceStatus;
use crate::base::arn::Arn;
use crate::base::tags::{self, Tag, lower_case};
use crate::core::OperationResult;
use crate::services::ecs::State;
use crate::store::States;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TagResourceInput {
    resource_arn: String,
    #[serde(with = "lower_case")]
    tags: Vec<Tag>,
}

pub(super) fn add(
    sandbox: &Arc<Sandbox>,
    TagResourceInput { resource_arn, tags }: TagResourceInput,
) -> OperationResult {
    change(sandbox, &resource_arn, |own| {
        check_tags(&tags)?;
        own.retain(|tag| !tags.iter().any(|given| given.key == tag.key));
        own.extend(tags);
        check_tags(own)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UntagResourceInput {
    resource_arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn remove(
    sandbox: &Arc<Sandbox>,
    UntagResourceInput { resource_arn, tag_keys }: UntagResourceInput,
) -> OperationResult {
    change(sandbox, &resource_arn, |own| {
        tags::remove(own, &tag_keys);
        Ok(())
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListTagsForResourceInput {
    resource_arn: String,
}

pub(super) fn list(
    sandbox: &Arc<Sandbox>,
    ListTagsForResourceInput { resource_arn }: ListTagsForResourceInput,
) -> OperationResult {
    sandbox.store.read(|states| {
        let (kind, key) = parse_arn(&resource_arn)?;
        check_exists(states, kind, &key)?;
        let tags = match kind {
            "cluster" => states.of::<State>().clusters.get(&key).map(|resource| &resource.tags),
            "service" => states.of::<State>().services.get(&key).map(|resource| &resource.tags),
            "task" => states.of::<State>().tasks.get(&key).map(|resource| &resource.tags),
            _ => states.of::<State>().task_definitions.get(&key).map(|resource| &resource.tags),
        };
        Ok(json!({ "tags": tags.map(|tags| lower_case::to_value(tags)) }))
    })
}

fn change(sandbox: &Sandbox, arn: &str, change: impl FnOnce(&mut Vec<Tag>) -> Result<(), Fault>) -> OperationResult {
    sandbox.store.write(|states| {
        let (kind, key) = parse_arn(arn)?;
        check_exists(states, kind, &key)?;
        let tags = match kind {
            "cluster" => states.of_mut::<State>().clusters.get_mut(&key).map(|resource| &mut resource.tags),
            "service" => states.of_mut::<State>().services.get_mut(&key).map(|resource| &mut resource.tags),
            "task" => states.of_mut::<State>().tasks.get_mut(&key).map(|resource| &mut resource.tags),
            _ => states.of_mut::<State>().task_definitions.get_mut(&key).map(|resource| &mut resource.tags),
        };
        tags.map_or(Ok(()), change)?;
        Ok(Value::Null)
    })
}

/// Refuses missing and deleted resources.
fn check_exists(states: &States, kind: &str, key: &str) -> Result<(), Fault> {
    let inactive =
        |what: &str| invalid(format!("The specified {what} is inactive. Specify an active {what} and try again."));
    let no_cluster = || Fault::not_found("ClusterNotFoundException", "Cluster not found.");
    match kind {
        "cluster" => match states.of::<State>().clusters.get(key) {
            None => Err(no_cluster()),
            Some(cluster) if cluster.deleted_at.is_some() => Err(inactive("cluster")),
            Some(_) => Ok(()),
        },
        "service" => match states.of::<State>().services.get(key) {
            None => Err(no_such_service()),
            Some(service) if service.status == ServiceStatus::Inactive => Err(inactive("service")),
            Some(_) => Ok(()),
        },
        "task" if states.of::<State>().tasks.contains(key) => Ok(()),
        "task-definition" if states.of::<State>().task_definitions.contains(key) => Ok(()),
        _ => Err(Fault::not_found("ResourceNotFoundException", "The specified resource was not found.")),
    }
}

/// The kind of resource that an ARN names, and its key.
fn parse_arn(arn: &str) -> Result<(&str, String), Fault> {
    let wrong = || invalid(format!("Invalid resource ARN: {arn}"));
    let resource = Arn::parse(arn).ok_or_else(wrong)?.resource;
    let (kind, rest) = resource.split_once('/').ok_or_else(wrong)?;
    match kind {
        "cluster" => Ok((kind, rest.to_owned())),
        // The old format without the cluster, which matches no resource.
        "service" | "task" if !rest.contains('/') => Ok((kind, rest.to_owned())),
        "service" | "task" => rest.split_once('/').map(|(cluster, name)| (kind, key(cluster, name))).ok_or_else(wrong),
        "task-definition" => {
            let (family, revision) = rest.split_once(':').ok_or_else(wrong)?;
            Ok((kind, revision_key(family, revision.parse().map_err(|_| wrong())?)))
        }
        _ => Err(wrong()),
    }
}
