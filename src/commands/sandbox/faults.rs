//! `ecsws sandbox faults`: configures injected faults.

use clap::Args;
use ecsws_sandbox::lifecycle::Endpoint;
use ecsws_sandbox::messages::InjectedFaults;
use serde_json::Value;

use crate::context::Context;
use crate::error::CliError;
use crate::render;

/// Configure injected faults, to test how clients handle them
///
/// FAULTS is a JSON object with three lists. It replaces the current faults; `{}` clears them. Without FAULTS, the current faults are printed, with
/// the number of times that each was injected. Faults end with the sandbox.
///
/// "operations": the first fault that matches a client's request is injected. "operation" is SERVICE:OPERATION (as `sandbox coverage` prints
/// them, with * for any text), "input" are members that the request must have, "effect" is "throttle" (with "perSecond", only what exceeds it), "fail" (with "code", "message" and
/// "status"), "delay" (with "seconds"), "hang" (never respond), "cut" (close the connection without doing anything) or "cutAnswer" (do it, and close the connection in the
/// middle of the response). "times" limits how often it is injected, "probability" is its likelihood.
///
/// "resources": "resource" is a CloudFormation type or a logical id, "stack" a stack name, "on" is "create", "update" or "delete", "reason" is the
/// reason in the stack event, "times" limits how often it is injected.
///
/// "logs": batches of log events arrive late, whether a task prints them or PutLogEvents sends them. "group" is a log group, with * for any text,
/// "seconds" is how much later they are ingested. "times" and "probability" apply to each batch. When the sandbox stops, delayed events are ingested
/// at once.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ecsws sandbox faults '{\"operations\": [{\"operation\": \"ecs:Describe*\", \"effect\": \"throttle\", \"times\": 3}]}'
  ecsws sandbox faults '{\"resources\": [{\"resource\": \"AWS::ECS::Service\", \"on\": \"create\", \"reason\": \"No capacity\"}]}'
  ecsws sandbox faults '{\"operations\": [{\"operation\": \"logs:FilterLogEvents\", \"effect\": \"throttle\", \"perSecond\": 2}]}'
  ecsws sandbox faults '{\"logs\": [{\"group\": \"/ecs/*\", \"seconds\": 10, \"probability\": 0.2}]}'
  ecsws sandbox faults '{}'")]
pub(super) struct FaultsArgs {
    /// Faults to inject; without it, print the current ones
    #[arg(value_parser = object)]
    faults: Option<Value>,
}

fn object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("this is not a JSON object".to_owned()),
        Err(error) => Err(format!("this is not JSON: {error}")),
    }
}

pub(super) async fn run(args: FaultsArgs, endpoint: &Endpoint, ctx: &mut Context) -> Result<(), CliError> {
    let now = Context::now();
    let FaultsArgs { faults } = args;
    if let Some(faults) = faults {
        endpoint.put_faults(&faults, now).await?;
    }
    let InjectedFaults { operations, resources, logs } = endpoint.faults(now).await?;
    Ok(render::injected_faults(&mut ctx.ui, &operations, &resources, &logs)?)
}
