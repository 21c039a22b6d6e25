//! A parsed TOML file and the diagnostics about it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use toml::Spanned;
use toml::de::DeTable;

use super::Table;
use crate::diagnostic::{Diagnostic, Diagnostics, Place};

/// The hint for syntax errors.
const SYNTAX_HINT: &str = "a line is a [table], a [[table]] of a list, or key = value; a key may appear only once, strings are in quotes, lists in brackets";

/// The parser's message for a key that appears twice.
const DUPLICATE_KEY: &str = "duplicate key";

/// A file's text without a byte order mark and with `\n` line endings, so that multi-line strings do not depend on how the file was
/// checked out. Lines and columns are those of the file.
pub(in crate::stack) struct Source<'t>(Cow<'t, str>);

impl<'t> Source<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self(if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() })
    }
}

/// A parsed file and the diagnostics so far.
pub(in crate::stack) struct Document<'t> {
    text: &'t str,
    root: Spanned<DeTable<'t>>,
    pub(super) diagnostics: RefCell<CollectedDiagnostics>,
}

/// Diagnostics by byte offset.
#[derive(Default)]
pub(super) struct CollectedDiagnostics {
    pub errors: Vec<(usize, Diagnostic)>,
    pub warnings: Vec<(usize, Diagnostic)>,
    /// Names that must be unique, with the key that uses them, by kind and name.
    pub claimed: HashMap<(&'static str, String), String>,
}

impl<'t> Document<'t> {
    /// Parses a file. Returns all syntax errors if it is not TOML.
    pub(crate) fn parse(Source(text): &'t Source<'_>) -> Result<Self, Diagnostics> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let all_duplicates = errors.iter().all(|error| error.message() == DUPLICATE_KEY);
        let errors = errors.iter().map(|error| {
            let span = error.span().unwrap_or_default();
            let message = error.message().replace('\n', ", ");
            let named = match text.get(span.clone()).filter(|_| message == DUPLICATE_KEY) {
                Some(key) => format!("{message} `{key}`"),
                None => message,
            };
            (span.start, Diagnostic::new(named).hint(SYNTAX_HINT))
        });
        let errors: Vec<(usize, Diagnostic)> = errors.collect();
        if all_duplicates {
            // Duplicate keys do not affect the rest of the file, so its errors are reported too.
            let collected = CollectedDiagnostics { errors, ..CollectedDiagnostics::default() };
            return Ok(Self { text, root, diagnostics: RefCell::new(collected) });
        }
        let mut diagnostics = with_places(text, errors);
        // Keep only the first error of a line: the others follow from it.
        diagnostics.dedup_by_key(|diagnostic| diagnostic.place.as_ref().map(|place| place.line));
        Err(Diagnostics(diagnostics))
    }

    /// The file's top-level table.
    pub(crate) fn root(&self) -> Table<'_, 't> {
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
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<(T, Vec<Diagnostic>), Diagnostics> {
        let CollectedDiagnostics { errors, warnings, .. } = self.diagnostics.into_inner();
        match value {
            Some(value) if errors.is_empty() => Ok((value, with_places(self.text, warnings))),
            _ => Err(Diagnostics(with_places(self.text, errors))),
        }
    }
}

/// The diagnostics in the file's order, with their places instead of offsets.
fn with_places(text: &str, mut diagnostics: Vec<(usize, Diagnostic)>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|(offset, _)| *offset);
    let mut diagnostics: Vec<Diagnostic> =
        diagnostics.into_iter().map(|(offset, diagnostic)| diagnostic.at(place(text, offset))).collect();
    diagnostics.dedup();
    diagnostics
}

/// The place of a byte offset.
fn place(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let (line, column) = (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1);
    Place { file: None, line, column }
}
