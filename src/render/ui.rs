//! Writes to the terminal: results to stdout, everything else to stderr.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anstream::ColorChoice;
use owo_colors::OwoColorize as _;

use super::clean;
use super::clean::clean_paragraph;
use super::progress::Progress;
use super::standard_stream::{self, ColorStream};
use super::stdout::Stdout;
use crate::diagnostic::Diagnostic;
use crate::hint::{CommandLine, Hint, SuggestedCommand};

/// Prints an error from before the settings are resolved, so without colours.
pub(crate) fn print_startup_error(message: &str) {
    drop(writeln!(io::stderr(), "error: {}", clean(message, true)));
}

/// The settings of a [`Ui`].
#[derive(Debug, Clone)]
pub(crate) struct UiOptions {
    /// Print results as JSON.
    pub json: bool,
    /// Whether to use colours; `None`: only on a terminal.
    pub color: Option<bool>,
    /// Print only results, questions and errors.
    pub quiet: bool,
    /// Also print details.
    pub verbose: bool,
    /// Answer yes to every question.
    pub yes: bool,
    pub stdin_is_terminal: bool,
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    /// The program's name and global flags as given, for suggested commands.
    pub command_line: CommandLine,
}

/// Writes results, notes, questions and errors.
pub(crate) struct Ui {
    pub(super) stdout: Stdout,
    pub(super) stderr: ColorStream,
    pub(super) options: UiOptions,
    pub(super) progress: Progress,
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Ui {
    /// Creates a `Ui` for the standard streams of this process. Once `is_interrupted` is set, blocked writes end.
    pub(crate) fn new(options: UiOptions, is_interrupted: &Arc<AtomicBool>) -> Self {
        let choice = match options.color {
            None => ColorChoice::Auto,
            Some(true) => ColorChoice::Always,
            Some(false) => ColorChoice::Never,
        };
        let progress = Progress::new(options.stderr_is_terminal && !options.quiet, Arc::clone(is_interrupted));
        let stdout = Stdout::new(
            standard_stream::stdout(choice, is_interrupted),
            standard_stream::unchanged_stdout(is_interrupted),
            progress.clone(),
        );
        Self { stdout, stderr: standard_stream::stderr(choice, is_interrupted), options, progress }
    }

    /// The lines of stderr that change in place.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The text of a hint, with its commands as the user must type them.
    pub(crate) fn hint_text(&self, hint: &Hint) -> String {
        hint.show(&self.options.command_line)
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.options.json
    }

    /// Whether questions can be asked: stdin and stderr are terminals.
    pub(crate) fn can_ask(&self) -> bool {
        self.options.stdin_is_terminal && self.options.stderr_is_terminal
    }

    /// Whether every question is answered with yes (`--yes`).
    pub(crate) fn answers_yes(&self) -> bool {
        self.options.yes
    }

    /// Whether progress is shown on a terminal.
    pub(crate) fn shows_progress(&self) -> bool {
        self.options.stderr_is_terminal && !self.options.quiet
    }

    /// Whether stderr has colours.
    pub(crate) fn is_coloured(&self) -> bool {
        self.stderr.current_choice() != ColorChoice::Never
    }

    pub(crate) fn stdout_is_terminal(&self) -> bool {
        self.options.stdout_is_terminal
    }

    /// The writer of results. It removes colour codes if stdout has no colours. Writing to a closed or full stdout succeeds without effect:
    /// see [`Ui::can_write`] and [`Ui::finish`].
    pub(crate) fn results(&mut self) -> &mut dyn Write {
        &mut self.stdout
    }

    /// Writes bytes to stdout as they are, also escape sequences.
    pub(crate) fn write_unchanged(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdout.write_unchanged(bytes)
    }

    /// Whether stdout has colours.
    pub(crate) fn is_stdout_coloured(&self) -> bool {
        self.stdout.is_coloured()
    }

    /// Whether no write to stdout has failed. Commands that follow something end after a failure.
    pub(crate) fn can_write(&self) -> bool {
        self.stdout.is_open()
    }

    /// Flushes stdout and returns the first error of all writes. A closed pipe is not an error.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.stdout.finish()
    }

    /// Prints a note to stderr, unless `--quiet` is given.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.options.quiet {
            self.print(text);
        }
    }

    /// Prints a hint to stderr as a note.
    pub(crate) fn hint(&mut self, hint: &Hint) {
        let text = self.hint_text(hint);
        self.note(&text);
    }

    /// The text of a command, with the flags that select the same project, account and endpoint.
    pub(crate) fn command_text(&self, command: &SuggestedCommand) -> String {
        clean(&self.options.command_line.show(command), false).into_owned()
    }

    /// Whether details are printed (`--verbose`).
    pub(crate) fn shows_details(&self) -> bool {
        self.options.verbose
    }

    /// Prints a detail to stderr, with `--verbose`.
    pub(crate) fn detail(&mut self, text: &str) {
        if self.shows_details() {
            self.print(&text.dimmed().to_string());
        }
    }

    /// Prints a warning to stderr, unless `--quiet` is given.
    pub(crate) fn warn(&mut self, text: &str) {
        self.note(&format!("{} {text}", "warning:".yellow().bold()));
    }

    /// Prints a warning with its place and hint.
    pub(crate) fn warn_with_hint(&mut self, warning: &Diagnostic) {
        let place = warning.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        self.warn(&format!("{}{place}", clean(&warning.message, false)));
        if let Some(hint) = &warning.hint {
            self.note(&format!("{} {}", "hint:".cyan(), clean(&self.hint_text(hint), false)));
        }
    }

    /// Prints an error with its place and hint; with `--verbose`, also its causes.
    pub(crate) fn error(&mut self, error: &Diagnostic) {
        self.print(&format!("{} {}", "error:".red().bold(), clean_paragraph(&error.message)));
        if let Some(place) = &error.place {
            self.print(&format!("  {} {place}", "-->".blue()));
        }
        for cause in error.causes() {
            self.detail(&format!("caused by: {}", clean_paragraph(&cause)));
        }
        if let Some(hint) = &error.hint {
            self.print(&format!("{} {}", "hint:".cyan(), clean_paragraph(&self.hint_text(hint))));
        }
    }

    /// Prints the context of a question to stderr, even with `--quiet`.
    pub(crate) fn print_question_context(&mut self, text: &str) {
        self.print(text);
    }

    /// The width of the terminal for results; `None` if stdout is not a terminal.
    pub(crate) fn columns(&self) -> Option<usize> {
        let (columns, _) = self.options.stdout_is_terminal.then(ratatui::crossterm::terminal::size)?.ok()?;
        Some(columns.into())
    }

    /// Prints a line to stderr. A closed stderr is ignored, because there is nowhere to report it.
    fn print(&mut self, text: &str) {
        self.progress.suspend(|| drop(writeln!(self.stderr, "{text}")));
    }
}
