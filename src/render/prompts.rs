//! Asks questions on the terminal.

use std::io::{self, BufRead as _, Write as _};

use owo_colors::OwoColorize as _;

use super::{Ui, clean};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PromptError {
    /// A confirmation is needed, but there is no terminal.
    #[error("confirmation needed, but there is no terminal: {question}")]
    NoTerminal {
        question: String,
        /// The flag that answers it with yes.
        flag: &'static str,
    },
    /// A choice is needed, but there is no terminal.
    #[error("there are several: choose a {kind}")]
    Ambiguous {
        /// The kind of the alternatives, such as `service`.
        kind: &'static str,
        names: Vec<String>,
    },
    /// Stdin ended before the answer.
    #[error("no {0} was chosen")]
    NothingChosen(&'static str),
    /// Reading from or writing to the terminal failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Ui {
    /// Asks for a confirmation. `--yes` confirms without asking; without a terminal, it is an error that contains `flag`.
    pub(crate) async fn confirm(&mut self, question: &str, flag: &'static str) -> Result<bool, PromptError> {
        let question = clean(question, true);
        if self.options.yes {
            return Ok(true);
        }
        if !self.can_ask() {
            return Err(PromptError::NoTerminal { question: question.into_owned(), flag });
        }
        let _pause = self.progress.pause();
        write!(self.stderr, "{question} {} ", "(y/n)".dimmed())?;
        self.stderr.flush()?;
        let answer = read_line().await?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for a line; `None` without a terminal.
    pub(crate) async fn ask(&mut self, question: &str) -> Option<String> {
        if !self.can_ask() {
            return None;
        }
        let _pause = self.progress.pause();
        write!(self.stderr, "{} ", clean(question, false)).ok()?;
        self.stderr.flush().ok()?;
        Some(read_line().await.ok()?.trim().to_owned())
    }

    /// Asks the user to choose one of `names`; without a terminal, it is an error that lists them.
    pub(crate) async fn choose<'a>(&mut self, kind: &'static str, names: &[&'a str]) -> Result<&'a str, PromptError> {
        if !self.can_ask() {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            return Err(PromptError::Ambiguous { kind, names });
        }
        let _pause = self.progress.pause();
        for (number, name) in names.iter().enumerate() {
            writeln!(self.stderr, "  {} {name}", (number + 1).cyan())?;
        }
        loop {
            write!(self.stderr, "Which {kind}? ")?;
            self.stderr.flush()?;
            let answer = read_line().await?;
            if answer.is_empty() {
                return Err(PromptError::NothingChosen(kind));
            }
            let answer = answer.trim();
            let by_number = answer.parse::<usize>().ok().and_then(|number| names.get(number.checked_sub(1)?));
            if let Some(name) = by_number.or_else(|| names.iter().find(|name| **name == answer)) {
                return Ok(name);
            }
            writeln!(self.stderr, "Enter a number from 1 to {}, or one of the choices.", names.len())?;
        }
    }
}

/// Reads a line on another thread, so that Ctrl-C works while a question is open.
async fn read_line() -> io::Result<String> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    read.await.map_err(io::Error::other)?
}
