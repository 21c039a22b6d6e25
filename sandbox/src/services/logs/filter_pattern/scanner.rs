//! A scanner for the parts of a pattern.

use crate::base::java_regex::JavaRegex;

use super::PatternError;

/// Regular expressions in a pattern (user guide).
const MAX_REGEXES: usize = 2;
/// The size of a compiled regular expression in bytes, which limits the steps per character of an event to some
/// thousand.
const MAX_REGEX_BYTES: usize = 64 * 1024;
/// The characters that regular expressions may have in addition to letters and digits ("Supported regular expressions
/// syntax").
const REGEX_SIGNS: &str = ":_#=@/;,-^$?[]{}|\\*+. ";

/// The remaining part of a pattern.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    rest: &'a str,
    regexes: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, regexes: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Whether `text` comes next.
    pub(super) fn peek(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    /// Consumes `text` if it comes next.
    pub(super) fn consume(&mut self, text: &str) -> bool {
        let after = self.rest.strip_prefix(text);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// Consumes `text`, which must come next.
    pub(super) fn expect(&mut self, text: &str) -> Result<(), PatternError> {
        if self.consume(text) { Ok(()) } else { Err(PatternError::syntax(format_args!("'{text}' is missing"))) }
    }

    /// Consumes characters as long as they fit.
    pub(super) fn consume_while(&mut self, matches: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|character| !matches(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Parses a quoted string, if one comes next. `\"` stands for a quote.
    pub(super) fn quoted(&mut self) -> Result<Option<String>, PatternError> {
        let Some(inner) = self.rest.strip_prefix('"') else { return Ok(None) };
        let end = inner.match_indices('"').map(|(index, _)| index).find(|index| !inner[..*index].ends_with('\\'));
        let end = end.ok_or_else(|| PatternError::syntax("a quote is not closed"))?;
        self.rest = &inner[end + 1..];
        Ok(Some(inner[..end].replace("\\\"", "\"")))
    }

    /// Parses a regular expression between percent signs, if one comes next.
    pub(super) fn regex(&mut self) -> Result<Option<JavaRegex>, PatternError> {
        let Some(inner) = self.rest.strip_prefix('%') else { return Ok(None) };
        let (text, rest) =
            inner.split_once('%').ok_or_else(|| PatternError::syntax("a regular expression is not closed"))?;
        let known = |character: char| character.is_ascii_alphanumeric() || REGEX_SIGNS.contains(character);
        if text.is_empty() || !text.chars().all(known) {
            return Err(PatternError::syntax(format_args!(
                "the regular expression '{text}' has characters that are not supported"
            )));
        }
        self.regexes += 1;
        if self.regexes > MAX_REGEXES {
            return Err(PatternError::syntax(format_args!("it has more than {MAX_REGEXES} regular expressions")));
        }
        self.rest = rest;
        JavaRegex::unanchored(text, MAX_REGEX_BYTES).map(Some).map_err(PatternError::syntax)
    }
}
