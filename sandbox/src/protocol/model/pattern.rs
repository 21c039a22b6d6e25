//! The models' regular expressions, which are Java's, in the engine that we have, which is linear in time.

use std::fmt::Write as _;
use std::sync::OnceLock;

use regex_lite::Regex;

use super::Pattern;

/// Longer texts are not held against a pattern: templates and documents have patterns that let everything through.
const LONGEST: usize = 8 * 1024;

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }
}

impl Pattern {
    /// Whether the whole of `text` fits; a pattern that our engine has no words for lets everything through.
    pub fn fits(&self, text: &str) -> bool {
        text.len() > LONGEST || self.regex().is_none_or(|regex| regex.is_match(text))
    }

    pub(super) fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| Regex::new(&format!("^(?:{})$", translated(&self.text))).ok()).as_ref()
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Java's `\uXXXX` counts UTF-16; its Unicode classes are taken as: ASCII as they say, every other character fits.
fn translated(java: &str) -> String {
    const CLASSES: &[(&str, &str)] = &[
        (r"\p{L}", r"A-Za-z\x{80}-\x{10ffff}"),
        (r"\p{Z}", " "),
        (r"\p{N}", "0-9"),
        (r"\p{Print}", r"[\x20-\x7e]"),
        // A supplementary range that is written as two surrogates, or with five digits.
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
    use super::super::{DATA, of};
    use super::Pattern;

    #[test]
    fn patterns_are_of_the_whole_text() {
        let pattern = Pattern::from(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*".to_owned());
        assert!(pattern.fits("aws:Ünïcode /x") && !pattern.fits("a\nb") && !pattern.fits("a#b"));
        let pattern = Pattern::from(r"[\u0009\u0020-\u007E]+".to_owned());
        assert!(pattern.fits("a\tb~") && !pattern.fits("é") && !pattern.fits(""));
    }

    #[test]
    fn few_patterns_are_beyond_our_engine() {
        let mut beyond = Vec::new();
        for (service, _) in DATA {
            for (name, shape) in &of(service).expect("it has a model").shapes {
                if shape.limits.pattern.as_ref().is_some_and(|pattern| pattern.regex().is_none()) {
                    beyond.push(name.as_str());
                }
            }
        }
        beyond.sort_unstable();
        // All of them look ahead; the services have checks of their own for these names.
        assert_eq!(
            beyond,
            ["AlarmName", "NamespaceNameHttp", "NamespaceNamePrivate", "ScheduledActionName", "ServiceName"]
        );
    }
}
