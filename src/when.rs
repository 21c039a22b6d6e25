//! Points in time as users write them. The clock is a parameter.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// Reads `30s`, `5m`, `2h30m`, `1d`, `2 weeks ago`, `2026-01-01`, `2026-01-01T12:00` (in `zone`) or `2026-01-01T12:00:00Z`.
///
/// A length of time means so long before `now`.
///
/// # Errors
/// A sentence that says what is accepted.
pub fn parse_time(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let text = text.trim();
    if text == "now" {
        return Ok(now);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp);
    }
    if let Ok(civil) = text.parse::<jiff::civil::DateTime>() {
        return civil.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|error| error.to_string());
    }
    let length = text.strip_suffix("ago").map_or(text, str::trim_end);
    let span: Span = length.parse().map_err(|_| not_a_time(text))?;
    let back = now.to_zoned(zone.clone()).checked_sub(span.abs()).map_err(|_| not_a_time(text))?;
    Ok(back.timestamp())
}

fn not_a_time(text: &str) -> String {
    format!("`{text}` is not a time: write 30s, 5m, 2h, 1d, 2026-01-01, 2026-01-01T12:00 or 2026-01-01T12:00:00Z")
}

/// Reads a length of time such as `30s`, `5m` or `1h30m`.
///
/// # Errors
/// A sentence that says what is accepted.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a length of time: write 30s, 5m or 1h30m");
    let length: SignedDuration = text.trim().parse().map_err(|_| wrong())?;
    Duration::try_from(length).ok().filter(|length| !length.is_zero()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-03-31T12:00:00Z";

    fn parse(text: &str) -> Result<String, String> {
        let now = NOW.parse().map_err(|error: jiff::Error| error.to_string())?;
        parse_time(text, now, &TimeZone::UTC).map(|timestamp| timestamp.to_string())
    }

    #[test]
    fn lengths_of_time_count_back_from_now() {
        for (text, expected) in [
            ("30s", "2026-03-31T11:59:30Z"),
            ("5m", "2026-03-31T11:55:00Z"),
            ("2h30m", "2026-03-31T09:30:00Z"),
            ("1d", "2026-03-30T12:00:00Z"),
            ("2 weeks ago", "2026-03-17T12:00:00Z"),
            ("5months", "2025-10-31T12:00:00Z"),
            ("now", NOW),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_length_of_time_is_more_than_nothing() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(duration("45s"), Ok(Duration::from_secs(45)));
        for text in ["", "5", "0s", "-5m", "1d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn dates_are_in_the_given_zone() {
        assert_eq!(parse("2026-01-01").as_deref(), Ok("2026-01-01T00:00:00Z"));
        assert_eq!(parse("2026-01-01T12:30").as_deref(), Ok("2026-01-01T12:30:00Z"));
        assert_eq!(parse("2026-01-01T12:30:00+02:00").as_deref(), Ok("2026-01-01T10:30:00Z"));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "yesterday", "5", "12:00", "5x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
