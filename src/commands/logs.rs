//! `ecsws logs`: a service's log events, and the groups and streams that hold them.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::choose::choose_service;
use super::json_help;
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::model::LogQuery;
use crate::ops::{self, LogSource, Tail, TailOptions};
use crate::render;
use crate::time_args::parse_time;

const EXAMPLES: &str = "Examples:
  ecsws logs                          the last five minutes
  ecsws logs --watch                  and new events as they arrive
  ecsws logs api --start 2h --filter ERROR
  ecsws logs groups /ecs";

/// Show a service's log events
///
/// --start and --end take a duration before now (30s, 5m, 2h, 1d) or a date (2026-01-01, 2026-01-01T12:00, 2026-01-01T12:00:00Z).
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", json_help::LOGS)
)]
pub(super) struct LogsArgs {
    #[command(subcommand)]
    sub: Option<LogsCommand>,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Subcommand)]
enum LogsCommand {
    /// Follow a service's log events: the same as `logs --watch`
    Tail(ReadArgs),
    /// List log groups
    Groups {
        /// Only groups whose names start with this
        prefix: Option<String>,
    },
    /// List the log streams of a service: one for each container of each task
    Streams {
        /// Service, by its key in ecsws.toml
        #[arg(add = complete::services())]
        service: Option<String>,
    },
}

#[derive(Debug, Args)]
struct ReadArgs {
    /// Service, by its key in ecsws.toml
    #[arg(add = complete::services())]
    service: Option<String>,
    /// Start at this time
    #[arg(short, long, value_name = "TIME", default_value = "5m", allow_hyphen_values = true)]
    start: String,
    /// Stop at this time [default: now]
    #[arg(short, long, value_name = "TIME", conflicts_with = "watch", allow_hyphen_values = true)]
    end: Option<String>,
    /// Keep printing new events until Ctrl-C
    #[arg(short, long)]
    watch: bool,
    /// Only events that match this CloudWatch filter pattern
    #[arg(short, long, value_name = "PATTERN")]
    filter: Option<String>,
}

pub(super) async fn run(args: LogsArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    match args.sub {
        None => print_log_events(args.read, ctx).await,
        Some(LogsCommand::Tail(read_args)) => print_log_events(ReadArgs { watch: true, ..read_args }, ctx).await,
        Some(LogsCommand::Groups { prefix }) => groups(prefix.as_deref(), ctx).await,
        Some(LogsCommand::Streams { service }) => streams(service.as_deref(), ctx).await,
    }
}

async fn print_log_events(args: ReadArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let ReadArgs { service, start, end, watch, filter } = args;
    if watch && end.is_some() {
        return Err(CliError::usage("--end cannot be used with --watch"));
    }
    let zone = TimeZone::system();
    let (from, until) = resolve_time_range(&start, end.as_deref(), Context::now(), &zone).map_err(CliError::usage)?;
    let project = ctx.project()?;
    let service = choose_service(&project, service.as_deref(), &mut ctx.ui).await?;
    let aws = ctx.aws(Some(&project)).await?;
    let source = LogSource::locate(&aws, &service.spec.stack, &service.spec.logs.prefix, watch).await?;
    let query = LogQuery {
        group: source.group,
        stream_prefix: Some(source.stream_prefix),
        start: Some(from),
        end: Some(until).filter(|_| !watch),
        pattern: filter,
    };
    let tail = Tail::new(&aws, TailOptions { query, watch, now: Context::now });
    let printed = tokio::select! {
        printed = print_events(tail, &zone, ctx) => printed?,
        () = render::stdout_closed() => return Ok(Exit::Done),
    };
    if printed == 0 && !watch {
        let since = from.to_zoned(zone).strftime("%F %T");
        ctx.ui.note(&format!("no events since {since}; use an earlier --start to see older events"));
    }
    Ok(Exit::Done)
}

/// Resolves the time range. The end defaults to now, so that reading a busy group terminates.
fn resolve_time_range(
    start: &str,
    end: Option<&str>,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<(Timestamp, Timestamp), String> {
    let from = parse_time(start, now, zone)?;
    let Some(end) = end else { return Ok((from, now.max(from))) };
    let until = parse_time(end, now, zone)?;
    if until < from {
        return Err(format!("--end {end} is before --start {start}"));
    }
    Ok((from, until))
}

/// Prints events until the tail ends or stdout is closed. Returns how many.
async fn print_events(mut tail: Tail<'_>, zone: &TimeZone, ctx: &mut Context) -> Result<usize, CliError> {
    let mut printed = 0;
    while let Some(events) = tail.next_events().await? {
        printed += events.len();
        render::log_events(&mut ctx.ui, &events, zone)?;
        if !ctx.ui.can_write() {
            break;
        }
    }
    Ok(printed)
}

async fn groups(prefix: Option<&str>, ctx: &mut Context) -> Result<Exit, CliError> {
    let project = ctx.project_if_any()?;
    let aws = ctx.aws(project.as_ref()).await?;
    render::log_groups(&mut ctx.ui, &ops::log_groups(&aws, prefix).await?)?;
    Ok(Exit::Done)
}

async fn streams(service: Option<&str>, ctx: &mut Context) -> Result<Exit, CliError> {
    let project = ctx.project()?;
    let service = choose_service(&project, service, &mut ctx.ui).await?;
    let aws = ctx.aws(Some(&project)).await?;
    let source = LogSource::locate(&aws, &service.spec.stack, &service.spec.logs.prefix, false).await?;
    render::log_streams(&mut ctx.ui, &source.streams(&aws).await?)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_defaults_to_now() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let resolve_time_range = |start, end| resolve_time_range(start, end, now, &TimeZone::UTC);
        let earlier: Timestamp = "2026-01-02T02:59:05Z".parse().expect("a time");
        assert_eq!(resolve_time_range("5m", None), Ok((earlier, now)));
        assert_eq!(resolve_time_range("10m", Some("5m")).map(|(_, until)| until), Ok(earlier));
        assert_eq!(resolve_time_range("5m", Some("10m")), Err("--end 10m is before --start 5m".to_owned()));
    }
}
