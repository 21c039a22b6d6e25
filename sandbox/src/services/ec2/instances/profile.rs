//! The instance profile in a request for an instance.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Fault;
use crate::services::iam;
use crate::store::States;

/// A profile, by ARN or name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct IamInstanceProfileSpecification {
    arn: Option<String>,
    name: Option<String>,
}

impl IamInstanceProfileSpecification {
    /// The profile, as instances show it.
    pub(super) fn to_output(&self, states: &States) -> Result<Value, Fault> {
        let from_arn = || self.arn.as_deref()?.rsplit('/').next();
        let name = self.name.as_deref().or_else(from_arn).unwrap_or_default();
        let missing = || {
            let message = format!(
                "Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
            );
            Fault::client("InvalidParameterValue", message)
        };
        let profile = states.of::<iam::State>().instance_profiles.get(name).ok_or_else(missing)?;
        Ok(json!({ "arn": profile.arn, "id": profile.id }))
    }
}
