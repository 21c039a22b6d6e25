//! The errors of inputs that cannot be deserialized, in words that name no types of this program.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::base::lower_first;

/// Why an input cannot be deserialized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputError {
    /// A required member is missing.
    Missing(&'static str),
    /// The input's type has no such member, and refuses unknown ones.
    Unknown(String),
    /// A number does not fit the member's type.
    OutOfRange {
        /// The names on the way to the member, the innermost first.
        path: Vec<String>,
        value: i128,
        /// The end of AWS's message.
        constraint: String,
    },
    /// Any other error, as a message.
    Other(String),
}

impl fmt::Display for InputError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(member) => write!(formatter, "{member} is missing"),
            Self::Unknown(member) => write!(formatter, "{member} is not known"),
            Self::OutOfRange { path, value, constraint } => {
                let path = path.iter().rev().map(|name| lower_first(name)).collect::<Vec<_>>().join(".");
                write!(formatter, "Value '{value}' at '{path}' failed to satisfy constraint: {constraint}")
            }
            Self::Other(text) => formatter.write_str(text),
        }
    }
}

impl std::error::Error for InputError {}

// Serde's own sentences name types of this program.
impl de::Error for InputError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, _expected: &dyn Expected) -> Self {
        Self::Other(format!("{} is not of the expected type", display(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, _expected: &dyn Expected) -> Self {
        Self::Other(format!("{} is out of the expected range", display(unexpected)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::Other(format!("'{variant}' is not one of [{}]", expected.join(", ")))
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        Self::Unknown(field.to_owned())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// A value as its client wrote it, as far as serde keeps it.
fn display(value: Unexpected<'_>) -> String {
    match value {
        Unexpected::Bool(flag) => format!("'{flag}'"),
        Unexpected::Unsigned(number) => format!("'{number}'"),
        Unexpected::Signed(number) => format!("'{number}'"),
        Unexpected::Float(number) => format!("'{number}'"),
        Unexpected::Str(text) => format!("'{text}'"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        _ => "a value".to_owned(),
    }
}

impl InputError {
    /// A number that is not between `min` and `max`, with AWS's message.
    pub(super) fn out_of_range(value: i128, min: i128, max: i128) -> Self {
        let constraint = if value < min {
            format!("Member must have value greater than or equal to {min}")
        } else {
            format!("Member must have value less than or equal to {max}")
        };
        Self::OutOfRange { path: Vec::new(), value, constraint }
    }

    /// Adds the member of the enclosing structure to the path of an out-of-range error.
    pub(super) fn within(mut self, member: &str) -> Self {
        if let Self::OutOfRange { path, .. } = &mut self {
            path.push(member.to_owned());
        }
        self
    }
}
