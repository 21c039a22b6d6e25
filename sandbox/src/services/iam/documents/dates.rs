//! The dates in conditions, as IAM reads them: seconds since 1970, or a form of ISO 8601 that may end early.

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::Value;

static ISO: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let date = r"(?<year>-?\d{1,9})(?:-(?<month>\d{1,2})(?:-(?<day>\d{1,2}))?)?";
    let zone = r"(?:[zZ]|\+(?<zone_hour>\d{2})(?::(?<zone_minute>\d{2}))?)?";
    let time = format!(r"(?<hour>\d{{1,2}})(?::(?<minute>\d{{1,2}})(?::(?<second>\d{{1,2}})(?:\.\d{{1,9}})?{zone})?)?");
    Regex::new(&format!("^{date}(?:[tT](?:{time})?)?$")).ok()
});

/// The years are those that Java's clock can tell in milliseconds.
const RANGES: &[(&str, RangeInclusive<i64>)] = &[
    ("year", -292_275_054..=292_278_993),
    ("month", 1..=12),
    ("day", 1..=31),
    ("hour", 0..=23),
    ("minute", 0..=59),
    ("second", 0..=59),
    ("zone_hour", 0..=23),
    ("zone_minute", 0..=59),
];

/// Whether a value of a condition is a date.
pub(super) fn is_date(value: &Value) -> bool {
    match value {
        Value::String(text) => is_seconds(text) || is_iso(text),
        Value::Number(number) => number.as_i64().is_some_and(|seconds| seconds >= 0),
        _ => false,
    }
}

fn is_seconds(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|seconds| seconds >= 0)
}

fn is_iso(text: &str) -> bool {
    let parts = ISO.as_ref().filter(|_| text.contains(['t', 'T', '-'])).and_then(|iso| iso.captures(text));
    let Some(parts) = parts else { return false };
    RANGES.iter().all(|(name, range)| {
        parts.name(name).is_none_or(|part| part.as_str().parse().is_ok_and(|number| range.contains(&number)))
    })
}

#[cfg(test)]
mod tests {
    use super::is_date;

    #[test]
    fn dates_may_end_early_and_have_to_exist() {
        for date in [
            "2017-07-01T00:00:00Z",
            "2016-12-13T21:20:37.593194+00:00",
            "2016-12-13t2:00:00.593194+23",
            "01T",
            "-292275054",
            "0",
            "9223372036854775807",
        ] {
            assert!(is_date(&date.into()), "{date}");
        }
        for no_date in [
            "sdfdsf",
            "",
            "234-13",
            "2016-12-13t2:00:00.593194+1",
            "2016-12-13t2:00:00.1999999999+10:59",
            "9223372036854775808",
        ] {
            assert!(!is_date(&no_date.into()), "{no_date}");
        }
    }
}
