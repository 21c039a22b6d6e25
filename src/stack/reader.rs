//! Reads a TOML file key by key and collects diagnostics with positions, so that all errors of a file are reported together.
//!
//! Keys that are never read from a [`Table`] are reported as unknown.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Diagnostic;
use crate::similar_names::most_similar;
pub(super) use document::{Document, Source};
pub(super) use invalid::{Invalid, Validated};

mod document;
mod invalid;

/// A table of the file that is being read.
pub(super) struct Table<'d, 't> {
    document: &'d Document<'t>,
    path: String,
    start: usize,
    entries: &'d DeTable<'t>,
    known_keys: RefCell<Vec<&'static str>>,
    /// Missing required keys. They are reported only if no unknown key is a likely misspelling of them.
    missing: RefCell<Vec<(&'static str, Diagnostic)>>,
}

/// A `key = value` of a table with arbitrary keys.
pub(super) struct Entry<'d, 't> {
    pub key: &'d str,
    pub key_start: usize,
    pub value: &'d Spanned<DeValue<'t>>,
}

impl<'d, 't> Table<'d, 't> {
    /// The value of `key`, if it is present and `rule` accepts it. Reports a rejected value.
    pub(super) fn optional<T, E: Into<Invalid>>(
        &self,
        key: &'static str,
        rule: impl FnOnce(&DeValue<'t>) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.value(key)?;
        self.validate(key, value, rule)
    }

    /// As [`Self::optional`]; a missing key is an error with `hint`.
    pub(super) fn required<T, E: Into<Invalid>>(
        &self,
        key: &'static str,
        hint: &str,
        rule: impl FnOnce(&DeValue<'t>) -> Result<T, E>,
    ) -> Option<T> {
        if self.value(key).is_none() {
            let owner = if self.path.is_empty() { "the file".to_owned() } else { format!("`{}`", self.path) };
            let diagnostic = Diagnostic::new(format!("{owner} has no `{key}`")).hint(hint);
            self.missing.borrow_mut().push((key, diagnostic));
            return None;
        }
        self.optional(key, rule)
    }

    /// The table `key`, with a header or inline.
    pub(super) fn table(&self, key: &'static str) -> Option<Table<'d, 't>> {
        let value = self.value(key)?;
        self.table_of(self.join(key), value)
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables(&self, key: &'static str) -> Vec<Table<'d, 't>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            let written = format!("must be written as [[{}]], not as {}", self.join(key), type_name(value.get_ref()));
            self.report(key, Diagnostic::new(written).hint("each item is a table with its own [[…]] header"));
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| self.table_of(format!("{}[{at}]", self.join(key)), item))
            .collect()
    }

    /// The table that `value` holds. Reports other types.
    pub(super) fn table_of(&self, path: String, value: &'d Spanned<DeValue<'t>>) -> Option<Table<'d, 't>> {
        let start = value.span().start;
        let Some(entries) = value.get_ref().as_table() else {
            let message = format!("`{path}` must be a table, not {}", type_name(value.get_ref()));
            self.report_at(start, Diagnostic::new(message).hint(format!("write [{path}] and its keys below it")));
            return None;
        };
        Some(Table {
            document: self.document,
            path,
            start,
            entries,
            known_keys: RefCell::default(),
            missing: RefCell::default(),
        })
    }

    /// All entries in the file's order, for a table with arbitrary keys.
    pub(super) fn entries(&self) -> Vec<Entry<'d, 't>> {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| Entry { key: key.get_ref(), key_start: key.span().start, value })
            .collect();
        entries.sort_by_key(|entry| entry.key_start);
        entries
    }

    /// Applies `rule` to a value of this table and reports a rejected one.
    pub(super) fn validate<T, E: Into<Invalid>>(
        &self,
        key: &str,
        value: &Spanned<DeValue<'t>>,
        rule: impl FnOnce(&DeValue<'t>) -> Result<T, E>,
    ) -> Option<T> {
        rule(value.get_ref()).map_err(|invalid| self.report_invalid(key, value, invalid.into())).ok()
    }

    /// Whether `key` is present and a table.
    pub(super) fn is_table(&self, key: &'static str) -> bool {
        self.value(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// Whether `key` is present.
    pub(super) fn contains_key(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// Reports an error about `key`, at its value or, if it is missing, at the table.
    pub(super) fn report(&self, key: &'static str, diagnostic: Diagnostic) {
        match self.value(key) {
            Some(value) => self.report_at(value.span().start, self.named(key, diagnostic)),
            None => self.report_at(self.start, self.named(key, diagnostic)),
        }
    }

    /// Reports a warning about `key`.
    pub(super) fn warn(&self, key: &'static str, diagnostic: Diagnostic) {
        let start = self.value(key).map_or(self.start, |value| value.span().start);
        let named = self.named(key, diagnostic);
        self.document.diagnostics.borrow_mut().warnings.push((start, named));
    }

    /// Reports an error about the key of an entry.
    pub(super) fn report_key(&self, entry: &Entry<'_, 't>, diagnostic: Diagnostic) {
        self.report_at(entry.key_start, self.named(entry.key, diagnostic));
    }

    /// Reports an error about the table itself.
    pub(super) fn report_table(&self, diagnostic: Diagnostic) {
        let message = format!("`{}` {}", self.path, diagnostic.message);
        self.report_at(self.start, Diagnostic { message, ..diagnostic });
    }

    /// Reports an error whose message is complete.
    pub(super) fn report_at(&self, start: usize, diagnostic: Diagnostic) {
        self.document.diagnostics.borrow_mut().errors.push((start, diagnostic));
    }

    /// Registers that `key` uses `name`. Reports an error if another key uses the same name.
    pub(super) fn claim_unique(&self, what: &'static str, key: &'static str, name: &str) {
        let owner = self.join(key);
        let first = self.document.diagnostics.borrow_mut().claimed.insert((what, name.to_owned()), owner);
        if let Some(first) = first {
            self.report(
                key,
                Diagnostic::new(format!("is the {what} `{name}`, which `{first}` already uses"))
                    .hint("choose another name for one of them"),
            );
        }
    }

    /// Finishes this table: reports unknown and missing keys.
    pub(super) fn finish(self) {
        self.report_unknown_keys();
    }

    /// Reports unknown keys, with suggestions, and missing keys.
    pub(super) fn report_unknown_keys(&self) {
        let known_keys = self.known_keys.borrow();
        let mut missing = self.missing.take();
        for entry in self.entries().into_iter().filter(|entry| !known_keys.contains(&entry.key)) {
            let suggestion = most_similar(entry.key, &known_keys);
            missing.retain(|(key, _)| Some(*key) != suggestion);
            let hint = suggestion.map_or_else(
                || {
                    format!(
                        "the keys of this table are {}",
                        join_words(known_keys.iter().map(|key| format!("`{key}`")), "and")
                    )
                },
                |key| format!("did you mean `{key}`?"),
            );
            let message = format!("unknown key `{}`", self.join(entry.key));
            self.report_at(entry.key_start, Diagnostic::new(message).hint(hint));
        }
        for (_, diagnostic) in missing {
            self.report_at(self.start, diagnostic);
        }
    }

    /// The full name of `key`.
    pub(super) fn join(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn value(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'t>>> {
        if !self.known_keys.borrow().contains(&key) {
            self.known_keys.borrow_mut().push(key);
        }
        self.entries.get(key)
    }

    fn report_invalid(&self, key: &str, value: &Spanned<DeValue<'t>>, Invalid(parts): Invalid) {
        for (index, diagnostic) in parts {
            match index.and_then(|index| Some((index, value.get_ref().as_array()?.get(index)?))) {
                Some((index, item)) => {
                    self.report_at(item.span().start, self.named(&format!("{key}[{index}]"), diagnostic));
                }
                None => self.report_at(value.span().start, self.named(key, diagnostic)),
            }
        }
    }

    fn named(&self, key: &str, diagnostic: Diagnostic) -> Diagnostic {
        Diagnostic { message: format!("`{}` {}", self.join(key), diagnostic.message), ..diagnostic }
    }
}

/// `a, b and c`.
pub(super) fn join_words(items: impl IntoIterator<Item = String>, last: &str) -> String {
    let mut items: Vec<String> = items.into_iter().collect();
    match items.pop() {
        Some(end) if items.is_empty() => end,
        Some(end) => format!("{} {last} {end}", items.join(", ")),
        None => String::new(),
    }
}

/// The type of a value for messages.
pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
