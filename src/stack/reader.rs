//! Reads a TOML file key by key and collects diagnostics with positions, so that all errors of a file are reported together.
//!
//! Keys that are never read from a [`Table`] are reported as unknown.

use std::cell::RefCell;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::Finding;
pub(super) use document::{Document, Source};

mod document;

/// Minimum similarity (0 to 1) of an unknown key to a known one for a suggestion.
const MIN_SIMILARITY: f64 = 0.75;

/// The result of a rule: the converted value, or why it is invalid.
pub(super) type Validated<T> = Result<T, Finding>;

/// A table of the file that is being read.
pub(super) struct Table<'d, 't> {
    document: &'d Document<'t>,
    path: String,
    start: usize,
    entries: &'d DeTable<'t>,
    known_keys: RefCell<Vec<&'static str>>,
    /// Missing required keys. They are reported only if no unknown key is a likely misspelling of them.
    missing: RefCell<Vec<(&'static str, Finding)>>,
}

/// A `key = value` of a table with arbitrary keys.
pub(super) struct Entry<'d, 't> {
    pub key: &'d str,
    pub key_start: usize,
    pub value: &'d Spanned<DeValue<'t>>,
}

impl<'d, 't> Table<'d, 't> {
    /// The value of `key`, if it is present and `rule` accepts it. Reports a rejected value.
    pub fn optional<T>(&self, key: &'static str, rule: impl FnOnce(&DeValue<'t>) -> Validated<T>) -> Option<T> {
        let value = self.value(key)?;
        self.validate(key, value, rule)
    }

    /// As [`Self::optional`]; a missing key is an error with `hint`.
    pub fn required<T>(
        &self,
        key: &'static str,
        hint: &str,
        rule: impl FnOnce(&DeValue<'t>) -> Validated<T>,
    ) -> Option<T> {
        if self.value(key).is_none() {
            let owner = if self.path.is_empty() { "the file".to_owned() } else { format!("`{}`", self.path) };
            let finding = Finding::new(format!("{owner} has no `{key}`")).hint(hint);
            self.missing.borrow_mut().push((key, finding));
            return None;
        }
        self.optional(key, rule)
    }

    /// The table `key`, with a header or inline.
    pub fn table(&self, key: &'static str) -> Option<Table<'d, 't>> {
        let value = self.value(key)?;
        self.table_of(self.join(key), value)
    }

    /// The tables of `[[key]]`.
    pub fn tables(&self, key: &'static str) -> Vec<Table<'d, 't>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            let written = format!("must be written as [[{}]], not as {}", self.join(key), type_name(value.get_ref()));
            self.report(key, Finding::new(written).hint("each item is a table with its own [[…]] header"));
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| self.table_of(format!("{}[{at}]", self.join(key)), item))
            .collect()
    }

    /// The table that `value` holds. Reports other types.
    pub fn table_of(&self, path: String, value: &'d Spanned<DeValue<'t>>) -> Option<Table<'d, 't>> {
        let start = value.span().start;
        let Some(entries) = value.get_ref().as_table() else {
            let message = format!("`{path}` must be a table, not {}", type_name(value.get_ref()));
            self.report_at(start, Finding::new(message).hint(format!("write [{path}] and its keys below it")));
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
    pub fn entries(&self) -> Vec<Entry<'d, 't>> {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| Entry { key: key.get_ref(), key_start: key.span().start, value })
            .collect();
        entries.sort_by_key(|entry| entry.key_start);
        entries
    }

    /// Applies `rule` to a value of this table and reports a rejected one.
    pub fn validate<T>(
        &self,
        key: &str,
        value: &Spanned<DeValue<'t>>,
        rule: impl FnOnce(&DeValue<'t>) -> Validated<T>,
    ) -> Option<T> {
        rule(value.get_ref()).map_err(|finding| self.report_value(key, value, finding)).ok()
    }

    /// Whether `key` is present and a table.
    pub fn is_table(&self, key: &'static str) -> bool {
        self.value(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// Whether `key` is present.
    pub fn contains_key(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// Reports an error about `key`, at its value or, if it is missing, at the table.
    pub fn report(&self, key: &'static str, finding: Finding) {
        match self.value(key) {
            Some(value) => self.report_value(key, value, finding),
            None => self.report_at(self.start, self.named(key, finding)),
        }
    }

    /// Reports a warning about `key`.
    pub fn warn(&self, key: &'static str, finding: Finding) {
        let start = self.value(key).map_or(self.start, |value| value.span().start);
        let named = self.named(key, finding);
        self.document.findings.borrow_mut().warnings.push((start, named));
    }

    /// Reports an error about the key of an entry.
    pub fn report_key(&self, entry: &Entry<'_, 't>, finding: Finding) {
        self.report_at(entry.key_start, self.named(entry.key, finding));
    }

    /// Reports an error about the table itself.
    pub fn report_table(&self, finding: Finding) {
        let message = format!("`{}` {}", self.path, finding.message);
        self.report_at(self.start, Finding { message, ..finding });
    }

    /// Reports an error whose message is complete.
    pub fn report_at(&self, start: usize, finding: Finding) {
        self.document.findings.borrow_mut().errors.push((start, finding));
    }

    /// Registers that `key` uses `name`. Reports an error if another key uses the same name.
    pub fn claim_unique(&self, what: &'static str, key: &'static str, name: &str) {
        let owner = self.join(key);
        let first = self.document.findings.borrow_mut().claimed.insert((what, name.to_owned()), owner);
        if let Some(first) = first {
            self.report(
                key,
                Finding::new(format!("is the {what} `{name}`, which `{first}` uses already"))
                    .hint("choose another name for one of them"),
            );
        }
    }

    /// Finishes this table: reports unknown and missing keys.
    pub fn finish(self) {
        self.report_unknown_keys();
    }

    /// Reports unknown keys, with suggestions, and missing keys.
    pub fn report_unknown_keys(&self) {
        let known_keys = self.known_keys.borrow();
        let mut missing = self.missing.take();
        for entry in self.entries().into_iter().filter(|entry| !known_keys.contains(&entry.key)) {
            let suggestion = nearest(entry.key, &known_keys);
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
            self.report_at(entry.key_start, Finding::new(message).hint(hint));
        }
        for (_, finding) in missing {
            self.report_at(self.start, finding);
        }
    }

    /// The full name of `key`.
    pub fn join(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn value(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'t>>> {
        if !self.known_keys.borrow().contains(&key) {
            self.known_keys.borrow_mut().push(key);
        }
        self.entries.get(key)
    }

    fn report_value(&self, key: &str, value: &Spanned<DeValue<'t>>, mut finding: Finding) {
        for more in std::mem::take(&mut finding.more) {
            self.report_value(key, value, more);
        }
        let item = finding.item.and_then(|at| Some((at, value.get_ref().as_array()?.get(at)?)));
        match item {
            Some((at, item)) => self.report_at(item.span().start, self.named(&format!("{key}[{at}]"), finding)),
            None => self.report_at(value.span().start, self.named(key, finding)),
        }
    }

    fn named(&self, key: &str, finding: Finding) -> Finding {
        Finding { message: format!("`{}` {}", self.join(key), finding.message), ..finding }
    }
}

/// The known key that is most similar to `key`, if it is similar enough for a suggestion.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let similarity = |known: &str| strsim::jaro_winkler(key, known);
    let nearest = known.iter().copied().max_by(|left, right| similarity(left).total_cmp(&similarity(right)))?;
    (similarity(nearest) >= MIN_SIMILARITY).then_some(nearest)
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
