//! Application Auto Scaling of a service's desired count.

use jiff::Timestamp;
use serde::Serialize;

/// The scalable target of a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScalableTarget {
    /// MinCapacity.
    pub min: u32,
    /// MaxCapacity.
    pub max: u32,
    /// What is suspended: `scaling in`, `scaling out`, `scheduled scaling`.
    pub suspended: Vec<String>,
    pub policies: Vec<ScalingPolicy>,
    /// The newest first.
    pub activities: Vec<ScalingActivity>,
}

/// A change of the desired count by autoscaling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScalingActivity {
    #[serde(serialize_with = "super::json_time::serialize_optional_time")]
    pub started: Option<Timestamp>,
    /// `Successful`, `InProgress`, `Failed` and others.
    pub status: String,
    /// What it does: "Setting desired count to 4."
    pub description: String,
    /// Why: "monitor alarm … in state ALARM triggered policy …".
    pub cause: String,
}

/// A target-tracking policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScalingPolicy {
    /// The predefined metric, such as `ECSServiceAverageCPUUtilization`; empty for a custom metric.
    pub metric: String,
    /// The target value of the metric.
    pub target: f64,
}
