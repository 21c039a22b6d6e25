//! The terminal: results on stdout, everything else on stderr.

use std::fmt;
use std::io::{self, BufRead as _, Write};

#[cfg(unix)]
use std::os::fd::AsFd as _;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
#[cfg(unix)]
use nix::poll::{PollFd, PollFlags, PollTimeout};
use owo_colors::OwoColorize as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::clean::{clean, is_control};
use crate::error::{CliError, Report};
use crate::exit::Exit;
use crate::hint::{Command, CommandLine, Hint};
use crate::settings::{ColorWhen, Output, Settings, Terminals, Verbosity};

/// Says why not even the settings could be read.
pub fn without_ui(exit: Exit, message: &str) -> std::process::ExitCode {
    drop(writeln!(io::stderr(), "error: {}", clean(message, true)));
    exit.into()
}

/// How often is looked whether anybody still reads.
const LOOK: Duration = Duration::from_millis(500);

/// Ends when the reader of stdout is gone (`ecsws logs --watch | head`), which a command that writes rarely would not notice.
pub async fn nobody_reads() {
    loop {
        tokio::time::sleep(LOOK).await;
        #[cfg(unix)]
        {
            let handle = io::stdout();
            let mut stdout = [PollFd::new(handle.as_fd(), PollFlags::empty())];
            let looked = nix::poll::poll(&mut stdout, PollTimeout::ZERO);
            let gone = stdout[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR));
            if looked.is_ok() && gone {
                return;
            }
        }
    }
}

/// Reads a line. Not on this thread: Ctrl-C has to work while the question is open.
async fn read_line() -> io::Result<String> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    reading.await.map_err(io::Error::other)?
}

/// JSON that a terminal may show: serde_json leaves C1 controls and marks of direction as they are.
fn printable(json: String) -> String {
    if json.chars().all(|c| c == '\n' || !is_control(c)) {
        return json;
    }
    let escaped = json
        .chars()
        .map(|c| if c == '\n' || !is_control(c) { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) });
    escaped.collect::<Vec<_>>().concat()
}

/// What programs read says first in which shape it is.
fn versioned(value: &impl Serialize) -> io::Result<Value> {
    let mut document = json!({ "schema": 1 });
    if let (Some(document), Value::Object(members)) = (document.as_object_mut(), serde_json::to_value(value)?) {
        document.extend(members);
    }
    Ok(document)
}

/// Stdout. After the first write that fails everything else is dropped, so that a reader that went away neither ends the work early nor
/// takes the place of its outcome; [`Ui::finish`] reports the failure.
struct Results {
    stream: AutoStream<io::Stdout>,
    failure: Option<io::Error>,
}

impl Results {
    /// Runs a write unless one has failed before. `dropped` is the answer for what is not written.
    fn attempt<T>(
        &mut self,
        dropped: T,
        write: impl FnOnce(&mut AutoStream<io::Stdout>) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.failure.is_some() {
            return Ok(dropped);
        }
        match write(&mut self.stream) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.failure = Some(error);
                Ok(dropped)
            }
            written => written,
        }
    }
}

impl Write for Results {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(bytes.len(), |stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt((), AutoStream::flush)
    }
}

impl fmt::Debug for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").field("failure", &self.failure).finish_non_exhaustive()
    }
}

/// Writes results, notes, questions and errors.
#[derive(Debug)]
pub struct Ui {
    stdout: Results,
    stderr: AutoStream<io::Stderr>,
    output: Output,
    verbosity: Verbosity,
    terminals: Terminals,
    yes: bool,
    command_line: CommandLine,
}

impl Ui {
    /// A Ui as the settings ask for.
    pub fn new(settings: &Settings) -> Self {
        let choice = match settings.color {
            ColorWhen::Auto => ColorChoice::Auto,
            ColorWhen::Always => ColorChoice::Always,
            ColorWhen::Never => ColorChoice::Never,
        };
        Self {
            stdout: Results { stream: AutoStream::new(io::stdout(), choice), failure: None },
            stderr: AutoStream::new(io::stderr(), choice),
            output: settings.output,
            verbosity: settings.verbosity,
            terminals: settings.terminals,
            yes: settings.yes,
            command_line: settings.command_line.clone(),
        }
    }

    /// The text of a hint, with its commands as the user has to type them.
    pub fn text(&self, hint: &Hint) -> String {
        hint.show(&self.command_line)
    }

    /// Whether results are JSON.
    pub fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// Whether questions can be asked: stdin and stderr are terminals.
    pub fn can_ask(&self) -> bool {
        self.terminals.stdin && self.terminals.stderr
    }

    /// Whether progress is shown on a terminal.
    pub fn is_watched(&self) -> bool {
        self.terminals.stderr && self.verbosity > Verbosity::Quiet
    }

    /// Whether stderr has colours.
    pub fn is_coloured(&self) -> bool {
        self.stderr.current_choice() != ColorChoice::Never
    }

    /// Whether results go to a screen.
    pub fn stdout_is_terminal(&self) -> bool {
        self.terminals.stdout
    }

