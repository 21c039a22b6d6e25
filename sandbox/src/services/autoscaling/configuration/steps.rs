//! Step scaling.

use serde::{Deserialize, Serialize};

use super::{DEFAULT_COOLDOWN, validation_exception};
use crate::Fault;

/// `StepScalingPolicyConfiguration`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct StepScaling {
    #[serde(skip_serializing_if = "Option::is_none")]
    adjustment_type: Option<String>,
    /// Adjustments by the size of the breach.
    #[serde(default)]
    pub step_adjustments: Vec<StepAdjustment>,
    /// The smallest change of percent scaling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_adjustment_magnitude: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cooldown: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_aggregation_type: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct StepAdjustment {
    /// The lower bound relative to the threshold; unbounded if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_interval_lower_bound: Option<f64>,
    /// The upper bound relative to the threshold; unbounded if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_interval_upper_bound: Option<f64>,
    pub scaling_adjustment: i64,
}

impl StepScaling {
    /// Checks the rules of `StepAdjustment` in the API reference.
    pub(super) fn validated(self) -> Result<Self, Fault> {
        if self.adjustment_type.is_none() {
            return Err(validation_exception("AdjustmentType is required"));
        }
        let steps = self.sorted();
        let Some(first) = steps.first() else {
            return Err(validation_exception("At least one step adjustment is required"));
        };
        let bounds = |step: &StepAdjustment| (step.metric_interval_lower_bound, step.metric_interval_upper_bound);
        for step in &steps {
            match bounds(step) {
                (None, None) => {
                    return Err(validation_exception("Step adjustments must have a lower or an upper bound"));
                }
                (Some(lower), Some(upper)) if lower >= upper => {
                    return Err(validation_exception(
                        "The upper bound of a step adjustment must be greater than its lower bound",
                    ));
                }
                _ => {}
            }
            if self.kind() == AdjustmentType::Exact && step.scaling_adjustment < 0 {
                return Err(validation_exception("ScalingAdjustment must not be negative for ExactCapacity"));
            }
        }
        if steps.windows(2).any(|pair| bounds(&pair[0]).1.is_none() || bounds(&pair[0]).1 != bounds(&pair[1]).0) {
            return Err(validation_exception("The ranges of step adjustments must neither overlap nor have a gap"));
        }
        if bounds(first).0.is_some_and(|lower| lower < 0.0) {
            return Err(validation_exception(
                "With a negative lower bound, one step adjustment must have no lower bound",
            ));
        }
        if steps.last().and_then(|last| bounds(last).1).is_some_and(|upper| upper > 0.0) {
            return Err(validation_exception(
                "With a positive upper bound, one step adjustment must have no upper bound",
            ));
        }
        Ok(self)
    }

    fn sorted(&self) -> Vec<StepAdjustment> {
        let mut steps = self.step_adjustments.clone();
        let lower = |step: &StepAdjustment| step.metric_interval_lower_bound.unwrap_or(f64::NEG_INFINITY);
        steps.sort_by(|first, second| lower(first).total_cmp(&lower(second)));
        steps
    }

    pub(crate) fn kind(&self) -> AdjustmentType {
        match self.adjustment_type.as_deref() {
            Some("ExactCapacity") => AdjustmentType::Exact,
            Some("PercentChangeInCapacity") => AdjustmentType::Percent,
            _ => AdjustmentType::Change,
        }
    }

    pub(crate) fn aggregate(&self, values: &[f64]) -> Option<f64> {
        let values = values.iter().copied();
        match self.metric_aggregation_type.as_deref() {
            Some("Minimum") => values.reduce(f64::min),
            Some("Maximum") => values.reduce(f64::max),
            _ => {
                let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
                (count > 0.0).then(|| sum / count)
            }
        }
    }

    /// The cooldown in seconds.
    pub(crate) fn cooldown(&self) -> u64 {
        self.cooldown.unwrap_or(DEFAULT_COOLDOWN)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AdjustmentType {
    /// A change of the count.
    Change,
    /// A new count.
    Exact,
    /// A change in percent.
    Percent,
}
