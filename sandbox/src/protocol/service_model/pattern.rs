//! The regular expressions of the service models.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::base::java_regex::JavaRegex;

/// Longer values are not checked: templates and documents have patterns that accept everything.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// A regular expression that has to match the whole of a value, compiled when it is first needed.
#[derive(Debug, Deserialize)]
#[serde(from = "String")]
pub(super) struct Pattern {
    text: String,
    compiled: OnceLock<Option<JavaRegex>>,
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }
}

impl Pattern {
    /// Whether the whole of `value` matches.
    pub(super) fn matches(&self, value: &str) -> bool {
        value.len() > MAX_VALUE_BYTES || self.regex().is_none_or(|regex| regex.is_match(value))
    }

    fn regex(&self) -> Option<&JavaRegex> {
        self.compiled.get_or_init(|| JavaRegex::anchored(&self.text)).as_ref()
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DATA, find};

    #[test]
    fn all_patterns_of_the_models_are_valid() {
        for (service, _) in DATA {
            for (name, shape) in &find(service).expect("it has a model").shapes {
                let pattern = shape.limits.pattern.as_ref();
                assert!(pattern.is_none_or(|pattern| pattern.regex().is_some()), "{service} {name}");
            }
        }
    }
}
