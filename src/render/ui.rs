//! The terminal: results on stdout, everything else on stderr.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use owo_colors::OwoColorize as _;

use super::clean;
use super::stdout::Stdout;
use crate::diagnostic::Diagnostic;
use crate::hint::{Command, CommandLine, Hint};

/// Prints why not even the settings could be read.
pub fn print_startup_error(message: &str) {
    drop(writeln!(io::stderr(), "error: {}", clean(message, true)));
}

/// How a [`Ui`] writes and asks.
#[derive(Debug, Clone)]
pub struct UiOptions {
    /// Print results as JSON.
    pub json: bool,
    /// Whether to use colours; `None` for on a terminal only.
    pub color: Option<bool>,
    /// Print only results, questions and errors.
    pub quiet: bool,
    /// Print details too.
    pub verbose: bool,
    /// Answer yes to every question.
    pub yes: bool,
    /// Whether stdin is a terminal.
    pub stdin_is_terminal: bool,
    /// Whether stdout is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether stderr is a terminal.
    pub stderr_is_terminal: bool,
    /// How this program was called, for suggested commands.
    pub command_line: CommandLine,
}

/// Writes results, notes, questions and errors.
#[derive(Debug)]
pub struct Ui {
    pub(super) stdout: Stdout,
    pub(super) stderr: AutoStream<io::Stderr>,
    pub(super) options: UiOptions,
}

impl Ui {
    /// A Ui for the standard streams of this process.
    pub fn new(options: UiOptions) -> Self {
        let choice = match options.color {
            None => ColorChoice::Auto,
            Some(true) => ColorChoice::Always,
            Some(false) => ColorChoice::Never,
        };
        Self { stdout: Stdout::new(choice), stderr: AutoStream::new(io::stderr(), choice), options }
    }

    /// The text of a hint, with its commands as the user has to type them.
    pub fn text(&self, hint: &Hint) -> String {
        hint.show(&self.options.command_line)
    }

    /// Whether results are JSON.
    pub fn is_json(&self) -> bool {
        self.options.json
    }

    /// Whether questions can be asked: stdin and stderr are terminals.
    pub fn can_ask(&self) -> bool {
        self.options.stdin_is_terminal && self.options.stderr_is_terminal
    }

    /// Whether progress is shown on a terminal.
    pub fn is_watched(&self) -> bool {
        self.options.stderr_is_terminal && !self.options.quiet
    }

    /// Whether stderr has colours.
    pub fn is_coloured(&self) -> bool {
        self.stderr.current_choice() != ColorChoice::Never
    }

    /// Whether results go to a screen.
    pub fn stdout_is_terminal(&self) -> bool {
        self.options.stdout_is_terminal
    }

    /// Stdout, for results. Colour codes are dropped where they do not belong. Writing to a closed or full stdout succeeds and does
    /// nothing: see [`Ui::can_write`] and [`Ui::finish`].
    pub fn results(&mut self) -> &mut dyn Write {
        &mut self.stdout
    }

    /// Whether stdout still takes results. A command that goes on until its reader leaves ends when it does not.
    pub fn can_write(&self) -> bool {
        self.stdout.is_open()
    }

    /// Writes out what is buffered. An error says why results were lost; a reader that went away is none.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stdout.finish()
    }

    /// Prints a note to stderr, unless `--quiet` is given.
    pub fn note(&mut self, text: &str) {
        if !self.options.quiet {
            self.say(text);
        }
    }

    /// A note with commands in it.
    pub fn hint(&mut self, hint: &Hint) {
        let text = self.text(hint);
        self.note(&text);
    }

    /// A command as the user would type it to reach the same project, account and endpoint.
    pub fn command_text(&self, command: &Command) -> String {
        clean(&self.options.command_line.show(command), false).into_owned()
    }

    /// Whether details are printed: with `--verbose`.
    pub fn shows_details(&self) -> bool {
        self.options.verbose
    }

    /// Prints a detail to stderr, with `--verbose`.
    pub fn detail(&mut self, text: &str) {
        if self.shows_details() {
            self.say(&text.dimmed().to_string());
        }
    }

    /// Prints a warning to stderr, unless `--quiet` is given.
    pub fn warn(&mut self, text: &str) {
        self.note(&format!("{} {text}", "warning:".yellow().bold()));
    }

    /// Prints a warning with its place and hint.
    pub fn warning(&mut self, warning: &Diagnostic) {
        let place = warning.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        self.warn(&format!("{}{place}", clean(&warning.message, false)));
        if let Some(hint) = &warning.hint {
            self.note(&format!("{} {}", "hint:".cyan(), clean(&self.text(hint), false)));
        }
    }

    /// Prints what went wrong, where, and what to do; with `--verbose` also the errors behind it.
    pub fn error(&mut self, error: &Diagnostic) {
        self.say(&format!("{} {}", "error:".red().bold(), clean(&error.message, true)));
        if let Some(place) = &error.place {
            self.say(&format!("  {} {place}", "-->".blue()));
        }
        for cause in error.causes() {
            self.detail(&format!("caused by: {}", clean(&cause, true)));
        }
        if let Some(hint) = &error.hint {
            self.say(&format!("{} {}", "hint:".cyan(), clean(&self.text(hint), true)));
        }
    }

    /// Prints to stderr what the next question is about, even with `--quiet`.
    pub fn ask_about(&mut self, text: &str) {
        self.say(text);
    }

    /// How wide the terminal is that results go to; `None` elsewhere.
    pub fn columns(&self) -> Option<usize> {
        let (columns, _) = self.options.stdout_is_terminal.then(ratatui::crossterm::terminal::size)?.ok()?;
        Some(columns.into())
    }

    /// A closed stderr is ignored: there is no other place to report it.
    fn say(&mut self, text: &str) {
        drop(writeln!(self.stderr, "{text}"));
    }
}
