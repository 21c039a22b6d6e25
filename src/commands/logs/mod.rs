//! `ecsws logs`: log events of services, and the groups and streams that hold them.

mod args;
mod json_query;
mod previous;
mod read;
mod selection;
mod sources;
mod time_range;
mod watch;

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;

use super::json_help;
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops::{self, AwsPages};
use crate::render;
use args::{ReadArgs, TargetArgs};
use selection::regex;

const EXAMPLES: &str = "Examples:
  ecsws logs                            the last ten minutes of all services
  ecsws logs api --watch                and new events as they arrive
  ecsws logs api --start 2h --grep ERROR
  ecsws logs api -n 100                 the last 100 events
  ecsws logs api --previous             why its last tasks stopped, and their last lines
  ecsws logs api --until-stable         until its deployment is complete
  ecsws logs --query \"level == 'error' && msg\"
  ecsws logs --group /aws/lambda/f      any log group, also without a project
  ecsws logs groups /ecs";

/// Show log events of services
///
/// Without a service, those of all services. --start and --end accept a duration before now (30s, 5m, 2h30m, 1d, 1w, '5 minutes ago'), 'yesterday', 'today 09:00', a date or time (2026-01-01, 2026-01-01T12:00) or an RFC 3339 time (2026-01-01T12:00:00Z).
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
    /// Follow log events: the same as `logs --watch`
    Tail(Box<ReadArgs>),
    /// List log groups
    Groups {
        /// Only groups whose names start with this
        prefix: Option<String>,
        /// Only groups whose names start with this, as an option
        #[arg(short = 'p', long = "prefix", value_name = "PREFIX", conflicts_with = "prefix")]
        prefix_option: Option<String>,
    },
    /// List log streams: of a service, one for each container of each task
    Streams {
        /// Service, by its key in ecsws.toml [default: all]
        #[arg(add = complete::services())]
        service: Vec<String>,
        /// The streams of this log group
        #[arg(long, value_name = "NAME", conflicts_with = "service")]
        group: Option<String>,
        /// Only streams whose names match
        #[arg(long, value_name = "REGEX", value_parser = regex)]
        stream: Option<regex::Regex>,
    },
}

pub(super) async fn run(args: LogsArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    match args.sub {
        None if args.read.previous => previous::run(&args.read, ctx).await,
        None => read::run(args.read, ctx).await,
        Some(LogsCommand::Tail(read_args)) => read::run(read_args.with_watch(), ctx).await,
        Some(LogsCommand::Groups { prefix, prefix_option }) => groups(prefix.or(prefix_option).as_deref(), ctx).await,
        Some(LogsCommand::Streams { service, group, stream }) => {
            let targets = TargetArgs { service, group: group.into_iter().collect(), ..TargetArgs::default() };
            streams(&targets, stream.as_ref(), ctx).await
        }
    }
}

async fn groups(prefix: Option<&str>, ctx: &mut Context) -> Result<Exit, CliError> {
    let project = ctx.project_if_any()?;
    let aws = ctx.aws(project.as_ref()).await?;
    render::log_groups(&mut ctx.ui, &ops::log_groups(&aws, prefix).await?)?;
    Ok(Exit::Done)
}

async fn streams(targets: &TargetArgs, name: Option<&regex::Regex>, ctx: &mut Context) -> Result<Exit, CliError> {
    let project = targets.project(ctx)?;
    let aws = ctx.aws(project.as_ref()).await?;
    let pages = AwsPages { aws, local_clock: Context::now };
    let groups = sources::find(targets, project.as_ref(), &pages, false).await?;
    let mut shown = Vec::new();
    for group in groups {
        for source in group.sources() {
            let streams = source.streams(&pages.aws).await?.into_iter();
            shown.extend(streams.filter(|stream| name.is_none_or(|name| name.is_match(&stream.name))));
        }
    }
    render::log_streams(&mut ctx.ui, &shown, &TimeZone::system())?;
    Ok(Exit::Done)
}
