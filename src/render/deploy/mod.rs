//! A deploy or destroy as it happens: lines for what has happened, and on a terminal below them what is in progress.

mod lines;
mod progress_rows;
mod summary;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jiff::tz::TimeZone;

use lines::Lines;
pub use progress_rows::ProgressRows;
pub use summary::{Summary, deletion_plans, print_done, print_failed, summary};

use super::{Ui, clean};
use crate::ops::DeployEvent;

const TICK: Duration = Duration::from_millis(100);

/// Folds events into lines and progress rows.
#[derive(Debug)]
pub struct DeployView {
    bar: Option<ProgressBar>,
    rows: Arc<Mutex<ProgressRows>>,
    lines: Lines,
}

impl DeployView {
    /// A view that has shown nothing yet. With `rows`, what is in progress is shown in place, where there is a terminal.
    pub fn new(ui: &Ui, rows: bool, zone: TimeZone) -> Self {
        let has_bar = rows && ui.is_watched() && !ui.is_json();
        let rows = Arc::new(Mutex::new(ProgressRows::default()));
        let bar = has_bar.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(style(Arc::clone(&rows), ui.is_coloured()));
            bar.enable_steady_tick(TICK);
            bar
        });
        Self { lines: Lines { zone, beside_bar: bar.is_some() }, bar, rows }
    }

    /// Shows an event. A reader of JSON who went away does not stop the work.
    pub fn show(&mut self, ui: &mut Ui, event: &DeployEvent) {
        if ui.is_json() {
            drop(ui.json_line(event));
            return;
        }
        if let Some(bar) = &self.bar {
            self.rows().apply(event, bar.elapsed());
            self.wake();
        }
        let lines = self.lines.of(event);
        if lines.is_empty() {
            return;
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| lines.iter().for_each(|line| ui.note(line))),
            None => lines.iter().for_each(|line| ui.note(line)),
        }
    }

    /// Shows what is being waited for before there are events. Brings the rows back after [`DeployView::end`].
    pub fn busy(&self, what: &str) {
        self.rows().busy(Some(what.to_owned()));
        self.wake();
    }

    /// Removes the rows: for questions, and for what comes after.
    pub fn end(&self) {
        self.rows().busy(None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn wake(&self) {
        if let Some(bar) = self.bar.as_ref().filter(|bar| bar.is_finished()) {
            let elapsed = bar.elapsed();
            bar.reset();
            bar.set_elapsed(elapsed);
            bar.enable_steady_tick(TICK);
        }
    }

    fn rows(&self) -> std::sync::MutexGuard<'_, ProgressRows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows behind a spinner, drawn anew with each tick.
fn style(rows: Arc<Mutex<ProgressRows>>, coloured: bool) -> ProgressStyle {
    let draw = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
        // A line that wraps would not be cleared whole. The spinner and its space come before the first.
        let columns = usize::from(console::Term::stderr().size().1).saturating_sub(3);
        let fitted = |line: String| {
            let line = console::truncate_str(&line, columns, "…").into_owned();
            if coloured { line } else { console::strip_ansi_codes(&line).into_owned() }
        };
        let lines: Vec<String> = rows.lines(state.elapsed()).into_iter().map(fitted).collect();
        // Writing to a text cannot fail.
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

/// Notes what is neither an event of a stack nor a result; with JSON output it is an event.
pub fn note_event(ui: &mut Ui, message: String) {
    message_event(ui, message, Ui::note);
}

/// As [`note_event`], for what may surprise.
pub fn warn_event(ui: &mut Ui, message: String) {
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

/// `ECS::Service` where the space is short.
fn short_type(resource_type: &str) -> &str {
    resource_type.strip_prefix("AWS::").unwrap_or(resource_type)
}
