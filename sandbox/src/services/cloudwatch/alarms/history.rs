//! What happened to alarms: the newest hundred items of each are kept, for thirty days.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Alarm;
use super::describe::{PAGE, invalid_token};
use crate::services::cloudwatch::{State, milliseconds, seconds};
use crate::services::{Reply, paging};
use crate::{Config, Fault, Sandbox};

const MOST_ITEMS: usize = 100;
const KEPT_MILLIS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Something that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item {
    /// The alarm's name.
    pub alarm: String,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Keeps items of one time apart, in their order.
    pub sequence: usize,
    /// Such as `StateUpdate`.
    pub kind: String,
    /// For people.
    pub summary: String,
    /// For programs: JSON.
    pub data: String,
}

impl Item {
    /// Alarm, then time.
    pub fn key(&self) -> String {
        format!("{}\u{1}{:015}\u{1}{:02}", self.alarm, self.timestamp, self.sequence)
    }

    fn new(alarm: &Alarm, timestamp: i64, kind: &str, summary: String, data: &Value) -> Self {
        let (alarm, data) = (alarm.settings.alarm_name.clone(), without_nulls(data));
        Self { alarm, timestamp, sequence: 0, kind: kind.to_owned(), summary, data: data.to_string() }
    }

    fn described(&self) -> Value {
        json!({
            "AlarmName": self.alarm,
            "AlarmType": "MetricAlarm",
            "Timestamp": seconds(self.timestamp),
            "HistoryItemType": self.kind,
            "HistorySummary": self.summary,
            "HistoryData": self.data,
        })
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let given = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        other => other.clone(),
    }
}

/// Writes items down, and lets go of old ones.
pub fn record(state: &mut State, items: &[Item]) {
    for item in items {
        let mut item = item.clone();
        while state.history.contains(&item.key()) {
            item.sequence += 1;
        }
        let prefix = format!("{}\u{1}", item.alarm);
        let horizon = item.timestamp - KEPT_MILLIS;
        state.history.insert(item.key(), item);
        let all: Vec<(String, i64)> =
            state.history.with_prefix(&prefix).map(|(key, item)| (key.to_owned(), item.timestamp)).collect();
        let surplus = all.len().saturating_sub(MOST_ITEMS);
        for (at, (key, timestamp)) in all.iter().enumerate() {
            if at < surplus || *timestamp < horizon {
                state.history.remove(key);
            }
        }
    }
}

/// An alarm was made or changed.
pub fn configured(before: Option<&Alarm>, alarm: &Alarm, config: &Config, now: i64) -> Item {
    let name = &alarm.settings.alarm_name;
    let described = alarm.described(config).unwrap_or_default();
    let (kind, summary) = match before {
        None => ("Create", format!("Alarm \"{name}\" created")),
        Some(_) => ("Update", format!("Alarm \"{name}\" updated")),
    };
    let data = json!({ "version": "1.0", "type": kind, "updatedAlarm": described });
    Item::new(alarm, now, "ConfigurationUpdate", summary, &data)
}

/// An alarm was deleted.
pub fn deleted(alarm: &Alarm, config: &Config, now: i64) -> Item {
    let data =
        json!({ "version": "1.0", "type": "Delete", "deletedAlarm": alarm.described(config).unwrap_or_default() });
    Item::new(alarm, now, "ConfigurationUpdate", format!("Alarm \"{}\" deleted", alarm.settings.alarm_name), &data)
}

/// An alarm came into another state.
pub fn transition(before: &Alarm, after: &Alarm, now: i64) -> Item {
    let part = |alarm: &Alarm| {
        let data = alarm.reason_data.as_ref().and_then(|data| serde_json::from_str::<Value>(data).ok());
        json!({ "stateValue": alarm.state.name(), "stateReason": alarm.reason, "stateReasonData": data })
    };
    let data = json!({ "version": "1.0", "oldState": part(before), "newState": part(after) });
    let summary = format!("Alarm updated from {} to {}", before.state.name(), after.state.name());
    Item::new(after, now, "StateUpdate", summary, &data)
}

/// An alarm did something, or could not.
pub fn action(alarm: &Alarm, action: &str, error: Option<&str>, now: i64) -> Item {
    let (state, summary) = match error {
        None => ("Succeeded", format!("Successfully executed action {action}")),
        Some(error) => ("Failed", format!("Failed to execute action {action}. Received error: \"{error}\"")),
    };
    let data = json!({
        "actionState": state,
        "notificationResource": action,
        "stateUpdateTimestamp": alarm.state_updated,
        "error": error,
    });
    Item::new(alarm, now, "Action", summary, &data)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Describe {
    alarm_name: Option<String>,
    #[serde(default)]
    alarm_types: Vec<String>,
    history_item_type: Option<String>,
    start_date: Option<f64>,
    end_date: Option<f64>,
    max_records: Option<usize>,
    next_token: Option<String>,
    scan_by: Option<String>,
    alarm_contributor_id: Option<String>,
}

/// `DescribeAlarmHistory`: the newest first, unless asked otherwise.
pub fn describe(sandbox: &Arc<Sandbox>, input: Describe) -> Reply {
    if input.alarm_contributor_id.is_some() {
        return Err(Fault::not_implemented("contributors of alarms"));
    }
    let (from, to) = (input.start_date.map(milliseconds), input.end_date.map(milliseconds));
    let wants = |item: &&Item| {
        input.alarm_name.as_ref().is_none_or(|name| *name == item.alarm)
            && (input.alarm_types.is_empty() || input.alarm_types.iter().any(|one| one == "MetricAlarm"))
            && input.history_item_type.as_ref().is_none_or(|kind| *kind == item.kind)
            && from.is_none_or(|from| item.timestamp >= from)
            && to.is_none_or(|to| item.timestamp <= to)
    };
    let ascending = input.scan_by.as_deref() == Some("TimestampAscending");
    let question = format!(
        "DescribeAlarmHistory {:?} {:?} {from:?} {to:?} {ascending}",
        input.alarm_name, input.history_item_type
    );
    let page = sandbox.world.read(|world| {
        let mut items: Vec<&Item> = world.monitoring.history.values().filter(wants).collect();
        items.sort_by_key(|item| (item.timestamp, item.sequence));
        if !ascending {
            items.reverse();
        }
        let described = items.into_iter().map(|item| (item.key(), item.described()));
        paging::page(described, &question, input.next_token.as_deref(), input.max_records.unwrap_or(PAGE))
            .map_err(invalid_token)
    })?;
    Ok(json!({ "AlarmHistoryItems": page.items, "NextToken": page.next_token }))
}
