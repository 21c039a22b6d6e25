//! Changes of existing alarms: delete, enable and disable actions, set the state.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{StateValue, transition};
use crate::core::OperationResult;
use crate::services::cloudwatch::State;
use crate::{Fault, Sandbox};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AlarmNamesInput {
    alarm_names: Vec<String>,
}

/// `DeleteAlarms`. Alarms that do not exist are ignored.
pub(crate) fn delete(sandbox: &Arc<Sandbox>, AlarmNamesInput { alarm_names }: AlarmNamesInput) -> OperationResult {
    sandbox.store.write(|states| {
        for name in &alarm_names {
            states.of_mut::<State>().alarms.remove(name);
        }
        Ok(Value::Null)
    })
}

pub(crate) fn enable_actions(sandbox: &Arc<Sandbox>, input: AlarmNamesInput) -> OperationResult {
    set_actions(sandbox, &input.alarm_names, true)
}

pub(crate) fn disable_actions(sandbox: &Arc<Sandbox>, input: AlarmNamesInput) -> OperationResult {
    set_actions(sandbox, &input.alarm_names, false)
}

fn set_actions(sandbox: &Arc<Sandbox>, names: &[String], enabled: bool) -> OperationResult {
    let now = sandbox.clock.now().as_millisecond();
    sandbox.store.write(|states| {
        for name in names {
            if let Some(alarm) = states.of_mut::<State>().alarms.get_mut(name) {
                alarm.settings.actions_enabled = enabled;
                alarm.configured_at_millis = now;
            }
        }
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SetAlarmStateInput {
    alarm_name: String,
    state_value: StateValue,
    state_reason: String,
    state_reason_data: Option<String>,
}

/// `SetAlarmState`: sets the state until the next evaluation.
pub(crate) fn set_state(sandbox: &Arc<Sandbox>, input: SetAlarmStateInput) -> OperationResult {
    let data = input.state_reason_data;
    if data.as_ref().is_some_and(|data| serde_json::from_str::<serde::de::IgnoredAny>(data).is_err()) {
        return Err(Fault::client("InvalidFormat", "StateReasonData must be valid JSON."));
    }
    transition(sandbox, &input.alarm_name, input.state_value, &input.state_reason, data)?;
    Ok(Value::Null)
}
