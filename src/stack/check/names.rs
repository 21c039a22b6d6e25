//! Names, by the characters and lengths that AWS accepts.

use toml::de::DeValue;

use super::{quoted, string};
use crate::diagnostic::Diagnostic;
use crate::stack::reader::Validated;

/// The characters and length that AWS accepts for one kind of name.
pub(crate) struct Pattern {
    /// The name's kind with its article, for messages.
    what: &'static str,
    /// The accepted characters, in words.
    characters: &'static str,
    /// Accepted punctuation, in addition to letters and digits.
    punctuation: &'static str,
    /// The accepted first characters.
    first: First,
    /// The maximum length in characters.
    max_length: usize,
}

enum First {
    Any,
    Letter,
}

macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident = $what:literal, $characters:literal, $punctuation:literal, $first:ident, $max_length:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: Pattern =
            Pattern { what: $what, characters: $characters, punctuation: $punctuation, first: First::$first, max_length: $max_length };)*
    };
}

patterns! {
    /// CloudFormation's rule.
    STACK_NAME = "a stack name", "letters, digits and hyphens", "-", Letter, 128;
    /// This tool's rule: a key is one word on the command line.
    SERVICE_KEY = "a service key", "letters, digits, hyphens and underscores", "-_", Any, 100;
    /// ECS.
    SERVICE_NAME = "a service name", "letters, digits, hyphens and underscores", "-_", Any, 255;
    /// ECS.
    CLUSTER_NAME = "a cluster name", "letters, digits, hyphens and underscores", "-_", Any, 255;
    /// ECS.
    CONTAINER_NAME = "a container name", "letters, digits, hyphens and underscores", "-_", Any, 255;
    /// ECS.
    IMAGE = "an image", "letters, digits and . _ - : / @ #", "._-:/@#", Any, 255;
    /// Cloud Map; [`is_dns_name`] checks the labels.
    DISCOVERY_NAME = "a Cloud Map service name", "letters, digits, hyphens, underscores and dots", "-_.", Any, 127;
    /// Cloud Map; [`is_dns_name`] checks the labels.
    NAMESPACE_NAME = "a namespace name", "letters, digits, hyphens, underscores and dots", "-_.", Any, 253;
    /// CloudFormation.
    EXPORT_NAME = "an export name", "letters, digits, colons and hyphens", ":-", Any, 255;
    /// CloudWatch Logs.
    LOG_GROUP_NAME = "a log group name", "letters, digits and . _ - / #", "._-/#", Any, 512;
    /// Secrets Manager.
    SECRET_NAME = "a secret's name", "letters, digits and / _ + = . @ -", "/_+=.@-", Any, 512;
    /// Systems Manager.
    PARAMETER_NAME = "a parameter's name", "letters, digits and . _ - /", "._-/", Any, 1011;
    /// Tags of every service.
    TAG_KEY = "a tag key", "letters, digits, spaces and _ . : / = + - @", " _.:/=+-@", Any, 128;
    /// Tags of every service.
    TAG_VALUE = "a tag value", "letters, digits, spaces and _ . : / = + - @", " _.:/=+-@", Any, 256;
}

impl Pattern {
    /// Whether `text` follows the pattern.
    pub(crate) fn check(&self, text: &str) -> Validated<()> {
        let Self { what, characters, punctuation, first, max_length } = self;
        let hint = match first {
            First::Any => format!("{what} may contain {characters}"),
            First::Letter => format!("{what} may contain {characters}, and starts with a letter"),
        };
        let allowed = |letter: char| letter.is_alphanumeric() || punctuation.contains(letter);
        let valid_start = matches!(first, First::Any) || text.starts_with(|letter: char| letter.is_ascii_alphabetic());
        let ascii = text.is_ascii() || punctuation.contains(' ');
        if text.is_empty() {
            return Err(Diagnostic::new("is empty").hint(hint));
        }
        let length = text.chars().count();
        if length > *max_length {
            return Err(Diagnostic::new(format!("is {length} characters long"))
                .hint(format!("{what} is at most {max_length} characters long")));
        }
        if !ascii || !valid_start || !text.chars().all(allowed) {
            return Err(Diagnostic::new(format!("is {}, which is not {what}", quoted(text))).hint(hint));
        }
        Ok(())
    }

    /// A rule for strings of this pattern.
    pub(crate) fn rule(&self, value: &DeValue<'_>) -> Validated<String> {
        let text = string(value)?;
        self.check(&text)?;
        Ok(text)
    }
}

/// An image reference. Rejects URLs, which consist of the same characters.
pub(crate) fn image(value: &DeValue<'_>) -> Validated<String> {
    let image = IMAGE.rule(value)?;
    match image.split_once("://") {
        None => Ok(image),
        Some((_, rest)) => Err(Diagnostic::new(format!("is {}, which is a URL", quoted(&image)))
            .hint(format!("an image has no scheme: {}", quoted(rest)))),
    }
}

/// Whether Cloud Map accepts every label of a dotted name.
pub(crate) fn is_dns_name(name: &str) -> bool {
    name.split('.').all(|label| {
        let inner = label.trim_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        (1..=63).contains(&label.len()) && (inner.is_empty() || !label.starts_with('-') && !label.ends_with('-'))
    })
}

/// The diagnostic about an invalid DNS name.
pub(crate) fn not_a_dns_name(name: &str) -> Diagnostic {
    Diagnostic::new(format!("is {}, which is not a DNS name", quoted(name)))
        .hint("each label has 1 to 63 letters, digits, underscores and hyphens, and no hyphen at either end")
}
