//! Control calls of the sandbox itself, outside AWS's API: signed like every other, for the service `ecsws`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

mod status;

use super::ecs::{addresses, engine, images};
use super::{Service, operation};
use crate::wire::Protocol;
use crate::{Sandbox, faults};

/// The name that control calls are signed for.
pub const SIGNING_NAME: &str = crate::auth::CONTROL_SERVICE;
/// What stands before the operation in a control call's target.
pub const TARGET_PREFIX: &str = "EcswsSandbox";

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: SIGNING_NAME,
    protocols: &[Protocol::Json11 { target_prefix: TARGET_PREFIX }],
    validation_code: "ValidationException",
    operations: &[
        operation!(async "CheckRuntime" => engine::check_runtime),
        operation!("DescribeAddresses" => addresses::describe),
        operation!("DescribeFaults" => faults::describe),
        operation!("PutFaults" => faults::put),
        operation!("PutImages" => images::put),
        operation!("Shutdown" => shutdown),
        operation!("Status" => status::run),
    ],
};

#[derive(Deserialize)]
struct Nothing {}

fn shutdown(sandbox: &Arc<Sandbox>, Nothing {}: Nothing) -> Value {
    sandbox.shutdown.cancel();
    json!({})
}
