//! Calls from one service into another that may not depend on it. The registry connects the two.

use std::sync::Arc;

use super::Sandbox;
use crate::Fault;

/// Why an alarm performs its actions.
#[derive(Debug)]
pub struct AlarmTrigger<'a> {
    pub alarm: &'a str,
    /// The new state: `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: &'a str,
    /// Whether the alarm is for values above its threshold.
    pub above_threshold: bool,
    /// The threshold of its metric.
    pub threshold: f64,
    /// The values that caused the state, the newest last; empty if `SetAlarmState` set it.
    pub values: Vec<f64>,
}

/// A kind of alarm action. Actions of other kinds are not performed, and CloudWatch logs that.
#[derive(Debug)]
pub struct AlarmAction {
    /// Whether an action's ARN is of this kind.
    pub is_for: fn(&str) -> bool,
    /// Performs the action with this ARN. Called again every minute while the alarm stays in its state.
    pub perform: fn(&Arc<Sandbox>, &str, &AlarmTrigger<'_>) -> Result<(), Fault>,
}

/// Called with the id of each EC2 instance that has been terminated.
pub(crate) type InstanceTerminated = fn(&Sandbox, &str);