    /// Stdout, for results. Colour codes are dropped where they do not belong. Writing to a closed or full stdout succeeds and does
    /// nothing: see [`Ui::can_write`] and [`Ui::finish`].
    pub fn results(&mut self) -> &mut dyn Write {
        &mut self.stdout
    }

    /// Whether stdout still takes results. A command that goes on until its reader leaves ends when it does not.
    pub fn can_write(&self) -> bool {
        self.stdout.failure.is_none()
    }

    /// Writes out what is buffered. An error says why results were lost; a reader that went away is none.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stdout.flush()?;
        match self.stdout.failure.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// An event as a line of JSON.
    pub fn json_line(&mut self, event: &impl Serialize) -> io::Result<()> {
        let text = printable(serde_json::to_string(&versioned(event)?)?);
        writeln!(self.stdout, "{text}")?;
        self.stdout.flush()
    }

    /// JSON that is a result as it stands.
    pub fn json_text(&mut self, json: String) -> io::Result<()> {
        write!(self.stdout, "{}", printable(json))
    }

    /// A command's result as one indented JSON object; nothing where results are text.
    pub fn json_result(&mut self, result: &impl Serialize) -> io::Result<()> {
        if !self.is_json() {
            return Ok(());
        }
        let text = printable(serde_json::to_string_pretty(&versioned(result)?)?);
        writeln!(self.stdout, "{text}")
    }

    /// Prints a note to stderr, unless `--quiet` is given.
    pub fn note(&mut self, text: &str) {
        if self.verbosity >= Verbosity::Normal {
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
        clean(&self.command_line.show(command), false).into_owned()
    }

    /// Whether details are printed: with `--verbose`.
    pub fn shows_details(&self) -> bool {
        self.verbosity >= Verbosity::Verbose
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

    /// A warning that has a place in a file, and its hint.
    pub fn warning(&mut self, report: &Report) {
        let place = report.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        self.warn(&format!("{}{place}", clean(&report.message, false)));
        if let Some(hint) = &report.hint {
            self.note(&format!("{} {}", "hint:".cyan(), clean(&self.text(hint), false)));
        }
    }

    /// What went wrong, where, and what to do.
    pub fn error(&mut self, error: &CliError) {
        for report in &error.reports {
            self.say(&format!("{} {}", "error:".red().bold(), clean(&report.message, true)));
            if let Some(place) = &report.place {
                self.say(&format!("  {} {place}", "-->".blue()));
            }
            if let Some(hint) = &report.hint {
                self.say(&format!("{} {}", "hint:".cyan(), clean(&self.text(hint), true)));
            }
        }
    }

    /// Prints to stderr what the next question is about, even with `--quiet`.
    pub fn ask_about(&mut self, text: &str) {
        self.say(text);
    }

    /// How wide the terminal is that results go to; `None` elsewhere.
    pub fn columns(&self) -> Option<usize> {
        let (columns, _) = self.terminals.stdout.then(ratatui::crossterm::terminal::size)?.ok()?;
        Some(columns.into())
    }

    /// Asks for a confirmation. `--yes` gives it; without a terminal it is an error that names `flag`.
    pub async fn confirm(&mut self, question: &str, flag: &str) -> Result<bool, CliError> {
        let question = clean(question, true);
        if self.yes {
            return Ok(true);
        }
        if !self.can_ask() {
            return Err(
                CliError::usage(format!("there is no terminal to answer on: {question}")).hint(format!("pass {flag}"))
            );
        }
        write!(self.stderr, "{question} {} ", "(y/n)".dimmed())?;
        self.stderr.flush()?;
        let answer = read_line().await?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for a line; `None` without a terminal.
    pub async fn ask(&mut self, question: &str) -> Option<String> {
        if !self.can_ask() {
            return None;
        }
        write!(self.stderr, "{} ", clean(question, false)).ok()?;
        self.stderr.flush().ok()?;
        Some(read_line().await.ok()?.trim().to_owned())
    }

    /// Asks which of several is meant; without a terminal it is an error that lists them.
    pub async fn choose<'a>(&mut self, noun: &str, names: &[&'a str]) -> Result<&'a str, CliError> {
        if !self.can_ask() {
            return Err(CliError::usage(format!("which {noun}? there are several"))
                .hint(format!("name one of {}", names.join(", "))));
        }
        for (number, name) in names.iter().enumerate() {
            writeln!(self.stderr, "  {} {name}", (number + 1).cyan())?;
        }
        loop {
            write!(self.stderr, "Which {noun}? ")?;
            self.stderr.flush()?;
            let answer = read_line().await?;
            if answer.is_empty() {
                return Err(CliError::new(Exit::Interrupted, format!("no {noun} was chosen")));
            }
            let answer = answer.trim();
            let by_number = answer.parse::<usize>().ok().and_then(|number| names.get(number.checked_sub(1)?));
            if let Some(name) = by_number.or_else(|| names.iter().find(|name| **name == answer)) {
                return Ok(name);
            }
        }
    }

    /// A closed stderr is ignored: there is no other place to report it.
    fn say(&mut self, text: &str) {
        drop(writeln!(self.stderr, "{text}"));
    }
}
