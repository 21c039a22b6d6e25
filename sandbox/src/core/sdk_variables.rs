//! The environment variables with which AWS SDKs in a task or on an instance call the sandbox.

use super::Sandbox;
use crate::auth::RoleSession;

/// Every role session has the address of its credentials below this.
pub(crate) const CREDENTIALS_PATH: &str = "/v2/credentials/";

impl Sandbox {
    /// The variables that make AWS SDKs and the AWS CLI call the sandbox instead of AWS, as `role` if there is one.
    pub fn sdk_variables(&self, role: Option<&RoleSession>) -> Vec<(String, String)> {
        let url = self.port.get().map(|port| format!("http://127.0.0.1:{port}"));
        let text = str::to_owned;
        let mut variables = vec![
            ("AWS_REGION", self.config.region.clone()),
            ("AWS_DEFAULT_REGION", self.config.region.clone()),
            ("AWS_EC2_METADATA_DISABLED", text("true")),
            // Host prefixes of operations, such as `data-` for DiscoverInstances, do not resolve on loopback.
            ("AWS_DISABLE_HOST_PREFIX_INJECTION", text("true")),
        ];
        if let (Some(url), Some(role)) = (&url, role) {
            variables.push(("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{url}{CREDENTIALS_PATH}{}", role.path_id)));
            variables.push(("AWS_CONTAINER_AUTHORIZATION_TOKEN", role.authorization.clone()));
        }
        variables.extend(url.map(|url| ("AWS_ENDPOINT_URL", url)));
        variables.into_iter().map(|(name, value)| (text(name), value)).collect()
    }
}
