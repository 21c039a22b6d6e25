//! How an alarm compares data points with its threshold.

use serde::{Deserialize, Serialize};

/// `ComparisonOperator`, without the operators of anomaly detection, which are not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ComparisonOperator {
    #[serde(rename = "GreaterThanOrEqualToThreshold")]
    GreaterOrEqual,
    #[serde(rename = "GreaterThanThreshold")]
    Greater,
    #[serde(rename = "LessThanThreshold")]
    Less,
    #[serde(rename = "LessThanOrEqualToThreshold")]
    LessOrEqual,
}

impl ComparisonOperator {
    /// Whether values above the threshold breach it.
    pub(super) fn is_above_threshold(self) -> bool {
        matches!(self, Self::GreaterOrEqual | Self::Greater)
    }

    /// Whether a value breaches the threshold.
    pub(super) fn compare(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterOrEqual => value >= threshold,
            Self::Greater => value > threshold,
            Self::Less => value < threshold,
            Self::LessOrEqual => value <= threshold,
        }
    }

    /// The operator in the reasons of alarms.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::GreaterOrEqual => "greater than or equal to",
            Self::Greater => "greater than",
            Self::Less => "less than",
            Self::LessOrEqual => "less than or equal to",
        }
    }
}
