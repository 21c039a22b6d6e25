//! Walks a TOML file key by key and remembers where everything stands, so that all mistakes of a file are found in one go.
//!
//! A [`Table`] is asked for its keys one after the other; what nobody asked for is an unknown key. It knows TOML, not `ecsws.toml`.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Mistake, Problem, Problems, position};

/// How alike (0 to 1) an unknown key must be to a known one to be taken for a slip of it.
const ALIKE: f64 = 0.75;

/// What helps with a file that is not TOML.
const TOML: &str = "a line is a [table], a [[table]] of a list, or key = value; a key stands once, strings in quotes, lists in brackets";

/// What the parser calls a key that stands twice.
const DUPLICATE: &str = "duplicate key";

/// A rule turns a value into what the model keeps, or says what is wrong with it.
pub(super) type Checked<T> = Result<T, Mistake>;

/// A file's text without a byte order mark, and with `\n` for every line end, so that a multi-line string has the same value
/// however the file was checked out. Lines and columns are those of the file.
pub(super) struct Source<'t>(Cow<'t, str>);

impl<'t> Source<'t> {
    pub fn new(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self(if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() })
    }
}

/// A parsed file and what has been found in it so far.
pub(super) struct Document<'t> {
    text: &'t str,
    root: Spanned<DeTable<'t>>,
    findings: RefCell<Findings>,
}

#[derive(Default)]
struct Findings {
    problems: Vec<(usize, Mistake)>,
    warnings: Vec<(usize, Mistake)>,
    /// Names that may be used once, by what they name.
    claimed: HashMap<(&'static str, String), String>,
}

impl<'t> Document<'t> {
    /// Parses a file; one that is not TOML gives all its syntax errors.
    pub fn parse(Source(text): &'t Source<'_>) -> Result<Self, Problems> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let all_duplicates = errors.iter().all(|error| error.message() == DUPLICATE);
        let found = errors.iter().map(|error| {
            let span = error.span().unwrap_or_default();
            let message = error.message().replace('\n', ", ");
            let named = match text.get(span.clone()).filter(|_| message == DUPLICATE) {
                Some(key) => format!("{message} `{key}`"),
                None => message,
            };
            (span.start, Mistake::new(named).hint(TOML))
        });
        let found: Vec<(usize, Mistake)> = found.collect();
        if all_duplicates {
            // The rest of the file is as good as any: its mistakes are told too.
            let findings = Findings { problems: found, ..Findings::default() };
            return Ok(Self { text, root, findings: RefCell::new(findings) });
        }
        let mut problems = located(text, found);
        // What follows from a mistake is not another one.
        problems.dedup_by_key(|problem| problem.line);
        Err(Problems(problems))
    }

    /// The file's top-level table.
    pub fn root(&self) -> Table<'_, 't> {
        Table {
            document: self,
            path: String::new(),
            start: 0,
            entries: self.root.get_ref(),
            asked: RefCell::default(),
            missing: RefCell::default(),
        }
    }

    /// `value` and the warnings, or every mistake that was found.
    pub fn finish<T>(self, value: Option<T>) -> Result<(T, Vec<Problem>), Problems> {
        let Findings { problems, warnings, .. } = self.findings.into_inner();
        match value {
            Some(value) if problems.is_empty() => Ok((value, located(self.text, warnings))),
            _ => Err(Problems(located(self.text, problems))),
        }
    }
}

fn located(text: &str, mut found: Vec<(usize, Mistake)>) -> Vec<Problem> {
    found.sort_by_key(|(offset, _)| *offset);
    let mut problems: Vec<Problem> = found
        .into_iter()
        .map(|(offset, Mistake { message, hint, .. })| {
            let (line, column) = position(text, offset);
            Problem { message, line, column, hint }
        })
        .collect();
    problems.dedup();
    problems
}

