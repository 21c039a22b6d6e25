//! A parsed TOML file and the findings about it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use toml::Spanned;
use toml::de::DeTable;

use super::Table;
use crate::stack::diagnostic::{Diagnostic, Diagnostics, Finding, position};

/// The hint for syntax errors.
const SYNTAX_HINT: &str = "a line is a [table], a [[table]] of a list, or key = value; a key may appear only once, strings are in quotes, lists in brackets";

/// The parser's message for a key that appears twice.
const DUPLICATE_KEY: &str = "duplicate key";

/// A file's text without a byte order mark and with `\n` line endings, so that multi-line strings do not depend on how the file was
/// checked out. Lines and columns are those of the file.
pub(in crate::stack) struct Source<'t>(Cow<'t, str>);

impl<'t> Source<'t> {
    pub fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self(if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() })
    }
}

/// A parsed file and the findings so far.
pub(in crate::stack) struct Document<'t> {
    text: &'t str,
    root: Spanned<DeTable<'t>>,
    pub(super) findings: RefCell<Findings>,
}

#[derive(Default)]
pub(super) struct Findings {
    pub errors: Vec<(usize, Finding)>,
    pub warnings: Vec<(usize, Finding)>,
    /// Names that must be unique, with the key that uses them, by kind and name.
    pub claimed: HashMap<(&'static str, String), String>,
}

impl<'t> Document<'t> {
    /// Parses a file. Returns all syntax errors if it is not TOML.
    pub fn parse(Source(text): &'t Source<'_>) -> Result<Self, Diagnostics> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let all_duplicates = errors.iter().all(|error| error.message() == DUPLICATE_KEY);
        let findings = errors.iter().map(|error| {
            let span = error.span().unwrap_or_default();
            let message = error.message().replace('\n', ", ");
            let named = match text.get(span.clone()).filter(|_| message == DUPLICATE_KEY) {
                Some(key) => format!("{message} `{key}`"),
                None => message,
            };
            (span.start, Finding::new(named).hint(SYNTAX_HINT))
        });
        let findings: Vec<(usize, Finding)> = findings.collect();
        if all_duplicates {
            // Duplicate keys do not affect the rest of the file, so its errors are reported too.
            let findings = Findings { errors: findings, ..Findings::default() };
            return Ok(Self { text, root, findings: RefCell::new(findings) });
        }
        let mut diagnostics = to_diagnostics(text, findings);
        // Keep only the first error of a line: the others follow from it.
        diagnostics.dedup_by_key(|diagnostic| diagnostic.line);
        Err(Diagnostics(diagnostics))
    }

    /// The file's top-level table.
    pub fn root(&self) -> Table<'_, 't> {
        Table {
            document: self,
            path: String::new(),
            start: 0,
            entries: self.root.get_ref(),
            known_keys: RefCell::default(),
            missing: RefCell::default(),
        }
    }

    /// Returns `value` and the warnings, or all errors.
    pub fn finish<T>(self, value: Option<T>) -> Result<(T, Vec<Diagnostic>), Diagnostics> {
        let Findings { errors, warnings, .. } = self.findings.into_inner();
        match value {
            Some(value) if errors.is_empty() => Ok((value, to_diagnostics(self.text, warnings))),
            _ => Err(Diagnostics(to_diagnostics(self.text, errors))),
        }
    }
}

fn to_diagnostics(text: &str, mut findings: Vec<(usize, Finding)>) -> Vec<Diagnostic> {
    findings.sort_by_key(|(offset, _)| *offset);
    let mut diagnostics: Vec<Diagnostic> = findings
        .into_iter()
        .map(|(offset, Finding { message, hint, .. })| {
            let (line, column) = position(text, offset);
            Diagnostic { message, line, column, hint }
        })
        .collect();
    diagnostics.dedup();
    diagnostics
}
