//! How tasks are launched, from the members that CreateService, UpdateService and RunTask share: launch type or capacity providers,
//! platform version and network, with ECS's checks.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::capacity_providers;
use super::faults::{client_exception, invalid};
use super::model::{Cluster, TaskDefinition};
use crate::base::tags::{self, MAX_TAGS, Tag};
use crate::{Fault, Sandbox};

/// Fargate's platform version that `LATEST` means.
pub(super) const PLATFORM_VERSION: &str = "1.4.0";

const PLATFORM_VERSIONS: [&str; 3] = ["LATEST", "1.4.0", "1.3.0"];

/// The maximum number of subnets and security groups (API reference of `AwsVpcConfiguration`).
const MAX_SUBNETS: usize = 16;
const MAX_SECURITY_GROUPS: usize = 5;

/// How tasks are launched.
#[derive(Debug, Clone)]
pub(super) struct LaunchSettings {
    /// `FARGATE` or `EC2`; none with a strategy.
    pub(super) kind: Option<String>,
    pub(super) strategy: Option<Value>,
    /// The requested version, or `LATEST` on Fargate.
    pub(super) platform_version: Option<String>,
}

impl LaunchSettings {
    /// Reads a request's members. The cluster's default strategy applies if the request has neither launch type nor strategy.
    pub(super) fn of(members: &Map<String, Value>, cluster: &Cluster) -> Result<Self, Fault> {
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let launch_type = text("launchType");
        if launch_type.as_ref().is_some_and(|kind| !["EC2", "FARGATE", "EXTERNAL"].contains(&kind.as_str())) {
            return Err(invalid("launch type should be one of [EC2,FARGATE,EXTERNAL]"));
        }
        let requested_strategy = members.get("capacityProviderStrategy").filter(|list| is_filled(list));
        if launch_type.is_some() && requested_strategy.is_some() {
            return Err(invalid(
                "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
            ));
        }
        if let Some(strategy) = requested_strategy {
            check_strategy(strategy, cluster)?;
        }
        let of_cluster = || cluster.content.get("defaultCapacityProviderStrategy").filter(|list| is_filled(list));
        let strategy = if launch_type.is_some() { None } else { requested_strategy.or_else(of_cluster).cloned() };
        let kind = if strategy.is_some() { None } else { Some(launch_type.unwrap_or_else(|| "EC2".to_owned())) };
        let mut launch = Self { kind, strategy, platform_version: None };
        let version = text("platformVersion");
        if !launch.is_fargate() {
            return match version {
                Some(_) => Err(invalid("The platform version must be null when specifying an EC2 launch type.")),
                None => Ok(launch),
            };
        }
        if version.as_ref().is_some_and(|version| !PLATFORM_VERSIONS.contains(&version.as_str())) {
            return Err(Fault::client("PlatformUnknownException", "The specified platform does not exist."));
        }
        for member in ["placementConstraints", "placementStrategy"] {
            if members.get(member).is_some_and(is_filled) {
                let what = if member == "placementStrategy" { "Placement strategies" } else { "Placement constraints" };
                return Err(invalid(format!("{what} are not supported with FARGATE launch type.")));
            }
        }
        launch.platform_version = Some(version.unwrap_or_else(|| "LATEST".to_owned()));
        Ok(launch)
    }

    /// Whether no container instance is needed.
    pub(super) fn is_fargate(&self) -> bool {
        self.strategy.is_some() || self.kind.as_deref() == Some("FARGATE")
    }

