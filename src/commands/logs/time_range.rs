//! The time range that is read.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::args::ReadArgs;
use crate::time_args::parse_time;

const DEFAULT_START: &str = "10m";
/// How far back the last events are looked for.
const DEFAULT_TAIL_START: &str = "1w";

/// Resolves the time range. The end defaults to now, so that reading a busy group ends; the start, to some time before the end.
pub(super) fn time_range(args: &ReadArgs, now: Timestamp, zone: &TimeZone) -> Result<(Timestamp, Timestamp), String> {
    let until = args.end.as_deref().map_or(Ok(now), |end| parse_time(end, now, zone))?;
    let Some(start) = &args.start else {
        let default = if args.tail.is_some() { DEFAULT_TAIL_START } else { DEFAULT_START };
        return Ok((parse_time(default, until, zone)?, until));
    };
    let from = parse_time(start, now, zone)?;
    match &args.end {
        Some(end) if until < from => Err(format!("--end {end} is before --start {start}")),
        _ => Ok((from, until.max(from))),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::*;

    #[test]
    fn the_end_defaults_to_now_and_the_start_to_a_time_before_the_end() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let range = |arguments: &str| {
            let words = ["logs"].into_iter().chain(arguments.split_whitespace());
            let matches = ReadArgs::augment_args(Command::new("logs")).get_matches_from(words);
            let args = ReadArgs::from_arg_matches(&matches).expect("arguments");
            let (from, until) = time_range(&args, now, &TimeZone::UTC)?;
            Ok((now.duration_since(from).as_secs(), now.duration_since(until).as_secs()))
        };
        assert_eq!(range(""), Ok((600, 0)));
        assert_eq!(range("-n 5"), Ok((7 * 24 * 3600, 0)));
        assert_eq!(range("--start 5m"), Ok((300, 0)));
        assert_eq!(range("--start 10m --end 5m"), Ok((600, 300)));
        assert_eq!(range("--end 1h"), Ok((4200, 3600)));
        assert_eq!(range("--start 5m --end 10m"), Err("--end 10m is before --start 5m".to_owned()));
    }
}