/// One table of the file, being read.
pub(super) struct Table<'d, 't> {
    document: &'d Document<'t>,
    path: String,
    start: usize,
    entries: &'d DeTable<'t>,
    asked: RefCell<Vec<&'static str>>,
    /// Keys that have to be there and are not: known to be missing only when no unknown key looks like a slip of them.
    missing: RefCell<Vec<(&'static str, Mistake)>>,
}

/// One `key = value` of a table whose keys are free.
pub(super) struct Entry<'d, 't> {
    pub key: &'d str,
    pub key_start: usize,
    pub value: &'d Spanned<DeValue<'t>>,
}

impl<'d, 't> Table<'d, 't> {
    /// The value of `key` if it is there and `rule` accepts it; what the rule refuses is recorded.
    pub fn optional<T>(&self, key: &'static str, rule: impl FnOnce(&DeValue<'t>) -> Checked<T>) -> Option<T> {
        let value = self.value(key)?;
        self.checked(key, value, rule)
    }

    /// As [`Self::optional`], and a missing key is a mistake with `hint`.
    pub fn required<T>(
        &self,
        key: &'static str,
        hint: &str,
        rule: impl FnOnce(&DeValue<'t>) -> Checked<T>,
    ) -> Option<T> {
        if self.value(key).is_none() {
            let owner = if self.path.is_empty() { "the file".to_owned() } else { format!("`{}`", self.path) };
            let mistake = Mistake::new(format!("{owner} has no `{key}`")).hint(hint);
            self.missing.borrow_mut().push((key, mistake));
            return None;
        }
        self.optional(key, rule)
    }

    /// The table under `key`, written either way (`[key]` or inline).
    pub fn table(&self, key: &'static str) -> Option<Table<'d, 't>> {
        let value = self.value(key)?;
        self.table_of(self.join(key), value)
    }

    /// The tables of `[[key]]`, with their places in the list.
    pub fn tables(&self, key: &'static str) -> Vec<Table<'d, 't>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            let written = format!("must be written as [[{}]], not as {}", self.join(key), kind(value.get_ref()));
            self.refuse(key, Mistake::new(written).hint("each one is a table under brackets of its own"));
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| self.table_of(format!("{}[{at}]", self.join(key)), item))
            .collect()
    }

    /// The table that `value` holds, if it is one.
    pub fn table_of(&self, path: String, value: &'d Spanned<DeValue<'t>>) -> Option<Table<'d, 't>> {
        let start = value.span().start;
        let Some(entries) = value.get_ref().as_table() else {
            let message = format!("`{path}` must be a table, not {}", kind(value.get_ref()));
            self.refuse_at(start, Mistake::new(message).hint(format!("write [{path}] and its keys below it")));
            return None;
        };
        Some(Table {
            document: self.document,
            path,
            start,
            entries,
            asked: RefCell::default(),
            missing: RefCell::default(),
        })
    }

    /// All entries in the file's order, for a table whose keys are free.
    pub fn entries(&self) -> Vec<Entry<'d, 't>> {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .map(|(key, value)| Entry { key: key.get_ref(), key_start: key.span().start, value })
            .collect();
        entries.sort_by_key(|entry| entry.key_start);
        entries
    }

