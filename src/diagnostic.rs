//! Errors and warnings as they are shown: what is wrong, where, and what to do. Plain values that every module may use.

use std::fmt;
use std::sync::Arc;

use crate::hint::Hint;

/// An error or a warning.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// What is wrong, with which thing; without a full stop.
    pub message: String,
    /// Where, if it is about a file.
    pub place: Option<Place>,
    /// What to do.
    pub hint: Option<Hint>,
    /// The error behind it, for `--verbose`.
    pub source: Option<Arc<anyhow::Error>>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's path, unless it is known from the context.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Diagnostic {
    /// A diagnostic without place and hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, hint: None, source: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<Hint>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Adds where.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    /// Adds the file of the place.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Self {
        if let Some(place) = &mut self.place {
            place.file = Some(file.to_owned());
        }
        self
    }

    /// Adds the error behind it.
    #[must_use]
    pub fn source(self, source: impl Into<anyhow::Error>) -> Self {
        Self { source: Some(Arc::new(source.into())), ..self }
    }

    /// The errors behind it, outermost first. Errors whose text an earlier one contains are left out.
    pub fn causes(&self) -> Vec<String> {
        let mut shown = self.message.clone();
        let chain = self.source.iter().flat_map(|source| source.chain()).map(ToString::to_string);
        let new = chain.filter(|cause| {
            let is_new = !shown.contains(cause);
            shown.push_str(cause);
            is_new
        });
        new.collect()
    }
}

/// Sources cannot be compared.
impl PartialEq for Diagnostic {
    fn eq(&self, other: &Self) -> bool {
        (&self.message, &self.place, &self.hint) == (&other.message, &other.place, &other.hint)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(formatter, "{place}: {}", self.message),
            None => formatter.write_str(&self.message),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column } = self;
        match file {
            Some(file) => write!(formatter, "{file}:{line}:{column}"),
            None => write!(formatter, "{line}:{column}"),
        }
    }
}

/// All errors of one file, in the file's order; never empty.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Diagnostics(pub Vec<Diagnostic>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_do_not_repeat_the_message() {
        let source = anyhow::anyhow!("connection refused").context("io error").context("cannot list tasks: io error");
        let diagnostic = Diagnostic::new("cannot list tasks: io error").source(source);
        assert_eq!(diagnostic.causes(), ["connection refused"]);
        assert_eq!(Diagnostic::new("a").causes(), [""; 0]);
    }
}
