//! What is wrong in a file that a user wrote, and where. Naming the file and drawing the message is the caller's job.

use std::fmt;

/// One mistake (or, among warnings, one oddity) with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, with the full key in backticks, without a full stop.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// Every mistake of one file, in the file's order; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Diagnostics(pub Vec<Diagnostic>);

/// What a rule has against a value, before it is known where the value stands. The message continues the key: `is 70000, …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub message: String,
    pub hint: Option<String>,
    /// Which item of a list (from 0) it is about, when it is not about the whole.
    pub item: Option<usize>,
    /// What else is wrong with the same value: other items of a list.
    pub more: Vec<Finding>,
}

impl Finding {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, item: None, more: Vec::new() }
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Line and column, both from 1, of a byte offset; columns count characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