    /// Applies `rule` to a value of this table that was found by other means.
    pub fn checked<T>(
        &self,
        key: &str,
        value: &Spanned<DeValue<'t>>,
        rule: impl FnOnce(&DeValue<'t>) -> Checked<T>,
    ) -> Option<T> {
        rule(value.get_ref()).map_err(|mistake| self.refuse_value(key, value, mistake)).ok()
    }

    /// Whether `key` is given and a table.
    pub fn is_table(&self, key: &'static str) -> bool {
        self.value(key).is_some_and(|value| value.get_ref().is_table())
    }

    /// Whether the file gives `key`.
    pub fn has(&self, key: &'static str) -> bool {
        self.value(key).is_some()
    }

    /// Records a mistake of `key`, at its value, or at the table when it is not written.
    pub fn refuse(&self, key: &'static str, mistake: Mistake) {
        match self.value(key) {
            Some(value) => self.refuse_value(key, value, mistake),
            None => self.refuse_at(self.start, self.named(key, mistake)),
        }
    }

    /// Records a warning about `key`.
    pub fn warn(&self, key: &'static str, mistake: Mistake) {
        let start = self.value(key).map_or(self.start, |value| value.span().start);
        let named = self.named(key, mistake);
        self.document.findings.borrow_mut().warnings.push((start, named));
    }

    /// Records a mistake of a key of this table that is free.
    pub fn refuse_key(&self, entry: &Entry<'_, 't>, mistake: Mistake) {
        self.refuse_at(entry.key_start, self.named(entry.key, mistake));
    }

    /// Records a mistake of the table itself.
    pub fn refuse_table(&self, mistake: Mistake) {
        let message = format!("`{}` {}", self.path, mistake.message);
        self.refuse_at(self.start, Mistake { message, ..mistake });
    }

    /// Records a mistake whose message is complete.
    pub fn refuse_at(&self, start: usize, mistake: Mistake) {
        self.document.findings.borrow_mut().problems.push((start, mistake));
    }

    /// Records that `name` is used by `key`; a second user of the same name is a mistake.
    pub fn claim(&self, what: &'static str, key: &'static str, name: &str) {
        let owner = self.join(key);
        let first = self.document.findings.borrow_mut().claimed.insert((what, name.to_owned()), owner);
        if let Some(first) = first {
            self.refuse(
                key,
                Mistake::new(format!("is the {what} `{name}`, which `{first}` is already"))
                    .hint("choose another name for one of them"),
            );
        }
    }

    /// Ends the reading of this table.
    pub fn finish(self) {
        self.unknown_keys();
    }

    /// Records every key that nobody asked for, with the nearest known one, and every key that is missing.
    pub fn unknown_keys(&self) {
        let asked = self.asked.borrow();
        let mut missing = self.missing.take();
        for entry in self.entries().into_iter().filter(|entry| !asked.contains(&entry.key)) {
            let meant = nearest(entry.key, &asked);
            missing.retain(|(key, _)| Some(*key) != meant);
            let hint = meant.map_or_else(
                || format!("the keys here are {}", listed(asked.iter().map(|key| format!("`{key}`")), "and")),
                |meant| format!("did you mean `{meant}`?"),
            );
            let message = format!("unknown key `{}`", self.join(entry.key));
            self.refuse_at(entry.key_start, Mistake::new(message).hint(hint));
        }
        for (_, mistake) in missing {
            self.refuse_at(self.start, mistake);
        }
    }

    /// The full name of `key`.
    pub fn join(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn value(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'t>>> {
        if !self.asked.borrow().contains(&key) {
            self.asked.borrow_mut().push(key);
        }
        self.entries.get(key)
    }

    fn refuse_value(&self, key: &str, value: &Spanned<DeValue<'t>>, mut mistake: Mistake) {
        for more in std::mem::take(&mut mistake.more) {
            self.refuse_value(key, value, more);
        }
        let item = mistake.item.and_then(|at| Some((at, value.get_ref().as_array()?.get(at)?)));
        match item {
            Some((at, item)) => self.refuse_at(item.span().start, self.named(&format!("{key}[{at}]"), mistake)),
            None => self.refuse_at(value.span().start, self.named(key, mistake)),
        }
    }

    fn named(&self, key: &str, mistake: Mistake) -> Mistake {
        Mistake { message: format!("`{}` {}", self.join(key), mistake.message), ..mistake }
    }
}

/// The known key that `key` seems to be a slip of.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let alike = |known: &str| strsim::jaro_winkler(key, known);
    let nearest = known.iter().copied().max_by(|left, right| alike(left).total_cmp(&alike(right)))?;
    (alike(nearest) >= ALIKE).then_some(nearest)
}

/// `a, b and c`.
pub(super) fn listed(items: impl IntoIterator<Item = String>, last: &str) -> String {
    let mut items: Vec<String> = items.into_iter().collect();
    match items.pop() {
        Some(end) if items.is_empty() => end,
        Some(end) => format!("{} {last} {end}", items.join(", ")),
        None => String::new(),
    }
}

/// What a value is, in words for messages.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
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
