//! The patterns of models, which are Java's regular expressions, translated for `regex-lite`, which takes linear time.

use std::fmt::Write as _;
use std::sync::OnceLock;

use regex_lite::Regex;

use super::Pattern;

/// Longer texts are not matched: templates and documents have patterns that match everything.
const MAX_BYTES: usize = 8 * 1024;

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }
}

impl Pattern {
    /// Whether the pattern matches the whole text. A pattern that `regex-lite` does not support matches everything.
    pub fn matches(&self, text: &str) -> bool {
        text.len() > MAX_BYTES || self.regex().is_none_or(|regex| regex.is_match(text))
    }

    pub(super) fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| Regex::new(&format!("^(?:{})$", translate(&self.text))).ok()).as_ref()
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Java's `\uXXXX` is a UTF-16 code unit. Its Unicode classes are approximated: of ASCII exactly, with all other characters.
fn translate(java: &str) -> String {
    const CLASSES: &[(&str, &str)] = &[
        (r"\p{L}", r"A-Za-z\x{80}-\x{10ffff}"),
        (r"\p{Z}", " "),
        (r"\p{N}", "0-9"),
        (r"\p{Print}", r"[\x20-\x7e]"),
        // Supplementary ranges, written as surrogate pairs or with five digits.
        (r"\uD800\uDC00-\uDBFF\uDFFF", r"\x{10000}-\x{10ffff}"),
        (r"\u10000-\u10FFFF", r"\x{10000}-\x{10ffff}"),
    ];
    let mut rest = CLASSES.iter().fold(java.to_owned(), |text, (from, to)| text.replace(from, to));
    let mut out = String::with_capacity(rest.len());
    while let Some(at) = rest.find(r"\u") {
        let digits: String = rest[at + 2..].chars().take(4).collect();
        let _ = write!(out, r"{}\x{{{digits}}}", &rest[..at]);
        rest = rest.split_off((at + 2 + digits.len()).min(rest.len()));
    }
    out + &rest
}

#[cfg(test)]
mod tests {
    use super::super::{DATA, find};
    use super::Pattern;

    #[test]
    fn patterns_match_the_whole_text() {
        let pattern = Pattern::from(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*".to_owned());
        assert!(pattern.matches("aws:Ünïcode /x") && !pattern.matches("a\nb") && !pattern.matches("a#b"));
        let pattern = Pattern::from(r"[\u0009\u0020-\u007E]+".to_owned());
        assert!(pattern.matches("a\tb~") && !pattern.matches("é") && !pattern.matches(""));
    }

    #[test]
    fn only_patterns_with_look_ahead_are_not_supported() {
        let mut unsupported = Vec::new();
        for (service, _) in DATA {
            for (name, shape) in &find(service).expect("it has a model").shapes {
                if shape.limits.pattern.as_ref().is_some_and(|pattern| pattern.regex().is_none()) {
                    unsupported.push(name.as_str());
                }
            }
        }
        unsupported.sort_unstable();
        // The services check these names themselves.
        assert_eq!(
            unsupported,
            ["AlarmName", "NamespaceNameHttp", "NamespaceNamePrivate", "ScheduledActionName", "ServiceName"]
        );
    }
}
