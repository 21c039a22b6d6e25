//! Names, by the characters and the length that AWS accepts.

use toml::de::DeValue;

use super::{quoted, text};
use crate::stack::diagnostic::Finding;
use crate::stack::reader::Validated;

/// The characters and length that AWS accepts for one kind of name.
pub struct Pattern {
    /// The name's kind with its article, for messages.
    what: &'static str,
    /// What it is made of, in words.
    made_of: &'static str,
    /// Accepted punctuation, besides letters and digits.
    punctuation: &'static str,
    /// What the first character may be.
    first: First,
    /// Longest accepted, in characters.
    longest: usize,
}

enum First {
    Any,
    Letter,
}

macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident = $what:literal, $made_of:literal, $punctuation:literal, $first:ident, $longest:literal;)*) => {
        $($(#[$doc])* pub const $name: Pattern =
            Pattern { what: $what, made_of: $made_of, punctuation: $punctuation, first: First::$first, longest: $longest };)*
    };
}

patterns! {
    /// CloudFormation's rule.
    STACK_NAME = "a stack name", "letters, digits and hyphens", "-", Letter, 128;
    /// Ours: a key is a word on the command line.
    SERVICE_KEY = "a service key", "letters, digits, hyphens and underscores", "-_", Any, 100;
    /// ECS.
    SERVICE_NAME = "a service name", "letters, digits, hyphens and underscores", "-_", Any, 255;
    /// ECS.
    CLUSTER_NAME = "a cluster name", "letters, digits, hyphens and underscores", "-_", Any, 255;
    /// ECS.
    CONTAINER_NAME = "a container name", "letters, digits, hyphens and underscores", "-_", Any, 255;
    /// ECS.
    IMAGE = "an image", "letters, digits and . _ - : / @ #", "._-:/@#", Any, 255;
    /// Cloud Map; the labels are checked apart.
    DISCOVERY_NAME = "a Cloud Map service name", "letters, digits, hyphens, underscores and dots", "-_.", Any, 127;
    /// Cloud Map; the labels are checked apart.
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
    pub fn check(&self, text: &str) -> Validated<()> {
        let Self { what, made_of, punctuation, first, longest } = self;
        let hint = match first {
            First::Any => format!("{what} is made of {made_of}"),
            First::Letter => format!("{what} is made of {made_of}, and starts with a letter"),
        };
        let allowed = |letter: char| letter.is_alphanumeric() || punctuation.contains(letter);
        let well_begun = matches!(first, First::Any) || text.starts_with(|letter: char| letter.is_ascii_alphabetic());
        let ascii = text.is_ascii() || punctuation.contains(' ');
        match () {
            () if text.is_empty() => Err(Finding::new("is empty").hint(hint)),
            () if text.chars().count() > *longest => {
                Err(Finding::new(format!("is {} characters long", text.chars().count()))
                    .hint(format!("{what} is at most {longest} characters long")))
            }
            () if !ascii || !well_begun || !text.chars().all(allowed) => {
                Err(Finding::new(format!("is {}, which is not {what}", quoted(text))).hint(hint))
            }
            () => Ok(()),
        }
    }

    /// A rule for strings of this pattern.
    pub fn rule(&self, value: &DeValue<'_>) -> Validated<String> {
        let text = text(value)?;
        self.check(&text)?;
        Ok(text)
    }
}

/// An image's name; a URL is none, although it is made of the same characters.
pub fn image(value: &DeValue<'_>) -> Validated<String> {
    let image = IMAGE.rule(value)?;
    match image.split_once("://") {
        None => Ok(image),
        Some((_, rest)) => Err(Finding::new(format!("is {}, which is a URL", quoted(&image)))
            .hint(format!("an image has no scheme: {}", quoted(rest)))),
    }
}

/// Whether every label of a dotted name is one that Cloud Map accepts.
pub fn is_dns_name(name: &str) -> bool {
    name.split('.').all(|label| {
        let inner = label.trim_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        (1..=63).contains(&label.len()) && (inner.is_empty() || !label.starts_with('-') && !label.ends_with('-'))
    })
}

/// The mistake of a name that is none.
pub fn not_a_dns_name(name: &str) -> Finding {
    Finding::new(format!("is {}, which is not a DNS name", quoted(name)))
        .hint("between the dots stand 1 to 63 letters, digits, underscores and hyphens, no hyphen at an end")
}
