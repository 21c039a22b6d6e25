//! The view of a deploy or destroy: a line for each completed step and, on a terminal, progress rows below.

mod lines;
mod progress_rows;
mod summary;

use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use jiff::tz::TimeZone;

use lines::LineFormat;
pub use progress_rows::ProgressRows;
pub(crate) use summary::{Summary, deletion_plans, print_done, print_failed, summary};

use super::progress::{REDRAW_INTERVAL, fit};
use super::{Ui, clean};
use crate::ops::{DeployEvent, Message};

/// Folds events into lines and progress rows.
#[derive(Debug)]
pub(crate) struct DeployView {
    bar: Option<ProgressBar>,
    rows: Arc<Mutex<ProgressRows>>,
    format: LineFormat,
}

impl DeployView {
    /// Creates a view. With `rows`, progress rows are shown if there is a terminal.
    pub(crate) fn new(ui: &Ui, rows: bool, zone: TimeZone) -> Self {
        let has_rows = rows && ui.shows_progress() && !ui.is_json();
        let rows = Arc::new(Mutex::new(ProgressRows::default()));
        let bar = has_rows.then(|| ui.progress.add(style(Arc::clone(&rows), ui.is_coloured())));
        Self { format: LineFormat { zone, has_progress_rows: bar.is_some() }, bar, rows }
    }

    /// Shows an event. Failures to write JSON are ignored here and reported at the end, so that a closed pipe does not stop a deploy.
    pub(crate) fn show(&mut self, ui: &mut Ui, event: &DeployEvent) {
        if ui.is_json() {
            drop(ui.json_line(event));
            return;
        }
        if let Some(bar) = &self.bar {
            self.rows().apply(event, bar.elapsed());
            self.restart_bar();
        }
        let lines = self.format.lines(event);
        if lines.is_empty() {
            return;
        }
        for line in &lines {
            ui.note(line);
        }
    }

    /// Shows a message of an operation, except those for the loop that runs it: phases and questions.
    pub(crate) fn show_message<E>(&mut self, ui: &mut Ui, message: Message<E>) {
        match message {
            Message::Event(event) => self.show(ui, &event),
            Message::Activity(text) => self.show_activity(&text),
            Message::Warning(text) => {
                self.end();
                warn_event(ui, text);
            }
            Message::Detail(text) => {
                // The progress rows stay if nothing is printed.
                if ui.shows_details() {
                    self.end();
                    ui.detail(&text);
                }
            }
            Message::Phase(..) | Message::Question(..) => {}
        }
    }

    /// Shows what is in progress until there are events. Shows the rows again after [`DeployView::end`].
    pub(crate) fn show_activity(&self, activity: &str) {
        self.rows().set_activity(Some(activity.to_owned()));
        self.restart_bar();
    }

    /// Removes the rows, so that a question or further output can be printed.
    pub(crate) fn end(&self) {
        self.rows().set_activity(None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn restart_bar(&self) {
        if let Some(bar) = self.bar.as_ref().filter(|bar| bar.is_finished()) {
            let elapsed = bar.elapsed();
            bar.reset();
            bar.set_elapsed(elapsed);
            bar.enable_steady_tick(REDRAW_INTERVAL);
        }
    }

    fn rows(&self) -> std::sync::MutexGuard<'_, ProgressRows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A spinner followed by the rows, redrawn with each tick.
fn style(rows: Arc<Mutex<ProgressRows>>, coloured: bool) -> ProgressStyle {
    let draw = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
        let fitted = |line: String| {
            let line = fit(&line);
            if coloured { line } else { console::strip_ansi_codes(&line).into_owned() }
        };
        let lines: Vec<String> = rows.lines(state.elapsed()).into_iter().map(fitted).collect();
        // Writing to a string cannot fail.
        let _ = write!(out, "{}", lines.join("\n"));
    };
    ProgressStyle::with_template("{spinner} {rows}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("rows", draw)
}

impl Drop for DeployView {
    fn drop(&mut self) {
        self.end();
    }
}

/// Prints a note that belongs to no stack. With JSON output, it is an event.
pub(crate) fn note_event(ui: &mut Ui, message: String) {
    message_event(ui, message, Ui::note);
}

/// As [`note_event`], for warnings.
pub(crate) fn warn_event(ui: &mut Ui, message: String) {
    message_event(ui, message, Ui::warn);
}

fn message_event(ui: &mut Ui, message: String, print: fn(&mut Ui, &str)) {
    if ui.is_json() {
        // Failures to write are reported at the end of the command.
        drop(ui.json_line(&DeployEvent::Note { message }));
    } else {
        print(ui, &clean(&message, false));
    }
}

/// The type without its `AWS::` prefix, to save columns.
fn short_type(resource_type: &str) -> &str {
    resource_type.strip_prefix("AWS::").unwrap_or(resource_type)
}
