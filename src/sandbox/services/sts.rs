//! AWS Security Token Service: who am I.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Service, operation};
use crate::sandbox::Sandbox;
use crate::sandbox::wire::Protocol;

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: "sts",
    protocols: &[Protocol::Query { version: "2011-06-15", xmlns: "https://sts.amazonaws.com/doc/2011-06-15/" }],
    validation_code: "ValidationError",
    operations: &[operation!("GetCallerIdentity" => get_caller_identity)],
};

#[derive(Deserialize)]
struct Nothing {}

fn get_caller_identity(sandbox: &Arc<Sandbox>, Nothing {}: Nothing) -> Value {
    json!({
        "Arn": sandbox.config.global_arn("iam", "user/sandbox"),
        "UserId": "AIDASANDBOXSANDBOXSAN",
        "Account": sandbox.config.account,
    })
}
