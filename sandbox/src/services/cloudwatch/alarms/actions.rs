//! Actions of alarms: those for which the registry has a port are performed, all others are logged as not served.
//!
//! Source: "Using Amazon CloudWatch alarms" in the user guide: actions are invoked when the state changes, and those of
//! Auto Scaling also once per minute while the alarm remains in the state.

use std::sync::Arc;

use serde_json::Value;

use super::Alarm;
use crate::core::hooks::{AlarmAction, AlarmTrigger};
use crate::{Fault, Sandbox};

/// The actions for an alarm's current state.
fn actions(alarm: &Alarm) -> &[String] {
    if alarm.settings.actions_enabled { alarm.settings.actions(alarm.state) } else { &[] }
}

/// The kind of an action that the sandbox can perform.
fn performable(sandbox: &Sandbox, action: &str) -> Option<&'static AlarmAction> {
    sandbox.registry.alarm_actions.iter().find(|kind| (kind.is_for)(action))
}

/// Whether an alarm has an action that is repeated while it stays in its state.
pub(super) fn repeats(sandbox: &Sandbox, alarm: &Alarm) -> bool {
    actions(alarm).iter().any(|action| performable(sandbox, action).is_some())
}

/// Performs the actions for an alarm's new state. Failures are logged.
pub(super) fn perform(sandbox: &Arc<Sandbox>, alarm: &Alarm) {
    for action in actions(alarm) {
        let result = match performable(sandbox, action) {
            Some(kind) => (kind.perform)(sandbox, action, &trigger(alarm, alarm.reason_data.as_deref())),
            None => Err(Fault::not_implemented("actions of alarms but those that name a scaling policy")),
        };
        if let Err(fault) = result {
            sandbox.log.write(&format!("alarm {} cannot perform {action}: {}", alarm.name(), fault.message));
        }
    }
}

/// Repeats the actions with newer data: `data` is the alarm's current reason data.
pub(super) fn repeat(sandbox: &Arc<Sandbox>, alarm: &Alarm, data: Option<&str>) {
    for action in actions(alarm) {
        if let Some(kind) = performable(sandbox, action) {
            // A failed action is retried in a minute.
            let _ = (kind.perform)(sandbox, action, &trigger(alarm, data));
        }
    }
}

/// The input of an action. Source: SetAlarmState in the API reference: Application Auto Scaling reads the data from
/// `StateReasonData`.
fn trigger<'a>(alarm: &'a Alarm, data: Option<&str>) -> AlarmTrigger<'a> {
    let data = data.and_then(|data| serde_json::from_str::<Value>(data).ok()).unwrap_or_default();
    let values = data["recentDatapoints"].as_array().into_iter().flatten().filter_map(Value::as_f64);
    AlarmTrigger {
        alarm: &alarm.settings.alarm_name,
        state: alarm.state.name(),
        above_threshold: alarm.settings.comparison_operator.is_above_threshold(),
        threshold: alarm.settings.threshold,
        values: values.collect(),
    }
}
