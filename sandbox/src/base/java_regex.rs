//! Java's regular expressions: those of the service models, `AllowedPattern`s of templates and parameters, and log filters.
//!
//! They have look-around and back references, so that matching may backtrack: both the work and the memory of one match are
//! bounded.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

use fancy_regex::{Regex, RegexBuilder};

/// Backtracking steps of a match: a few for each character of the longest value, which has 4,096. Each takes time proportional
/// to the size of the expression.
const MAX_STEPS: usize = 10_000;
/// The size of a compiled expression and of its automaton, in bytes.
const MAX_SIZE: usize = 1024 * 1024;
/// Java's classes are ASCII unless a flag says otherwise (`java.util.regex.Pattern`, "Predefined character classes").
const ASCII_CLASSES: &[(char, &str)] = &[
    ('d', "[0-9]"),
    ('D', "[^0-9]"),
    ('w', "[0-9A-Za-z_]"),
    ('W', "[^0-9A-Za-z_]"),
    ('s', r"[ \t\n\x0b\f\r]"),
    ('S', r"[^ \t\n\x0b\f\r]"),
];

#[derive(Debug, Clone)]
pub(crate) struct JavaRegex(Regex);

impl JavaRegex {
    /// Compiles an expression that has to match the whole of a value; `None` if it is invalid or too large.
    pub(crate) fn anchored(java: &str) -> Option<Self> {
        Self::build(&format!(r"\A(?:{})\z", translate(java)), MAX_SIZE).ok()
    }

    /// Compiles an expression that has to match a part of a value. `max_size` bounds the compiled expression, in bytes.
    ///
    /// # Errors
    /// The reason why it is invalid or too large.
    pub(crate) fn unanchored(java: &str, max_size: usize) -> Result<Self, String> {
        Self::build(&translate(java), max_size).map_err(|error| error.to_string())
    }

    fn build(regex: &str, max_size: usize) -> Result<Self, fancy_regex::Error> {
        let mut builder = RegexBuilder::new(regex);
        builder.backtrack_limit(MAX_STEPS).delegate_size_limit(max_size).delegate_dfa_size_limit(MAX_SIZE);
        builder.build().map(Self)
    }

    /// Whether a value matches. One that takes too many steps does not.
    pub(crate) fn is_match(&self, value: &str) -> bool {
        self.0.is_match(value).unwrap_or(false)
    }
}

/// Spells out where Java's syntax means something else: ASCII classes, `\p{Print}`, and characters as UTF-16 code units.
fn translate(java: &str) -> String {
    // The models write supplementary characters with five digits, of which Java would read four.
    let java = java.replace(r"\u10000-\u10FFFF", r"\x{10000}-\x{10ffff}").replace(r"\p{Print}", r"[\x20-\x7e]");
    let mut chars = java.chars().peekable();
    let mut regex = String::with_capacity(java.len());
    while let Some(char) = chars.next() {
        if char != '\\' {
            regex.push(char);
            continue;
        }
        let Some(escaped) = chars.next() else { return regex + "\\" };
        if let Some((_, class)) = ASCII_CLASSES.iter().find(|(name, _)| *name == escaped) {
            regex.push_str(class);
        } else if let Some(code_point) = (escaped == 'u').then(|| code_point(&mut chars)).flatten() {
            let _ = write!(regex, r"\x{{{code_point:x}}}");
        } else {
            regex.extend(['\\', escaped]);
        }
    }
    regex
}

/// Reads what follows `\u`: four hexadecimal digits, and the second half of a surrogate pair.
fn code_point(chars: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let unit = hex(chars)?;
    let mut after = chars.clone();
    let is_pair = (0xd800..0xdc00).contains(&unit) && after.next() == Some('\\') && after.next() == Some('u');
    match is_pair.then(|| hex(&mut after)).flatten() {
        Some(low @ 0xdc00..0xe000) => {
            *chars = after;
            Some(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
        }
        _ => Some(unit),
    }
}

/// Takes four hexadecimal digits if they come next.
fn hex(chars: &mut Peekable<Chars<'_>>) -> Option<u32> {
    let mut after = chars.clone();
    let unit = (0..4).try_fold(0, |unit, _| Some(unit * 16 + after.next()?.to_digit(16)?))?;
    *chars = after;
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(java: &str, value: &str) -> bool {
        JavaRegex::anchored(java).expect("a valid expression").is_match(value)
    }

    #[test]
    fn an_expression_has_to_match_the_whole_value() {
        assert!(fits("a|ab", "ab") && !fits("a", "ab") && !fits("a", "a\n"));
    }

    #[test]
    fn predefined_classes_are_ascii_and_named_ones_are_not() {
        assert!(fits(r"[\w+=,.@-]+", "a_9@") && !fits(r"\w", "é") && fits(r"\p{L}", "é"));
        assert!(fits(r"\W", "é") && fits(r"\\w", r"\w") && !fits(r"\d", "٣"));
    }

    #[test]
    fn characters_are_utf_16_code_units() {
        assert!(fits(r"[\u0009\u0020-\u007E]+", "a\tb~") && !fits(r"[\u0009\u0020-\u007E]+", "é"));
        assert!(fits(r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF]+", "a😀"));
    }

    #[test]
    fn look_around_and_back_references_are_bounded() {
        assert!(fits(r"(?!aws)(.)\1", "bb") && !fits(r"(?!aws).*", "aws-x"));
        assert!(!fits(r"(a*)*\1b", &"a".repeat(4096)));
        assert!(JavaRegex::anchored("(").is_none() && JavaRegex::anchored("(?:a{1000}){1000}").is_none());
    }
}
