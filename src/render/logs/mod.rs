//! Prints log events, log groups and log streams.

mod line;
mod structured;

use std::io;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::OwoColorize as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Ui, clean};
use crate::model::{LogEvent, LogGroup, LogStream, Task, json_time};
use crate::ops::LiveNotice;
use line::LineFormat;
pub(crate) use line::LineOptions;

/// An event to print.
#[derive(Debug, Clone)]
pub(crate) struct ShownEvent<'a> {
    pub event: LogEvent<'a>,
    /// What is printed instead of the message: the result of a query.
    pub result: Option<Value>,
    /// The service or log group, if events of several are printed.
    pub source: Option<&'a str>,
    /// It arrived after newer events.
    pub is_late: bool,
}

/// Prints log events: lines, or JSON with `--output json`.
#[derive(Debug)]
pub(crate) struct LogPrinter {
    format: LineFormat,
    is_json: bool,
    buffer: Vec<u8>,
}

impl LogPrinter {
    /// A printer for the stdout of `ui`.
    pub(crate) fn new(ui: &Ui, options: LineOptions, zone: TimeZone) -> Self {
        let is_terminal = ui.stdout_is_terminal();
        let format = LineFormat::new(options, zone, ui.is_stdout_coloured(), is_terminal);
        Self { format, is_json: ui.is_json(), buffer: Vec::new() }
    }

    /// Writes one line or one JSON object per event, all at once.
    pub(crate) fn print<'a>(&mut self, ui: &mut Ui, events: impl Iterator<Item = ShownEvent<'a>>) -> io::Result<()> {
        self.buffer.clear();
        for shown in events {
            if self.is_json {
                self.push_json(&shown)?;
            } else {
                self.format.push(&mut self.buffer, &shown);
            }
        }
        ui.write_unchanged(&self.buffer)
    }

    fn push_json(&mut self, ShownEvent { event, result, source, is_late }: &ShownEvent<'_>) -> io::Result<()> {
        let LogEvent { id, stream, timestamp, ingestion_time, message } = *event;
        let time = |millis| Timestamp::from_millisecond(millis).ok().map(json_time);
        let mut object = json!({
            "event": "log", "id": Some(id).filter(|id| !id.is_empty()), "stream": stream, "timestamp": time(timestamp),
            "ingestion_time": time(ingestion_time), "message": message,
        });
        if let Some(result) = result {
            object["result"] = result.clone();
        }
        if let Some(source) = source {
            object["source"] = json!(source);
        }
        if *is_late {
            object["late"] = json!(true);
        }
        super::json::push_line(&mut self.buffer, &object)
    }
}

/// Writes why a task of a service stopped: the title of its last events.
pub(crate) fn previous_task(ui: &mut Ui, service: &str, task: &Task, zone: &TimeZone) -> io::Result<()> {
    if ui.is_json() {
        #[derive(Serialize)]
        struct StoppedTask<'a> {
            event: &'a str,
            service: &'a str,
            task: &'a Task,
        }
        return ui.json_line(&StoppedTask { event: "stopped_task", service, task });
    }
    let stopped =
        task.stopped.map_or_else(String::new, |time| time.to_zoned(zone.clone()).strftime(" at %F %T").to_string());
    let title = format!("task {} of {service} stopped{stopped}: {}", task.id, clean(&task.stop_cause(), false));
    writeln!(ui.results(), "{}", title.bold())
}

/// Notes that a task of a service has stopped.
pub(crate) fn stopped_task_note(ui: &mut Ui, service: &str, task: &Task) {
    ui.note(&format!("task {} of `{service}` stopped: {}", task.id, clean(&task.stop_cause(), false)));
}

/// Notes a change of Live Tail.
pub(crate) fn live_notice(ui: &mut Ui, notice: &LiveNotice) {
    match notice {
        LiveNotice::Sampled => {
            ui.warn("Live Tail sends only a sample, because there are too many events; the others follow by polling");
        }
        LiveNotice::Complete => ui.note("Live Tail sends all events again"),
        LiveNotice::Interrupted(error) => {
            let reason = error.reason();
            let reason = clean(&reason, false);
            ui.warn(&format!("Live Tail was interrupted and will be started again; events are polled: {reason}"));
        }
        LiveNotice::Ended(error) => {
            ui.warn(&format!("Live Tail is not available; events are polled: {}", clean(&error.reason(), false)));
        }
    }
}

/// Shows on stderr how much of a time range has been read, while no events appear on the terminal.
#[derive(Debug)]
pub(crate) struct ReadProgress {
    bar: Option<ProgressBar>,
    /// Whether the events are printed on the same terminal.
    ends_with_events: bool,
}

impl ReadProgress {
    /// Times are in milliseconds since 1970.
    pub(crate) fn new(ui: &Ui, start: i64, end: i64) -> Self {
        let is_shown = ui.shows_progress();
        let style = ProgressStyle::with_template("{bar:30} {percent}% read, {msg} events");
        let bar = style.ok().filter(|_| is_shown).map(|style| {
            let bar = ui.progress.add(style);
            bar.set_length(end.saturating_sub(start).unsigned_abs());
            bar
        });
        Self { bar, ends_with_events: ui.stdout_is_terminal() }
    }

    /// Shows the position, as the time since the start in milliseconds, and how many events were printed.
    pub(crate) fn set(&mut self, position: i64, events: usize) {
        if self.ends_with_events && events > 0 {
            self.end();
        }
        if let Some(bar) = &self.bar {
            bar.set_position(position.unsigned_abs());
            bar.set_message(events.to_string());
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for ReadProgress {
    fn drop(&mut self) {
        self.end();
    }
}

/// Writes log groups by name, with their sizes.
pub(crate) fn log_groups(ui: &mut Ui, groups: &[LogGroup]) -> io::Result<()> {
    if ui.is_json() {
        let groups: Vec<_> = groups
            .iter()
            .map(|group| json!({ "name": group.name, "retention_days": group.retention_days, "stored_bytes": group.stored_bytes }))
            .collect();
        return ui.json_result(&json!({ "groups": groups }));
    }
    let width = groups.iter().map(|group| group.name.len()).max().unwrap_or_default();
    for group in groups {
        let size = indicatif::BinaryBytes(group.stored_bytes.unsigned_abs()).to_string();
        let retention = group
            .retention_days
            .map_or_else(|| "kept without limit".to_owned(), |days| format!("kept for {days} days"));
        writeln!(ui.results(), "{:width$}  {size:>12}  {retention}", clean(&group.name, false))?;
    }
    Ok(())
}

/// Writes log streams by name, with their last events.
pub(crate) fn log_streams(ui: &mut Ui, streams: &[LogStream], zone: &TimeZone) -> io::Result<()> {
    if ui.is_json() {
        let streams: Vec<_> = streams
            .iter()
            .map(|stream| json!({ "name": stream.name, "last_event": stream.last_event.map(json_time) }))
            .collect();
        return ui.json_result(&json!({ "streams": streams }));
    }
    let width = streams.iter().map(|stream| stream.name.len()).max().unwrap_or_default();
    for stream in streams {
        let last = stream.last_event.map(|time| time.to_zoned(zone.clone()).strftime("%F %T").to_string());
        let last = last.unwrap_or_else(|| "no events".to_owned());
        writeln!(ui.results(), "{:width$}  {last}", clean(&stream.name, false))?;
    }
    Ok(())
}
