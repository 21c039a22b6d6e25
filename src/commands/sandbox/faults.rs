//! `ecsws sandbox faults`: what is to go wrong in the sandbox, for tests.

use clap::Args;
use ecsws_sandbox::lifecycle::Endpoint;
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::CliError;

/// Say what is to go wrong in it, to see how clients cope
///
/// FAULTS is a JSON object with two lists, which replaces what was set before; `{}` clears everything. Without it, the faults that are
/// set are printed, with how often each struck. They end with the sandbox.
///
/// "operations": the first that fits a request from outside strikes. "operation" is SERVICE:OPERATION (the names that `sandbox coverage` prints; *
/// stands for anything), "input" has members that the request must have, "effect" is "throttle", "fail" (with "code", "message" and "status"), "delay"
/// (with "seconds"), "hang" (never answers), "cut" (closes the connection, and nothing is done) or "cutAnswer" (does it, and closes the connection in
/// the middle of the answer); "times" is how often it strikes, "probability" how likely.
///
/// "resources": "resource" is a CloudFormation type or a logical id, "stack" a stack's name, "on" is "create", "update" or "delete", "reason" is what
/// the stack's event says, "times" is how often it strikes.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ecsws sandbox faults '{\"operations\": [{\"operation\": \"ecs:Describe*\", \"effect\": \"throttle\", \"times\": 3}]}'
  ecsws sandbox faults '{\"resources\": [{\"resource\": \"AWS::ECS::Service\", \"on\": \"create\", \"reason\": \"No capacity\"}]}'
  ecsws sandbox faults '{}'")]
pub(super) struct FaultsArgs {
    /// What is to go wrong from now on
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
        endpoint.call("PutFaults", &faults, now).await?;
    }
    let set = endpoint.call("DescribeFaults", &json!({}), now).await?;
    if ctx.ui.is_json() {
        return Ok(ctx.ui.json_result(&set)?);
    }
    for list in ["operations", "resources"] {
        for fault in set[list].as_array().into_iter().flatten() {
            writeln!(ctx.ui.results(), "{fault}")?;
        }
    }
    Ok(())
}
