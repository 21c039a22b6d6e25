//! What a service calls without knowing which service answers: the registry connects the two.

use std::sync::Arc;

use super::Sandbox;
use crate::Fault;

/// What an alarm passes to its actions.
#[derive(Debug)]
pub struct AlarmTrigger<'a> {
    /// The alarm's name.
    pub alarm: &'a str,
    /// The state that it is in.
    pub state: &'a str,
    /// Whether it is about values that are too high.
    pub upward: bool,
    /// The threshold of its metric.
    pub threshold: f64,
    /// The values that brought it into its state, the newest last; none when a caller set the state.
    pub values: Vec<f64>,
}

/// A kind of alarm action. CloudWatch performs what this table has, and logs every other action as not served.
#[derive(Debug)]
pub struct AlarmAction {
    /// Whether an action's ARN is of this kind.
    pub is_for: fn(&str) -> bool,
    /// Performs the action of an ARN. As long as the alarm stays in its state it is called again once a minute.
    pub perform: fn(&Arc<Sandbox>, &str, &AlarmTrigger<'_>) -> Result<(), Fault>,
}

/// Called with the id of each EC2 instance that has been terminated.
pub type InstanceTerminated = fn(&Sandbox, &str);
