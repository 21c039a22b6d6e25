//! Application Auto Scaling of a service's desired count.

use serde::Serialize;

/// A service registered for scaling.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScalableTarget {
    /// MinCapacity.
    pub min: u32,
    /// MaxCapacity.
    pub max: u32,
    /// Its target-tracking policies.
    pub policies: Vec<ScalingPolicy>,
}

/// A target-tracking policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScalingPolicy {
    /// The predefined metric, such as `ECSServiceAverageCPUUtilization`; empty for a customised one.
    pub metric: String,
    /// The value that it is kept at.
    pub target: f64,
}
