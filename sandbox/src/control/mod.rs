//! The sandbox's own service, outside AWS's API. Control calls are signed like all others, for the service `ecsws`.

use std::sync::Arc;

use serde_json::{Value, json};

mod status;

use crate::Sandbox;
use crate::cloudformation::resources;
use crate::core::{NoInput, OperationResult, ServiceDefinition, operation};
use crate::fault_injection::Rules;
use crate::protocol::Protocol;
use crate::services::ecs::{images, service_addresses};

/// The name that control calls are signed for.
pub(crate) const SIGNING_NAME: &str = crate::auth::CONTROL_SERVICE;
/// The prefix of the targets of control calls.
pub(crate) const TARGET_PREFIX: &str = "EcswsSandbox";

pub(crate) static SERVICE: ServiceDefinition = ServiceDefinition {
    signing_name: SIGNING_NAME,
    protocols: &[Protocol::Json11 { target_prefix: TARGET_PREFIX }],
    validation_code: "ValidationException",
    is_for_owner: true,
    prepare: None,
    operations: &[
        operation!(async "CheckRuntime" => images::check_runtime),
        operation!("DescribeAddresses" => service_addresses::describe),
        operation!("DescribeFaults" => describe_faults),
        operation!("PutFaults" => put_faults),
        operation!("PutImages" => images::put),
        operation!("Shutdown" => shutdown),
        operation!("Status" => status::run),
    ],
};

/// `PutFaults`: replaces all rules of fault injection.
fn put_faults(sandbox: &Arc<Sandbox>, rules: Rules) -> OperationResult {
    let operations: Vec<String> = sandbox.registry.operations().collect();
    let resource_types: Vec<&str> = resources::all().map(|kind| kind.name).collect();
    sandbox.fault_injector.put(rules, &operations, &resource_types)?;
    Ok(json!({}))
}

/// `DescribeFaults`.
fn describe_faults(sandbox: &Arc<Sandbox>, NoInput {}: NoInput) -> Value {
    sandbox.fault_injector.to_output()
}

fn shutdown(sandbox: &Arc<Sandbox>, NoInput {}: NoInput) -> Value {
    sandbox.shutdown.cancel();
    json!({})
}
