//! Managed instances: EC2 instances whose role allows the agent to report to Systems Manager. Their processes run on
//! this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

use super::invalid_token;
use crate::auth::RoleLease;
use crate::base::clock::epoch_seconds;
use crate::base::{ids, paging};
use crate::core::OperationResult;
use crate::process::environment::Folders;
use crate::process::{ProcessSpec, TASK_MARKER};
use crate::services::iam::grants;
use crate::services::{ec2, iam};
use crate::session_channel::{AGENT_VERSION, Sessions};
use crate::store::States;
use crate::{Fault, Sandbox};

/// The folder in the state folder that contains the instances' folders.
pub(crate) const FOLDER: &str = "instances";
/// The action that an instance's role must allow for its agent to connect (user guide, "Setting up instance
/// permissions").
const CONNECT_ACTION: &str = "ssm:UpdateInstanceInformation";
/// The default and the maximum page size.
const PAGE_SIZE: usize = 50;

/// The instance with an id, if its agent is connected.
pub(crate) fn connected<'a>(states: &'a States, id: &str) -> Option<&'a Value> {
    let instance =
        states.of::<ec2::State>().records.get(id).filter(|record| record["instanceState"]["name"] == "running")?;
    grants::allows(states.of::<iam::State>(), role(states, instance)?, CONNECT_ACTION).then_some(instance)
}

fn role<'a>(states: &'a States, instance: &Value) -> Option<&'a str> {
    let profile = instance["iamInstanceProfile"]["arn"].as_str()?;
    states.of::<iam::State>().instance_profiles.values().find(|candidate| candidate.arn == profile)?.role.as_deref()
}

pub(crate) fn all(states: &States) -> impl Iterator<Item = &Value> {
    states.of::<ec2::State>().records.with_prefix("i-").filter_map(|(id, _)| connected(states, id))
}

/// The process of a command on an instance. It starts in the instance's folder, which is also its home directory.
///
/// # Errors
/// When commands from requests may not run, or the folder cannot be created.
pub(crate) fn command(sandbox: &Sandbox, instance: &Value, command: &[&str]) -> Result<ProcessSpec, Fault> {
    if !sandbox.config.host_exec {
        return Err(Fault::no_host_exec());
    }
    let id = instance["instanceId"].as_str().unwrap_or_default();
    let home = home(sandbox, id);
    let folders = Folders { temporary: home.join("tmp"), home };
    folders.make().map_err(Fault::internal)?;
    let host_name = instance["privateDnsName"].as_str().unwrap_or_default();
    let own = [("HOSTNAME", host_name), (TASK_MARKER, &format!("{id}-{}", ids::uuid()))];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Ok(ProcessSpec {
        command: command.iter().map(|part| (*part).to_owned()).collect(),
        environment: [folders.variables(), role_variables(sandbox, instance, id), own].concat(),
        cwd: Some(folders.home),
        ..ProcessSpec::default()
    })
}

/// Role credentials by instance id.
#[derive(Debug, Default)]
pub(crate) struct Roles(Mutex<BTreeMap<String, RoleLease>>);

/// The variables with which SDKs on an instance act as its role. On AWS they get credentials from the instance metadata
/// service; here they get them from the container credentials endpoint, like tasks.
fn role_variables(sandbox: &Sandbox, instance: &Value, id: &str) -> Vec<(String, String)> {
    let role = sandbox.store.read(|states| {
        let role = states.of::<iam::State>().roles.get(role(states, instance)?)?;
        Some((role.arn.clone(), role.id.clone()))
    });
    let mut leases = sandbox.in_memory::<Roles>().0.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((arn, role_id)) = role else {
        leases.remove(id);
        return sandbox.sdk_variables(None);
    };
    if leases.get(id).is_none_or(|lease| lease.session().role_id != role_id) {
        leases.insert(id.to_owned(), sandbox.roles.issue(arn, role_id, id.to_owned()));
    }
    sandbox.sdk_variables(leases.get(id).map(RoleLease::session))
}

/// Removes the credentials and files of a terminated instance.
pub(crate) fn remove(sandbox: &Sandbox, id: &str) {
    sandbox.in_memory::<Sessions>().end_target(id);
    sandbox.in_memory::<Roles>().0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    // Files that cannot be removed do no harm.
    let _ = std::fs::remove_dir_all(home(sandbox, id));
}

fn home(sandbox: &Sandbox, id: &str) -> PathBuf {
    sandbox.config.state_dir.join(FOLDER).join(id)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstanceInformationFilter {
    key: String,
    value_set: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InstanceInformationStringFilter {
    key: String,
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DescribeInstanceInformationInput {
    #[serde(default)]
    instance_information_filter_list: Vec<InstanceInformationFilter>,
    #[serde(default)]
    filters: Vec<InstanceInformationStringFilter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// Filters, and the member of responses that each compares.
const FILTERS: &[(&str, &str)] = &[
    ("InstanceIds", "InstanceId"),
    ("PingStatus", "PingStatus"),
    ("PlatformTypes", "PlatformType"),
    ("AgentVersion", "AgentVersion"),
    ("ResourceType", "ResourceType"),
];

fn to_output(sandbox: &Sandbox, instance: &Value) -> Value {
    json!({
        "InstanceId": instance["instanceId"],
        "PingStatus": "Online",
        "LastPingDateTime": epoch_seconds(sandbox.clock.now()),
        "AgentVersion": AGENT_VERSION,
        "IsLatestVersion": true,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": instance["privateIpAddress"],
        "ComputerName": instance["privateDnsName"],
    })
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, input: DescribeInstanceInformationInput) -> OperationResult {
    let old = input.instance_information_filter_list.into_iter().map(|old| (old.key, old.value_set));
    let filters: Vec<_> = old.chain(input.filters.into_iter().map(|filter| (filter.key, filter.values))).collect();
    let mut conditions = Vec::new();
    for (key, values) in &filters {
        let known = FILTERS.iter().find(|(name, _)| name == key);
        let (_, member) = known
            .ok_or_else(|| Fault::not_implemented(&format!("ssm:DescribeInstanceInformation with the filter {key}")))?;
        conditions.push((*member, values));
    }
    let passes = |output: &Value| {
        conditions.iter().all(|(member, values)| values.iter().any(|value| output[*member] == value.as_str()))
    };
    let query = format!("DescribeInstanceInformation {filters:?}");
    let page = sandbox.store.read(|states| {
        let all = all(states).map(|instance| to_output(sandbox, instance)).filter(passes);
        let all = all.map(|output| (output["InstanceId"].to_string(), output));
        paging::page(all, &query, input.next_token.as_deref(), input.max_results.unwrap_or(PAGE_SIZE))
            .map_err(invalid_token)
    })?;
    Ok(json!({ "InstanceInformationList": page.items, "NextToken": page.next_token }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetConnectionStatusInput {
    target: String,
}

/// `GetConnectionStatus`, for instances only.
pub(super) fn connection_status(
    sandbox: &Arc<Sandbox>,
    GetConnectionStatusInput { target }: GetConnectionStatusInput,
) -> Value {
    let is_connected = sandbox.store.read(|states| connected(states, &target).is_some());
    json!({ "Target": target, "Status": if is_connected { "connected" } else { "notconnected" } })
}
