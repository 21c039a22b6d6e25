//! How many tasks a service is to have: arithmetic only.
//!
//! Sources: "How target tracking scaling works", "How step scaling works" and "Scaling activities" in the user guide of
//! Application Auto Scaling, `StepAdjustment` in its API reference, and "Automatically scale your Amazon ECS service" in the
//! developer guide of ECS.

use serde::{Deserialize, Serialize};

use super::configuration::{AdjustmentType, Step, StepAdjustment};

/// A difference that arithmetic with doubles makes, and no metric.
const NOISE: f64 = 1e-9;

/// How things are.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// How many tasks run, which every calculation begins with.
    pub running: u32,
    /// How many should.
    pub desired: u32,
    /// The fewest that there may be.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// Whether a deployment is under way.
    pub deploying: bool,
    /// Whether nothing may be removed.
    pub in_suspended: bool,
    /// Whether nothing may be added.
    pub out_suspended: bool,
    /// What the cooldown that is not over followed on.
    pub cooling: Option<Cooling>,
}

/// The activity that a cooldown follows on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cooling {
    /// How many tasks its calculation began with.
    pub from: u32,
    /// How many it asked for.
    pub to: u32,
    /// Whether it added some.
    pub out: bool,
}

/// What a policy asks for.
#[derive(Debug)]
pub enum Ask {
    /// As many tasks as bring each metric to its target; the largest number of them counts.
    Track(Vec<Tracked>),
    /// An adjustment.
    Adjust {
        /// How it is meant.
        kind: AdjustmentType,
        /// By how much.
        by: i64,
        /// The least change in percent scaling.
        at_least: u32,
    },
}

/// A metric and where it is to be.
#[derive(Debug, Clone, Copy)]
pub struct Tracked {
    /// Where it is.
    pub value: f64,
    /// Where it is to be.
    pub target: f64,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Another count.
    Set(Cooling),
    /// Nothing, and that is worth telling.
    NotScaled(Reason),
    /// Nothing for now.
    Wait,
}

/// Why nothing is scaled (`NotScaledReason` in the API reference).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// With fewer tasks the metric would be beyond its target.
    AutoScalingAnticipatedFlapping,
    /// A deployment is under way.
    TargetServicePutResourceAsUnscalable,
    /// There are as many as there may be.
    AlreadyAtMaxCapacity(u32),
    /// There are as few.
    AlreadyAtMinCapacity(u32),
    /// There are as many as asked for.
    AlreadyAtDesiredCapacity(u32),
}

/// Decides.
pub fn decide(now: &Situation, ask: &Ask) -> Decision {
    let asked = ask.of(now.running);
    match asked.cmp(&now.running) {
        std::cmp::Ordering::Greater => scale_out(now, ask),
        std::cmp::Ordering::Less => scale_in(now, asked),
        std::cmp::Ordering::Equal if ask.is_below_target() => Decision::NotScaled(if now.desired <= now.min {
            Reason::AlreadyAtMinCapacity(now.min)
        } else {
            Reason::AutoScalingAnticipatedFlapping
        }),
        std::cmp::Ordering::Equal => Decision::NotScaled(Reason::AlreadyAtDesiredCapacity(now.desired)),
    }
}

/// During a cooldown after scaling out, what that added is part of what is added now: only more than that counts. One after
/// scaling in does not count.
fn scale_out(now: &Situation, ask: &Ask) -> Decision {
    if now.desired >= now.max {
        return Decision::NotScaled(Reason::AlreadyAtMaxCapacity(now.max));
    }
    if now.out_suspended {
        return Decision::Wait;
    }
    let cooling = now.cooling.filter(|cooling| cooling.out);
    let from = cooling.map_or(now.running, |cooling| cooling.from);
    let to = ask.of(from).clamp(now.min, now.max);
    if to > now.desired {
        Decision::Set(Cooling { from, to, out: true })
    } else if cooling.is_some() {
        Decision::Wait
    } else {
        Decision::NotScaled(Reason::AlreadyAtDesiredCapacity(now.desired))
    }
}

/// Any cooldown keeps from removing tasks, and so does a deployment.
fn scale_in(now: &Situation, asked: u32) -> Decision {
    if now.desired <= now.min {
        return Decision::NotScaled(Reason::AlreadyAtMinCapacity(now.min));
    }
    if now.in_suspended || now.cooling.is_some() {
        return Decision::Wait;
    }
    if now.deploying {
        return Decision::NotScaled(Reason::TargetServicePutResourceAsUnscalable);
    }
    let to = asked.clamp(now.min, now.max);
    if to < now.desired {
        Decision::Set(Cooling { from: now.running, to, out: false })
    } else {
        Decision::NotScaled(Reason::AlreadyAtDesiredCapacity(now.desired))
    }
}

impl Ask {
    /// What an alarm's step asks for, if a step is as far from the threshold as the metric is.
    pub fn of_step(step: &Step, difference: f64, upward: bool) -> Option<Self> {
        let found = step.step_adjustments.iter().find(|one| one.holds(difference, upward))?;
        let at_least = step.min_adjustment_magnitude.unwrap_or_default();
        Some(Self::Adjust { kind: step.kind(), by: found.scaling_adjustment, at_least })
    }

    /// The capacity that follows from one.
    fn of(&self, base: u32) -> u32 {
        match self {
            Self::Track(metrics) => metrics.iter().map(|metric| metric.capacity(base)).max().unwrap_or(base),
            Self::Adjust { kind: AdjustmentType::Exact, by, .. } => whole(*by),
            Self::Adjust { kind: AdjustmentType::Change, by, .. } => whole(i64::from(base).saturating_add(*by)),
            Self::Adjust { kind: AdjustmentType::Percent, by, at_least } => {
                let by = percent(base, *by);
                let by = by.signum() * by.saturating_abs().max(i64::from(*at_least));
                whole(i64::from(base).saturating_add(by))
            }
        }
    }

    fn is_below_target(&self) -> bool {
        matches!(self, Self::Track(metrics) if metrics.iter().any(|metric| metric.value < metric.target))
    }
}

impl Tracked {
    /// In proportion, and rounded up so that neither too little is added nor too much removed; from none to one at least.
    fn capacity(self, base: u32) -> u32 {
        let Self { value, target } = self;
        let asked = (f64::from(base) * value / target - NOISE).ceil().max(0.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, and saturates")]
        let asked = asked as u32;
        if value > target { asked.max(base.saturating_add(1)) } else { asked }
    }
}

impl StepAdjustment {
    /// The bound that is nearer to the threshold is included, the other one is not.
    fn holds(&self, difference: f64, upward: bool) -> bool {
        let lower = self.metric_interval_lower_bound.unwrap_or(f64::NEG_INFINITY);
        let upper = self.metric_interval_upper_bound.unwrap_or(f64::INFINITY);
        if upward { difference >= lower && difference < upper } else { difference > lower && difference <= upper }
    }
}

fn whole(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

/// Towards nought, but never to it.
fn percent(base: u32, by: i64) -> i64 {
    let change = i64::from(base).saturating_mul(by);
    if change == 0 { 0 } else { change.signum() * (change.saturating_abs() / 100).max(1) }
}

#[cfg(test)]
mod tests;
