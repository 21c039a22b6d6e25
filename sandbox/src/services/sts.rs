//! AWS Security Token Service: GetCallerIdentity.

use serde_json::{Value, json};

use crate::Fault;
use crate::auth::Identity;
use crate::core::{AwsService, Call, IntoOperationResult as _, NoInput, Operation};
use crate::protocol::Protocol;

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: "sts",
    protocols: &[Protocol::Query { version: "2011-06-15", xmlns: "https://sts.amazonaws.com/doc/2011-06-15/" }],
    validation_code: "ValidationError",
    owner_only: false,
    input_hook: None,
    operations: &[Operation {
        name: "GetCallerIdentity",
        run: |call| Box::pin(async move { get_caller_identity(call).into_operation_result() }),
    }],
};

fn get_caller_identity(call: Call) -> Result<Value, Fault> {
    let identity = call.identity.clone();
    let (sandbox, NoInput {}) = call.parse()?;
    Ok(match identity {
        Identity::Owner => json!({
            "Arn": sandbox.config.global_arn("iam", "user/sandbox"),
            "UserId": "AIDASANDBOXSANDBOXSAN",
            "Account": sandbox.config.account,
        }),
        Identity::Role(session) => json!({
            "Arn": session.assumed_role_arn(),
            "UserId": format!("{}:{}", session.role_id, session.name),
            "Account": session.account(),
        }),
    })
}
