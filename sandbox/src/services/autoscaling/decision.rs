//! The decision how many tasks a service should have: arithmetic only.
//!
//! Sources: "How target tracking scaling works", "How step scaling works" and "Scaling activities" in the user guide of
//! Application Auto Scaling, `StepAdjustment` in its API reference, and "Automatically scale your Amazon ECS service"
//! in the developer guide of ECS.

use serde::{Deserialize, Serialize};

use super::configuration::{AdjustmentType, StepAdjustment, StepScaling};

/// A rounding error of floating point arithmetic; no metric differs by this little.
const EPSILON: f64 = 1e-9;

/// The state that a decision is based on.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScalingState {
    /// The number of running tasks, the base of all calculations.
    pub running: u32,
    /// The desired count.
    pub desired: u32,
    /// The minimum capacity.
    pub min: u32,
    /// The maximum capacity.
    pub max: u32,
    /// Whether a deployment is in progress.
    pub deploying: bool,
    /// Whether scaling in is suspended.
    pub in_suspended: bool,
    /// Whether scaling out is suspended.
    pub out_suspended: bool,
    /// The scaling that the current cooldown follows, if there is one.
    pub cooling: Option<CooldownScaling>,
}

/// A scaling that is followed by a cooldown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CooldownScaling {
    /// The count that its calculation was based on.
    pub from: u32,
    /// The count that it set.
    pub to: u32,
    /// Whether it scaled out.
    pub out: bool,
}

#[derive(Debug)]
pub(super) enum CapacityRequest {
    /// The count that brings every metric to its target: the largest that one of them needs.
    Track(Vec<TrackedMetric>),
    /// An adjustment of step scaling.
    Adjust {
        kind: AdjustmentType,
        by: i64,
        /// The smallest change of percent scaling.
        at_least: u32,
    },
}

/// A metric and its target.
#[derive(Debug, Clone, Copy)]
pub(super) struct TrackedMetric {
    /// The current value.
    pub value: f64,
    /// The target value.
    pub target: f64,
}

/// The result of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Set a new count.
    Set(CooldownScaling),
    /// Scale nothing, and record the reason.
    NotScaled(Reason),
    /// Scale nothing for now.
    Wait,
}

/// Why nothing is scaled (`NotScaledReason` in the API reference).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reason {
    /// With fewer tasks the metric would exceed its target.
    AutoScalingAnticipatedFlapping,
    /// A deployment is in progress.
    TargetServicePutResourceAsUnscalable,
    /// The desired count is the maximum.
    AlreadyAtMaxCapacity(u32),
    /// The desired count is the minimum.
    AlreadyAtMinCapacity(u32),
    /// The desired count is the requested one.
    AlreadyAtDesiredCapacity(u32),
}

pub(super) fn decide(state: &ScalingState, request: &CapacityRequest) -> Decision {
    let requested = request.capacity(state.running);
    match requested.cmp(&state.running) {
        std::cmp::Ordering::Greater => scale_out(state, request),
        std::cmp::Ordering::Less => scale_in(state, requested),
        std::cmp::Ordering::Equal if request.is_below_target() => Decision::NotScaled(if state.desired <= state.min {
            Reason::AlreadyAtMinCapacity(state.min)
        } else {
            Reason::AutoScalingAnticipatedFlapping
        }),
        std::cmp::Ordering::Equal => Decision::NotScaled(Reason::AlreadyAtDesiredCapacity(state.desired)),
    }
}

/// Scales out. During a cooldown after scaling out, the capacity that was added counts as part of the new request. A
/// cooldown after scaling in is ignored.
fn scale_out(state: &ScalingState, request: &CapacityRequest) -> Decision {
    if state.desired >= state.max {
        return Decision::NotScaled(Reason::AlreadyAtMaxCapacity(state.max));
    }
    if state.out_suspended {
        return Decision::Wait;
    }
    let cooling = state.cooling.filter(|cooling| cooling.out);
    let from = cooling.map_or(state.running, |cooling| cooling.from);
    let to = request.capacity(from).clamp(state.min, state.max);
    if to > state.desired {
        Decision::Set(CooldownScaling { from, to, out: true })
    } else if cooling.is_some() {
        Decision::Wait
    } else {
        Decision::NotScaled(Reason::AlreadyAtDesiredCapacity(state.desired))
    }
}

