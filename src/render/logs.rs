//! Prints log events (time, task and message, one colour per task), log groups and log streams.

use std::io;

use jiff::tz::TimeZone;
use owo_colors::{AnsiColors, OwoColorize as _};
use serde_json::json;

use super::{Ui, clean};
use crate::model::{LogEvent, LogGroup, LogStream, json_time};

const COLORS: [AnsiColors; 6] = [
    AnsiColors::Cyan,
    AnsiColors::Green,
    AnsiColors::Yellow,
    AnsiColors::Magenta,
    AnsiColors::Blue,
    AnsiColors::BrightRed,
];

/// Length of the printed prefix of a task's id; enough to distinguish tasks.
const SHORT_ID_LENGTH: usize = 8;

/// Writes one line or one JSON object per event.
pub(crate) fn log_events(ui: &mut Ui, events: &[LogEvent], zone: &TimeZone) -> io::Result<()> {
    for event in events {
        if ui.is_json() {
            let LogEvent { id, stream, timestamp, message } = event;
            ui.json_line(
                &json!({ "event": "log", "id": id, "stream": stream, "timestamp": json_time(*timestamp), "message": message }),
            )?;
            continue;
        }
        let task: String = event.stream.rsplit('/').next().unwrap_or_default().chars().take(SHORT_ID_LENGTH).collect();
        let color = COLORS
            [task.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % COLORS.len()];
        let time = event.timestamp.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string();
        // The further lines of a multi-line event are indented, so that they cannot be mistaken for other events.
        let message = clean(event.message.trim_end_matches(['\r', '\n']), true).replace('\n', "\n    ");
        writeln!(ui.results(), "{} {} {message}", time.dimmed(), clean(&task, false).color(color))?;
    }
    ui.results().flush()
}

/// Writes log groups by name.
pub(crate) fn log_groups(ui: &mut Ui, groups: &[LogGroup]) -> io::Result<()> {
    if ui.is_json() {
        let groups: Vec<_> = groups
            .iter()
            .map(|group| json!({ "name": group.name, "retention_days": group.retention_days, "stored_bytes": group.stored_bytes }))
            .collect();
        return ui.json_result(&json!({ "groups": groups }));
    }
    groups.iter().try_for_each(|group| writeln!(ui.results(), "{}", clean(&group.name, false)))
}

/// Writes log streams by name.
pub(crate) fn log_streams(ui: &mut Ui, streams: &[LogStream]) -> io::Result<()> {
    if ui.is_json() {
        let streams: Vec<_> = streams
            .iter()
            .map(|stream| json!({ "name": stream.name, "last_event": stream.last_event.map(json_time) }))
            .collect();
        return ui.json_result(&json!({ "streams": streams }));
    }
    streams.iter().try_for_each(|stream| writeln!(ui.results(), "{}", clean(&stream.name, false)))
}
