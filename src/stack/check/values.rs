//! Types of values: strings, numbers, durations, lists, choices.

use jiff::SignedDuration;
use toml::de::DeValue;

use crate::diagnostic::Diagnostic;
use crate::stack::reader::{Invalid, Validated, join_words, type_name};

/// The text as a TOML string.
pub(crate) fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn wrong_type(expected: &str, value: &DeValue<'_>) -> Diagnostic {
    let hint = match (expected, value) {
        ("a string", DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_)) => "write it in quotes",
        ("a list", _) => "write it in brackets: [\"…\"]",
        (_, DeValue::String(_)) => "write it without quotes",
        _ => "see the file that `init` creates for an example",
    };
    Diagnostic::new(format!("must be {expected}, not {}", type_name(value))).hint(hint)
}

/// Any string.
pub(crate) fn string(value: &DeValue<'_>) -> Validated<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| wrong_type("a string", value))
}

/// A string that is not empty.
pub(crate) fn non_empty(value: &DeValue<'_>) -> Validated<String> {
    string(value).and_then(|text| {
        if text.is_empty() {
            Err(Diagnostic::new("is empty").hint("give it a value, or remove the key"))
        } else {
            Ok(text)
        }
    })
}

/// `true` or `false`.
pub(crate) fn boolean(value: &DeValue<'_>) -> Validated<bool> {
    value.as_bool().ok_or_else(|| wrong_type("true or false", value))
}

/// An integer within `range`. `what` names the value in messages, with its article.
pub(crate) fn integer(what: &str, range: std::ops::RangeInclusive<u32>) -> impl Fn(&DeValue<'_>) -> Validated<u32> {
    move |value| {
        let number = value.as_integer().ok_or_else(|| wrong_type("a whole number", value))?;
        u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|number| range.contains(number)).ok_or_else(
            || Diagnostic::new(format!("is {number}")).hint(format!("{what} is {} to {}", range.start(), range.end())),
        )
    }
}

/// A target utilisation: a number above 0 and at most 100.
pub(crate) fn percentage(value: &DeValue<'_>) -> Validated<serde_json::Number> {
    let written = match value {
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(serde_json::Number::from)
        }
        DeValue::Float(number) => number.as_str().parse().ok().and_then(to_json_number),
        _ => return Err(wrong_type("a number", value)),
    };
    written
        .filter(|number| number.as_f64().is_some_and(|number| number > 0.0 && number <= 100.0))
        .ok_or_else(|| Diagnostic::new("is out of range").hint("a target is above 0 and at most 100 percent"))
}

/// The number as JavaScript writes it: `50.0` becomes `50`.
fn to_json_number(number: f64) -> Option<serde_json::Number> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only numbers without a fraction, and only up to 100, are kept"
    )]
    if number.fract() == 0.0 && number.abs() <= 100.0 {
        return Some((number as i64).into());
    }
    serde_json::Number::from_f64(number)
}

/// A duration such as `30s`, `5m` or `1m30s`, in seconds within `range`.
pub(crate) fn duration(what: &str, range: std::ops::RangeInclusive<u32>) -> impl Fn(&DeValue<'_>) -> Validated<u32> {
    move |value| {
        let DeValue::String(text) = value else { return Err(wrong_type("a duration like \"30s\"", value)) };
        let seconds = seconds(text).ok_or_else(|| {
            Diagnostic::new(format!("is {}, which is not a duration", quoted(text)))
                .hint("write a whole number and a unit, s, m or h: \"30s\", \"5m\"")
        })?;
        if range.contains(&seconds) {
            return Ok(seconds);
        }
        let hint = format!("{what} is {} to {} seconds", range.start(), range.end());
        Err(Diagnostic::new(format!("is {}", quoted(text))).hint(hint))
    }
}

fn seconds(text: &str) -> Option<u32> {
    let duration: SignedDuration = text.parse().ok()?;
    u32::try_from(duration.as_secs()).ok().filter(|_| duration.subsec_nanos() == 0)
}

/// A list of at least one item that `rule` accepts.
pub(crate) fn list<T>(rule: impl Fn(&DeValue<'_>) -> Validated<T>) -> impl Fn(&DeValue<'_>) -> Result<Vec<T>, Invalid> {
    move |value| {
        let items = value.as_array().ok_or_else(|| wrong_type("a list", value))?;
        if items.is_empty() {
            return Err(Diagnostic::new("is an empty list").hint("add an item, or remove the key").into());
        }
        let (mut valid, mut invalid) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            match rule(item.get_ref()) {
                Ok(item) => valid.push(item),
                Err(diagnostic) => invalid.push((index, diagnostic)),
            }
        }
        if invalid.is_empty() { Ok(valid) } else { Err(Invalid::items(invalid)) }
    }
}

/// As [`list`], without duplicates.
pub(crate) fn unique_list<T: PartialEq + std::fmt::Display>(
    rule: impl Fn(&DeValue<'_>) -> Validated<T>,
) -> impl Fn(&DeValue<'_>) -> Result<Vec<T>, Invalid> {
    let rule = list(rule);
    move |value| {
        let items = rule(value)?;
        match items.iter().enumerate().find(|(index, item)| items[..*index].contains(item)) {
            Some((index, duplicate)) => {
                let message = format!("is {duplicate}, which is already in the list");
                Err(Invalid::item(index, Diagnostic::new(message).hint("remove one of them")))
            }
            None => Ok(items),
        }
    }
}

/// A string from a table, converted to its value.
pub(crate) fn one_of<T: Copy>(choices: &'static [(&'static str, T)]) -> impl Fn(&DeValue<'_>) -> Validated<T> {
    move |value| {
        let word = string(value)?;
        choices.iter().find(|(name, _)| *name == word).map(|(_, choice)| *choice).ok_or_else(|| {
            let hint = format!("write {}", join_words(choices.iter().map(|(name, _)| quoted(name)), "or"));
            Diagnostic::new(format!("is {}", quoted(&word))).hint(hint)
        })
    }
}
