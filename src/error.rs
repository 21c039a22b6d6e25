//! The error at the command boundary: what happened, to which thing, what to do next, and the exit code.

mod aws;
mod ops;
mod prompt;
#[cfg(all(unix, feature = "sandbox"))]
mod sandbox;

use std::io;

use crate::diagnostic::{Diagnostic, Diagnostics, Place};
use crate::exit::Exit;
use crate::hint::{Hint, RepeatedCommand};

/// The hint for a stack that is still changing: the command that follows it.
pub(crate) fn follow_hint(command: RepeatedCommand) -> Hint {
    Hint::repeat(command).text(" follows it and then continues")
}

/// A command's failure: one diagnostic, or several when a file has several mistakes.
#[derive(Debug)]
pub(crate) struct CliError {
    /// The process's exit code.
    pub exit: Exit,
    /// What is shown to the user.
    pub diagnostics: Vec<Diagnostic>,
}

impl CliError {
    /// A failure with this exit code.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, diagnostics: vec![Diagnostic::new(message)] }
    }

    /// The work failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line or the project is wrong; nothing was changed.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A file of the project is wrong.
    pub(crate) fn invalid_file(Diagnostics(diagnostics): Diagnostics, file: &str) -> Self {
        let diagnostics = diagnostics.into_iter().map(|diagnostic| diagnostic.in_file(file)).collect();
        Self { exit: Exit::Usage, diagnostics }
    }

    /// Adds what to do next.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<Hint>) -> Self {
        self.with_last(|diagnostic| diagnostic.hint(hint))
    }

    /// Adds where.
    #[must_use]
    pub(crate) fn at(self, place: Place) -> Self {
        self.with_last(|diagnostic| diagnostic.at(place))
    }

    /// Adds the error behind it.
    #[must_use]
    pub(crate) fn source(self, source: impl Into<anyhow::Error>) -> Self {
        self.with_last(|diagnostic| diagnostic.source(source))
    }

    fn with_last(mut self, change: impl FnOnce(Diagnostic) -> Diagnostic) -> Self {
        let last = self.diagnostics.pop();
        self.diagnostics.extend(last.map(change));
        self
    }

    /// Names the service in suggested commands that are about one and name none.
    #[must_use]
    pub(crate) fn for_service(mut self, key: &str) -> Self {
        for diagnostic in &mut self.diagnostics {
            diagnostic.hint = diagnostic.hint.take().map(|hint| hint.for_service(key));
        }
        self
    }

    /// The messages in one line, for JSON and for other messages.
    pub(crate) fn summary(&self) -> String {
        self.diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect::<Vec<_>>().join("; ")
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::failed(error.to_string()).source(error)
    }
}
