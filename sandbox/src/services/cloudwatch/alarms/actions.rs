//! What alarms do: an action that names a scaling policy is carried out, any other one is logged as not served.
//!
//! Source: "Using Amazon CloudWatch alarms" in the user guide: actions are invoked when the state changes, those of Auto
//! Scaling once per minute as long as it stays as well.

use std::sync::Arc;

use serde_json::Value;

use super::Alarm;
use crate::services::autoscaling::{self, Trigger};
use crate::{Fault, Sandbox};

/// The actions of the state that an alarm is in.
fn actions(alarm: &Alarm) -> &[String] {
    if alarm.settings.actions_enabled { alarm.settings.actions(alarm.state) } else { &[] }
}

/// Whether an alarm does something again and again as long as it is in its state.
pub(super) fn repeats(alarm: &Alarm) -> bool {
    actions(alarm).iter().any(|action| autoscaling::is_policy(action))
}

/// Does what an alarm does in its new state. What fails is in the sandbox's log.
pub(super) fn perform(sandbox: &Arc<Sandbox>, alarm: &Alarm) {
    for action in actions(alarm) {
        let result = if autoscaling::is_policy(action) {
            autoscaling::act(sandbox, action, &trigger(alarm, alarm.reason_data.as_deref()))
        } else {
            Err(Fault::not_implemented("actions of alarms but those that name a scaling policy"))
        };
        if let Err(fault) = result {
            sandbox.journal.say(&format!("alarm {} cannot perform {action}: {}", alarm.name(), fault.message));
        }
    }
}

/// Scales once more, on newer data; `data` is what the alarm's reason would be now.
pub(super) fn repeat(sandbox: &Arc<Sandbox>, alarm: &Alarm, data: Option<&str>) {
    for action in actions(alarm).iter().filter(|action| autoscaling::is_policy(action)) {
        // It is tried again in a minute.
        let _ = autoscaling::act(sandbox, action, &trigger(alarm, data));
    }
}

/// What a scaling policy is told. Source: SetAlarmState in the API reference: Application Auto Scaling takes from
/// `StateReasonData` what it needs to know.
fn trigger<'a>(alarm: &'a Alarm, data: Option<&str>) -> Trigger<'a> {
    let data = data.and_then(|data| serde_json::from_str::<Value>(data).ok()).unwrap_or_default();
    let values = data["recentDatapoints"].as_array().into_iter().flatten().filter_map(Value::as_f64);
    Trigger {
        alarm: &alarm.settings.alarm_name,
        state: alarm.state.name(),
        upward: alarm.settings.comparison_operator.starts_with("Greater"),
        threshold: alarm.settings.threshold,
        values: values.collect(),
    }
}
