//! Control calls of the sandbox itself, outside AWS's API: signed like every other, for the service `ecsws`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

mod status;

use crate::Sandbox;
use crate::cloudformation::resources;
use crate::core::{Reply, Service, operation};
use crate::faults::Rules;
use crate::protocol::Protocol;
use crate::services::ecs::{addresses, images};

/// The name that control calls are signed for.
pub const SIGNING_NAME: &str = crate::auth::CONTROL_SERVICE;
/// What stands before the operation in a control call's target.
pub const TARGET_PREFIX: &str = "EcswsSandbox";

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: SIGNING_NAME,
    protocols: &[Protocol::Json11 { target_prefix: TARGET_PREFIX }],
    validation_code: "ValidationException",
    is_for_owner: true,
    prepare: None,
    operations: &[
        operation!(async "CheckRuntime" => images::check_runtime),
        operation!("DescribeAddresses" => addresses::describe),
        operation!("DescribeFaults" => describe_faults),
        operation!("PutFaults" => put_faults),
        operation!("PutImages" => images::put),
        operation!("Shutdown" => shutdown),
        operation!("Status" => status::run),
    ],
};

#[derive(Deserialize)]
struct Nothing {}

/// `PutFaults`: these take the place of all that there are.
fn put_faults(sandbox: &Arc<Sandbox>, rules: Rules) -> Reply {
    let operations: Vec<String> = sandbox.registry.operations().collect();
    let resource_types: Vec<&str> = resources::all().map(|kind| kind.name).collect();
    sandbox.faults.put(rules, &operations, &resource_types)?;
    Ok(json!({}))
}

/// `DescribeFaults`.
fn describe_faults(sandbox: &Arc<Sandbox>, Nothing {}: Nothing) -> Value {
    sandbox.faults.describe()
}

fn shutdown(sandbox: &Arc<Sandbox>, Nothing {}: Nothing) -> Value {
    sandbox.shutdown.cancel();
    json!({})
}
