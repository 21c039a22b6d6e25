//! Control calls of the sandbox itself, outside AWS's API: signed like every other, for the service `ecsws`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::ecs::{addresses, engine, images};
use super::{Service, operation};
use crate::sandbox::Sandbox;
use crate::sandbox::wire::Protocol;

/// The name that control calls are signed for.
pub const SIGNING_NAME: &str = "ecsws";
/// What stands before the operation in a control call's target.
pub const TARGET_PREFIX: &str = "EcswsSandbox";

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: SIGNING_NAME,
    protocol: Protocol::Json11 { target_prefix: TARGET_PREFIX },
    validation_code: "ValidationException",
    operations: &[
        operation!(async "CheckRuntime" => engine::check_runtime),
        operation!("DescribeAddresses" => addresses::describe),
        operation!("PutImages" => images::put),
        operation!("Shutdown" => shutdown),
        operation!("Status" => status),
    ],
};

#[derive(Deserialize)]
struct Nothing {}

fn status(sandbox: &Arc<Sandbox>, Nothing {}: Nothing) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "startedAt": sandbox.started_at.to_string(),
        "account": sandbox.config.account,
        "region": sandbox.config.region,
        "stateDir": sandbox.config.state_dir,
        "speed": sandbox.config.speed,
        "hostExec": sandbox.config.host_exec,
    })
}

fn shutdown(sandbox: &Arc<Sandbox>, Nothing {}: Nothing) -> Value {
    sandbox.shutdown.cancel();
    json!({})
}
