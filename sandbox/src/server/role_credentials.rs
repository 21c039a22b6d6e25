//! The container credentials endpoint, from which AWS SDKs in a task get the credentials of its role.
//!
//! SDKs request the container credentials URI without a signature (AWS SDKs and Tools reference, "Container credential
//! provider"). Instead, it needs the random path and the token of the same task.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::base::clock::iso8601;
use crate::core::CREDENTIALS_PATH;
use crate::{Fault, Sandbox};

/// The stated lifetime of credentials, as on ECS (developer guide, "Task IAM role"). SDKs renew them before it ends.
const LIFETIME: Duration = Duration::from_hours(6);

/// The response to an SDK's request for credentials.
///
/// # Errors
/// When the path or the token is not that of a running task.
pub(super) fn credentials_response(
    sandbox: &Sandbox,
    method: &Method,
    path: &str,
    headers: &BTreeMap<String, String>,
) -> Result<Value, Fault> {
    if method != Method::GET {
        return Err(Fault::new(405, "MethodNotAllowed", "Credentials are requested with GET"));
    }
    let path_id = path.strip_prefix(CREDENTIALS_PATH).unwrap_or_default();
    let authorization = headers.get("authorization").map(String::as_str).unwrap_or_default();
    let session = sandbox.roles.by_path(path_id, authorization);
    let session = session.ok_or_else(|| Fault::new(403, "AccessDenied", "No running task has this path and token"))?;
    Ok(json!({
        "RoleArn": session.role_arn,
        "AccessKeyId": session.credentials.access_key_id,
        "SecretAccessKey": session.credentials.secret_access_key,
        "Token": session.token,
        "Expiration": iso8601(sandbox.clock.now() + LIFETIME),
    }))
}