/// Scales in, unless there is a cooldown or a deployment in progress.
fn scale_in(state: &ScalingState, requested: u32) -> Decision {
    if state.desired <= state.min {
        return Decision::NotScaled(Reason::AlreadyAtMinCapacity(state.min));
    }
    if state.in_suspended || state.cooling.is_some() {
        return Decision::Wait;
    }
    if state.deploying {
        return Decision::NotScaled(Reason::TargetServicePutResourceAsUnscalable);
    }
    let to = requested.clamp(state.min, state.max);
    if to < state.desired {
        Decision::Set(CooldownScaling { from: state.running, to, out: false })
    } else {
        Decision::NotScaled(Reason::AlreadyAtDesiredCapacity(state.desired))
    }
}

impl CapacityRequest {
    /// The request of the step adjustment that applies to a metric's difference from the threshold.
    pub(super) fn from_step(step: &StepScaling, difference: f64, above_threshold: bool) -> Option<Self> {
        let adjustment =
            step.step_adjustments.iter().find(|adjustment| adjustment.applies_to(difference, above_threshold))?;
        let at_least = step.min_adjustment_magnitude.unwrap_or_default();
        Some(Self::Adjust { kind: step.kind(), by: adjustment.scaling_adjustment, at_least })
    }

    /// The requested capacity, from the current one.
    fn capacity(&self, base: u32) -> u32 {
        match self {
            Self::Track(metrics) => metrics.iter().map(|metric| metric.capacity(base)).max().unwrap_or(base),
            Self::Adjust { kind: AdjustmentType::Exact, by, .. } => to_count(*by),
            Self::Adjust { kind: AdjustmentType::Change, by, .. } => to_count(i64::from(base).saturating_add(*by)),
            Self::Adjust { kind: AdjustmentType::Percent, by, at_least } => {
                let by = percent(base, *by);
                let by = by.signum() * by.saturating_abs().max(i64::from(*at_least));
                to_count(i64::from(base).saturating_add(by))
            }
        }
    }

    fn is_below_target(&self) -> bool {
        matches!(self, Self::Track(metrics) if metrics.iter().any(|metric| metric.value < metric.target))
    }
}

impl TrackedMetric {
    /// The capacity that brings the metric to its target, assuming that both are proportional. It is rounded up, and at
    /// least one more than `base` if the metric is above the target.
    fn capacity(self, base: u32) -> u32 {
        let Self { value, target } = self;
        let requested = (f64::from(base) * value / target - EPSILON).ceil().max(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, and saturates")]
        let requested = requested as u32;
        if value > target { requested.max(base.saturating_add(1)) } else { requested }
    }
}

impl StepAdjustment {
    /// Whether the step applies. The bound that is nearer to the threshold is inclusive, the other one exclusive.
    fn applies_to(&self, difference: f64, above_threshold: bool) -> bool {
        let lower = self.metric_interval_lower_bound.unwrap_or(f64::NEG_INFINITY);
        let upper = self.metric_interval_upper_bound.unwrap_or(f64::INFINITY);
        if above_threshold {
            difference >= lower && difference < upper
        } else {
            difference > lower && difference <= upper
        }
    }
}

fn to_count(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

/// A percentage, rounded towards zero but never to zero.
fn percent(base: u32, by: i64) -> i64 {
    let change = i64::from(base).saturating_mul(by);
    if change == 0 { 0 } else { change.signum() * (change.saturating_abs() / 100).max(1) }
}

#[cfg(test)]
mod tests;
