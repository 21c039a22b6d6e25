//! What alarms do: an action that names a scaling policy is carried out, any other one is told as failed in the history.
//!
//! Source: "Using Amazon CloudWatch alarms" in the user guide: actions are invoked when the state changes, those of Auto
//! Scaling once per minute as long as it stays as well. Of those again and again the history tells only the first.

use std::sync::Arc;

use serde_json::Value;

use super::{Alarm, history};
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

/// Does what an alarm does in its new state, and writes down how that went.
///
/// # Errors
/// When the disk refuses.
pub(super) fn perform(sandbox: &Arc<Sandbox>, alarm: &Alarm) -> Result<(), Fault> {
    let mut items = Vec::new();
    for action in actions(alarm) {
        let error = if autoscaling::is_policy(action) {
            autoscaling::act(sandbox, action, &trigger(alarm, alarm.reason_data.as_deref())).err()
        } else {
            Some(Fault::not_implemented("actions of alarms but those that name a scaling policy"))
        };
        let now = sandbox.clock.now().as_millisecond();
        items.push(history::action(alarm, action, error.map(|fault| fault.message).as_deref(), now));
    }
    if items.is_empty() {
        return Ok(());
    }
    sandbox.world.write(|world| {
        history::record(&mut world.monitoring, &items);
        Ok(())
    })
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
