//! Regular expressions in requests: `AllowedPattern` of templates and of SSM parameters.
//!
//! They are Java's, with look-around and back references, so that matching may backtrack: both the work and the memory of
//! one match are bounded.

use fancy_regex::RegexBuilder;

/// Backtracking steps of a match: a few for each character of the longest value, which has 4,096. Each takes time proportional
/// to the size of the expression.
const MAX_STEPS: usize = 10_000;
/// The size of a compiled expression and of its automaton, in bytes.
const MAX_SIZE: usize = 1024 * 1024;

/// An expression that has to match a whole value.
pub struct AllowedPattern(fancy_regex::Regex);

impl AllowedPattern {
    /// Compiles an expression; `None` for one that is invalid or too large.
    pub fn new(pattern: &str) -> Option<Self> {
        let whole = format!(r"\A(?:{pattern})\z");
        let mut builder = RegexBuilder::new(&whole);
        builder.backtrack_limit(MAX_STEPS).delegate_size_limit(MAX_SIZE).delegate_dfa_size_limit(MAX_SIZE);
        builder.build().ok().map(Self)
    }

    /// Whether a value matches. One that takes too many steps does not.
    pub fn matches(&self, value: &str) -> bool {
        self.0.is_match(value).unwrap_or(false)
    }
}
