//! Parses the times and durations of command-line arguments. The clock is a parameter.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// Parses `30s`, `5m`, `2h30m`, `1d`, `2 weeks ago`, `yesterday`, `today 09:00`, `2026-01-01`, `2026-01-01T12:00` (in `zone`) or `2026-01-01T12:00:00Z`.
///
/// A duration is subtracted from `now`.
///
/// # Errors
/// A message with the accepted formats.
pub(crate) fn parse_time(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
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
    if let Some(time) = on_day(text, now, zone) {
        return Ok(time);
    }
    let duration = text.strip_suffix("ago").map_or(text, str::trim_end);
    let span: Span = duration.parse().map_err(|_| not_a_time(text))?;
    let time = now.to_zoned(zone.clone()).checked_sub(span.abs()).map_err(|_| not_a_time(text))?;
    Ok(time.timestamp())
}

/// `today`, `yesterday 09:00`: without a time, the beginning of the day.
fn on_day(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let (day, time) = text.split_once(' ').unwrap_or((text, "00:00"));
    let today = now.to_zoned(zone.clone()).date();
    let date = match day {
        "today" => today,
        "yesterday" => today.yesterday().ok()?,
        _ => return None,
    };
    let time: jiff::civil::Time = time.trim().parse().ok()?;
    Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp())
}

fn not_a_time(text: &str) -> String {
    format!(
        "`{text}` is not a time: write 30s, 5m, 2h30m, 1d, 1w, 5 minutes ago, yesterday, today 09:00, 2026-01-01, 2026-01-01T12:00 or \
         2026-01-01T12:00:00Z"
    )
}

/// Parses a positive duration such as `30s`, `5m` or `1h30m`.
///
/// # Errors
/// A message with the accepted formats.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("`{text}` is not a duration: write 30s, 5m or 1h30m");
    let duration: SignedDuration = text.trim().parse().map_err(|_| invalid())?;
    Duration::try_from(duration).ok().filter(|duration| !duration.is_zero()).ok_or_else(invalid)
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
    fn durations_are_subtracted_from_now() {
        for (text, expected) in [
            ("30s", "2026-03-31T11:59:30Z"),
            ("5m", "2026-03-31T11:55:00Z"),
            ("2h30m", "2026-03-31T09:30:00Z"),
            ("1d", "2026-03-30T12:00:00Z"),
            ("2 weeks ago", "2026-03-17T12:00:00Z"),
            ("5months", "2025-10-31T12:00:00Z"),
            ("1w", "2026-03-24T12:00:00Z"),
            ("5 minutes ago", "2026-03-31T11:55:00Z"),
            ("yesterday", "2026-03-30T00:00:00Z"),
            ("today 09:00", "2026-03-31T09:00:00Z"),
            ("yesterday 23:30:15", "2026-03-30T23:30:15Z"),
            ("now", NOW),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_duration_is_positive_and_has_a_unit() {
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(parse_duration("45s"), Ok(Duration::from_secs(45)));
        for text in ["", "5", "0s", "-5m", "1d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn dates_are_in_the_given_zone() {
        assert_eq!(parse("2026-01-01").as_deref(), Ok("2026-01-01T00:00:00Z"));
        assert_eq!(parse("2026-01-01T12:30").as_deref(), Ok("2026-01-01T12:30:00Z"));
        assert_eq!(parse("2026-01-01T12:30:00+02:00").as_deref(), Ok("2026-01-01T10:30:00Z"));
    }

    #[test]
    fn other_formats_are_rejected() {
        for text in ["", "tomorrow", "today 25:00", "5", "12:00", "5x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
