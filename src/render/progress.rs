//! The lines of stderr that change in place, and the notices of long waits.

#![expect(clippy::disallowed_methods, reason = "the time since the last output decides only when a notice is shown")]

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anstream::ColorChoice;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::SignedDuration;
use tokio::time::sleep;

use super::clean;
use super::progress_terminal::ProgressTerminal;
use super::standard_stream::stderr;
use crate::waits::{OldestWait, Waits};

/// The interval in which the lines are redrawn.
pub(super) const REDRAW_INTERVAL: Duration = Duration::from_millis(100);
/// The interval in which the waits are checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// The minimum time of a wait that has a notice.
const MIN_WAIT: Duration = Duration::from_secs(2);
/// The time without output after which a notice is printed if there is no terminal.
const QUIET_NOTICE_INTERVAL: Duration = Duration::from_secs(25);

/// The lines that change in place. Output to the terminal must go through [`Progress::suspend`], so that it does not mix with them.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    bars: MultiProgress,
    is_terminal: bool,
    is_interrupted: Arc<AtomicBool>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    last_output: Instant,
    /// The line of a view, which shows what is in progress.
    view_line: Option<ProgressBar>,
    /// The line of a long wait.
    wait_line: Option<ProgressBar>,
    /// How many [`Pause`]s there are.
    pauses: usize,
}

/// While this exists, no notices are shown: a question is open, or the terminal shows a view of its own.
#[derive(Debug)]
pub(super) struct Pause(Progress);

impl Progress {
    /// Without a terminal, no line changes in place.
    pub(super) fn new(is_terminal: bool, is_interrupted: Arc<AtomicBool>) -> Self {
        let target = if is_terminal {
            ProgressDrawTarget::term_like(Box::new(ProgressTerminal::stderr(Arc::clone(&is_interrupted))))
        } else {
            ProgressDrawTarget::hidden()
        };
        let state = State { last_output: Instant::now(), view_line: None, wait_line: None, pauses: 0 };
        let (bars, state) = (MultiProgress::with_draw_target(target), Arc::new(Mutex::new(state)));
        Self { bars, is_terminal, is_interrupted, state }
    }

    /// Runs `write`, which writes to stdout or stderr.
    pub(super) fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        let written = if self.is_terminal { self.bars.suspend(write) } else { write() };
        self.state().last_output = Instant::now();
        written
    }

    /// Adds a line that `style` draws, above that of a long wait.
    pub(super) fn add(&self, style: ProgressStyle) -> ProgressBar {
        let bar = self.bars.insert(0, ProgressBar::no_length().with_style(style));
        bar.enable_steady_tick(REDRAW_INTERVAL);
        self.state().view_line = Some(bar.clone());
        bar
    }

    /// Ends the line that `^C` is printed in, and removes the lines that change.
    pub(crate) fn end_line(&self) {
        if self.is_terminal {
            self.suspend(|| drop(writeln!(stderr(ColorChoice::Never, &self.is_interrupted))));
        }
    }

    /// Whether the command was interrupted and did not continue.
    pub(super) fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Acquire)
    }

    pub(super) fn pause(&self) -> Pause {
        let mut state = self.state();
        state.pauses += 1;
        self.remove_wait_line(&mut state);
        Pause(self.clone())
    }

    /// Shows what is awaited, since when, and the last error: on a terminal in a line of its own, elsewhere in a new line after some time without
    /// output.
    pub(crate) async fn show_waits(self, waits: Waits) -> Infallible {
        loop {
            sleep(CHECK_INTERVAL).await;
            let has_error = waits.oldest().is_some_and(|wait| wait.last_error.is_some());
            self.show_wait(wait_notice(&waits), has_error);
        }
    }

    fn show_wait(&self, notice: Option<String>, has_error: bool) {
        let mut state = self.state();
        // The view says what is awaited and since when, but not that a call fails.
        let is_in_view = !has_error && state.view_line.as_ref().is_some_and(|line| !line.is_finished());
        match notice.filter(|_| state.pauses == 0 && !is_in_view) {
            None => self.remove_wait_line(&mut state),
            Some(notice) if self.is_terminal => {
                let line = state.wait_line.get_or_insert_with(|| {
                    let line = self.bars.add(ProgressBar::new_spinner());
                    line.enable_steady_tick(REDRAW_INTERVAL);
                    line
                });
                line.set_message(fit(&notice));
            }
            Some(notice) if state.last_output.elapsed() >= QUIET_NOTICE_INTERVAL => {
                // A closed stderr is ignored, because there is nowhere to report it.
                drop(writeln!(stderr(ColorChoice::Never, &self.is_interrupted), "{notice}"));
                state.last_output = Instant::now();
            }
            Some(_) => {}
        }
    }

    fn remove_wait_line(&self, state: &mut State) {
        if let Some(line) = state.wait_line.take() {
            line.finish_and_clear();
            self.bars.remove(&line);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        let mut state = self.0.state();
        (state.pauses, state.last_output) = (state.pauses - 1, Instant::now());
    }
}

/// Shortens a line to the terminal's width: only the first row of a wrapped line would be cleared. Before it are the spinner and a space, after
/// it the terminal may print `^C`.
pub(super) fn fit(line: &str) -> String {
    let columns = usize::from(console::Term::stderr().size().1).saturating_sub(5);
    console::truncate_str(line, columns, "…").into_owned()
}

/// `waiting for the change set of stack web (1m 5s); last error: …`, if something has been awaited for some time.
pub(crate) fn wait_notice(waits: &Waits) -> Option<String> {
    let OldestWait { description, elapsed, last_error } = waits.oldest()?;
    let seconds = SignedDuration::from_secs(elapsed.as_secs().try_into().unwrap_or_default());
    let error = last_error.map(|error| format!("; last error: {error}")).unwrap_or_default();
    let notice = format!("waiting for {description} ({seconds:#}){error}");
    (elapsed >= MIN_WAIT).then(|| clean(&notice, false).into_owned())
}
