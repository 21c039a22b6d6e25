//! Application Auto Scaling of a service's desired count.

use serde::Serialize;

/// The scalable target of a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScalableTarget {
    /// MinCapacity.
    pub min: u32,
    /// MaxCapacity.
    pub max: u32,
    pub policies: Vec<ScalingPolicy>,
}

/// A target-tracking policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScalingPolicy {
    /// The predefined metric, such as `ECSServiceAverageCPUUtilization`; empty for a custom metric.
    pub metric: String,
    /// The target value of the metric.
    pub target: f64,
}
