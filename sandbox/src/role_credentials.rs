//! How AWS SDKs in a task find the sandbox: environment variables, and the container credentials endpoint.
//!
//! SDKs request the container credentials URI without a signature (AWS SDKs and Tools reference, "Container credential
//! provider"). The caller has to know its random path and the token of the same task instead.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::auth::RoleSession;
use super::{Fault, Sandbox};
use crate::base::clock::iso8601;

/// Every role session has an address below this path.
pub const PATH: &str = "/v2/credentials/";

/// The stated lifetime of credentials, as on ECS (developer guide, "Task IAM role"). SDKs ask again before it is over.
const LIFETIME: Duration = Duration::from_hours(6);

/// Answers an SDK's request for credentials.
///
/// # Errors
/// When the path or the token is not that of a task that runs.
pub fn answer(
    sandbox: &Sandbox,
    method: &Method,
    path: &str,
    headers: &BTreeMap<String, String>,
) -> Result<Value, Fault> {
    if method != Method::GET {
        return Err(Fault::new(405, "MethodNotAllowed", "Credentials are requested with GET"));
    }
    let path_id = path.strip_prefix(PATH).unwrap_or_default();
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

impl Sandbox {
    /// The variables with which AWS SDKs and the AWS CLI call the sandbox, as `role` if there is one, and never AWS.
    pub fn sdk_variables(&self, role: Option<&RoleSession>) -> Vec<(String, String)> {
        let url = self.port.get().map(|port| format!("http://127.0.0.1:{port}"));
        let text = str::to_owned;
        let mut variables = vec![
            ("AWS_REGION", self.config.region.clone()),
            ("AWS_DEFAULT_REGION", self.config.region.clone()),
            ("AWS_EC2_METADATA_DISABLED", text("true")),
            // Operations with a host of their own, such as `data-` for DiscoverInstances, have none on loopback.
            ("AWS_DISABLE_HOST_PREFIX_INJECTION", text("true")),
        ];
        if let (Some(url), Some(role)) = (&url, role) {
            variables.push(("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}{PATH}{}", role.path_id)));
            variables.push(("AWS_CONTAINER_AUTHORIZATION_TOKEN", role.authorization.clone()));
        }
        variables.extend(url.map(|url| ("AWS_ENDPOINT_URL", url)));
        variables.into_iter().map(|(name, value)| (text(name), value)).collect()
    }
}