    /// Refuses a definition that cannot be launched this way, and a network that does not fit it.
    pub(super) fn check(&self, definition: &TaskDefinition, network: Option<&Value>) -> Result<(), Fault> {
        let awsvpc = definition.text("networkMode") == Some("awsvpc");
        if awsvpc && network.is_none() {
            return Err(invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified."));
        }
        if !awsvpc && network.is_some() {
            return Err(invalid(
                "Network Configuration is not valid for the given networkMode of this task definition.",
            ));
        }
        let launch_type = if self.is_fargate() { "FARGATE" } else { self.kind.as_deref().unwrap_or("EC2") };
        let named = definition.content.get("requiresCompatibilities").and_then(Value::as_array);
        let possible = super::responses::compatibilities(definition);
        let refused = named.is_some_and(|list| !list.is_empty() && !list.contains(&json!(launch_type)));
        if refused || !possible.contains(&launch_type) {
            return Err(invalid(format!("Task definition does not support launch_type {launch_type}.")));
        }
        Ok(())
    }
}

/// Refuses a strategy with a provider that the cluster does not have, or without any weight.
pub(super) fn check_strategy(strategy: &Value, cluster: &Cluster) -> Result<(), Fault> {
    let associated = cluster.content.get("capacityProviders").and_then(Value::as_array);
    let items = strategy.as_array().into_iter().flatten();
    for item in items {
        let provider = item.get("capacityProvider").and_then(Value::as_str).unwrap_or_default();
        if !associated.is_some_and(|list| list.contains(&json!(provider))) {
            return Err(invalid(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the \
                 cluster. Associate the capacity provider with the cluster and try again.",
            ));
        }
        check_number(item, "weight", 1000)?;
        check_number(item, "base", 100_000)?;
    }
    Ok(())
}

fn check_number(item: &Value, member: &str, max: u64) -> Result<(), Fault> {
    match item.get(member) {
        Some(number) if number.as_u64().is_none_or(|number| number > max) => {
            Err(invalid(format!("The {member} of a capacity provider must be between 0 and {max}.")))
        }
        _ => Ok(()),
    }
}

/// Refuses an unknown provider.
pub(super) fn check_providers(names: &[String]) -> Result<(), Fault> {
    match names.iter().find(|name| !capacity_providers::FARGATE.contains(&name.as_str())) {
        Some(name) => Err(invalid(format!(
            "The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again."
        ))),
        None => Ok(()),
    }
}

/// Whether a list is given and not empty.
pub(super) fn is_filled(list: &Value) -> bool {
    list.as_array().is_some_and(|items| !items.is_empty())
}

/// A network configuration with the defaults that ECS fills in. Its subnets and security groups have to exist in EC2.
pub(super) async fn network(sandbox: &Arc<Sandbox>, given: Option<&Value>) -> Result<Option<Value>, Fault> {
    let Some(vpc) = given.and_then(|given| given.get("awsvpcConfiguration")) else { return Ok(None) };
    let names = |member: &str| -> Vec<String> {
        let list = vpc.get(member).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (subnets, groups) = (names("subnets"), names("securityGroups"));
    if subnets.is_empty() {
        return Err(invalid("subnets can not be empty."));
    }
    if subnets.len() > MAX_SUBNETS {
        return Err(invalid(format!("subnets can have at most {MAX_SUBNETS} items.")));
    }
    if groups.len() > MAX_SECURITY_GROUPS {
        return Err(invalid(format!("securityGroups can have at most {MAX_SECURITY_GROUPS} items.")));
    }
    check_exist(sandbox, "subnet", "DescribeSubnets", json!({ "SubnetId": subnets }), &subnets).await?;
    if !groups.is_empty() {
        check_exist(sandbox, "security group", "DescribeSecurityGroups", json!({ "GroupId": groups }), &groups).await?;
    }
    let public = vpc.get("assignPublicIp").cloned().unwrap_or_else(|| json!("DISABLED"));
    Ok(Some(json!({
        "awsvpcConfiguration": { "subnets": subnets, "securityGroups": groups, "assignPublicIp": public },
    })))
}

async fn check_exist(
    sandbox: &Arc<Sandbox>,
    kind: &str,
    operation: &str,
    input: Value,
    ids: &[String],
) -> Result<(), Fault> {
    sandbox.call("ec2", operation, input).await.map(drop).map_err(|fault| {
        let ids = ids.join(", ");
        invalid(format!(
            "Error retrieving {kind} information for [{ids}]: {} (ErrorCode: {})",
            fault.message, fault.code
        ))
    })
}

/// Refuses members that the sandbox does not serve.
pub(super) fn refuse_unserved(members: &Map<String, Value>, unserved: &[&str]) -> Result<(), Fault> {
    let is_given = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(content) => content.get("enabled") != Some(&json!(false)),
        _ => true,
    };
    match unserved.iter().find(|name| members.get(**name).is_some_and(is_given)) {
        Some(name) => Err(Fault::not_implemented(&format!("{name} of ECS"))),
        None => Ok(()),
    }
}

/// Refuses too many tags, keys and values that are too long, and duplicate keys.
pub(super) fn check_tags(tags: &[Tag]) -> Result<(), Fault> {
    if tags.iter().filter(|tag| !tags::is_reserved(&tag.key)).count() > MAX_TAGS {
        return Err(invalid("The number of tags exceeds the limit of 50."));
    }
    if tags.iter().any(|tag| tag.key.is_empty() || tag.key.chars().count() > 128) {
        return Err(invalid("The tag key must have between 1 and 128 characters."));
    }
    if tags.iter().any(|tag| tag.value.chars().count() > 256) {
        return Err(invalid("The tag value must have at most 256 characters."));
    }
    let mut keys: Vec<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(client_exception("Duplicate tag keys are not allowed."));
    }
    Ok(())
}
