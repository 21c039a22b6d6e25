//! `DeploymentConfig` and `RollbackConfiguration`, of which the sandbox serves the defaults.

use serde::Deserialize;

use crate::Fault;
use crate::base::arn::Arn;
use crate::cloudformation::template::invalid;

/// Alarms that roll back an operation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RollbackConfiguration {
    #[serde(default)]
    rollback_triggers: Vec<Trigger>,
    #[serde(default)]
    monitoring_time_in_minutes: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Trigger {
    arn: String,
    #[serde(rename = "Type")]
    kind: String,
}

/// How an operation is carried out, and whether its failure is rolled back.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeploymentConfig {
    mode: Option<String>,
    #[serde(default)]
    pub disable_rollback: bool,
}

impl DeploymentConfig {
    /// The sandbox always waits until resources are stable.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match self.mode.as_deref() {
            None | Some("STANDARD") => Ok(()),
            Some(mode) => Err(Fault::not_implemented(&format!("the DeploymentConfig mode {mode}"))),
        }
    }
}

impl RollbackConfiguration {
    /// The sandbox monitors no alarms during operations.
    pub(super) fn check(&self) -> Result<(), Fault> {
        for trigger in &self.rollback_triggers {
            if !matches!(trigger.kind.as_str(), "AWS::CloudWatch::Alarm" | "AWS::CloudWatch::CompositeAlarm") {
                return Err(invalid("Rollback Trigger Type not supported"));
            }
            if !Arn::parse(&trigger.arn).is_some_and(|arn| arn.resource.starts_with("alarm:")) {
                return Err(invalid("RelativeId of a Rollback Trigger's ARN is incorrect"));
            }
        }
        if self.rollback_triggers.is_empty() && self.monitoring_time_in_minutes == 0 {
            return Ok(());
        }
        Err(Fault::not_implemented("a RollbackConfiguration with triggers or a monitoring time"))
    }
}
