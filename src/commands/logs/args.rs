//! The arguments of reading log events.

use clap::Args;

use super::json_query::JsonQuery;
use super::selection::regex;
use crate::complete;

/// Which log groups to read.
#[derive(Debug, Default, Args)]
pub(super) struct TargetArgs {
    /// Service, by its key in ecsws.toml [default: all]
    #[arg(add = complete::services())]
    pub service: Vec<String>,
    /// Only this container of the services
    #[arg(long, value_name = "NAME")]
    pub container: Option<String>,
    /// Read this log group, by its name or ARN, instead of a service's; repeatable
    #[arg(long, value_name = "NAME", conflicts_with_all = ["service", "container"])]
    pub group: Vec<String>,
    /// Read all log groups whose names start with this
    #[arg(long, value_name = "PREFIX", conflicts_with_all = ["service", "container"])]
    pub group_prefix: Option<String>,
}

/// What to read and how to print it.
#[derive(Debug, Args)]
pub(super) struct ReadArgs {
    #[command(flatten)]
    pub targets: TargetArgs,
    /// Start at this time [default: 10m before the end; with -n: 1w]
    #[arg(short, long, value_name = "TIME", allow_hyphen_values = true)]
    pub start: Option<String>,
    /// Stop at this time [default: now]
    #[arg(short, long, value_name = "TIME", allow_hyphen_values = true)]
    pub end: Option<String>,
    /// Only the last N events
    #[arg(short = 'n', long, value_name = "N")]
    pub tail: Option<usize>,
    /// Only events that match this CloudWatch filter pattern
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// Only events that match; repeatable: all must match
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true, value_parser = regex)]
    pub grep: Vec<regex::Regex>,
    /// Exclude events that match; repeatable
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true, value_parser = regex)]
    pub exclude: Vec<regex::Regex>,
    /// Only events of this task, by its id or the beginning of it
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// Only events of log streams whose names match
    #[arg(long, value_name = "REGEX", value_parser = regex)]
    pub stream: Option<regex::Regex>,
    /// Show the result of this JMESPath expression for each message that is JSON; leave out other messages, and results that are
    /// null, false or empty
    #[arg(long, value_name = "JMESPATH", allow_hyphen_values = true, value_parser = JsonQuery::parse)]
    pub query: Option<JsonQuery>,
    /// Show the last 3 tasks of each service that stopped within an hour: reason, exit codes and last 50 lines, or -n
    #[arg(long, conflicts_with_all = ["start", "end", "group", "group_prefix", "filter", "max_rps"])]
    pub previous: bool,
    #[command(flatten)]
    pub watching: WatchArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    /// Requests per second, for all groups together; 0 is no limit [default: 5; with --watch: 3]
    #[arg(long, value_name = "N", value_parser = requests_per_second)]
    pub max_rps: Option<f64>,
}

/// Whether new events are printed, and until when.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct WatchArgs {
    /// Keep printing new events until Ctrl-C
    #[arg(short, long, short_alias = 'f', alias = "follow", conflicts_with_all = WATCH_CONFLICTS)]
    pub watch: bool,
    /// Watch until the deployments of the services are complete; exit with 1 if one fails
    #[arg(long, conflicts_with_all = ["until_stopped", "group", "group_prefix", "end", "previous"])]
    pub until_stable: bool,
    /// Watch until the tasks of the services have stopped, or the task of --task
    #[arg(long, conflicts_with_all = ["group", "group_prefix", "end", "previous"])]
    pub until_stopped: bool,
    /// Watch with CloudWatch Logs' Live Tail: events appear sooner, and AWS charges for each minute
    #[arg(long, conflicts_with_all = WATCH_CONFLICTS)]
    pub live: bool,
}

const WATCH_CONFLICTS: [&str; 2] = ["end", "previous"];

impl WatchArgs {
    /// Whether new events are printed.
    pub(super) fn is_watching(&self) -> bool {
        let Self { watch, until_stable, until_stopped, live } = *self;
        watch || until_stable || until_stopped || live
    }
}

/// What a line shows.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct OutputArgs {
    /// Print only the messages, exactly as they were written
    #[arg(long)]
    pub raw: bool,
    /// Let control characters and escape sequences reach the terminal
    #[arg(long)]
    pub raw_control: bool,
    /// Print the time of each event [default, except with --raw]
    #[arg(long, overrides_with = "no_timestamp")]
    pub timestamp: bool,
    /// Omit the time of each event
    #[arg(long)]
    pub no_timestamp: bool,
    /// Print when CloudWatch Logs received each event
    #[arg(long)]
    pub ingestion_time: bool,
    /// Omit the service or log group, which is printed if there are several
    #[arg(short = 'G', long)]
    pub no_group: bool,
    /// Omit the task or log stream
    #[arg(short = 'S', long)]
    pub no_stream: bool,
    /// Print times in UTC instead of local time
    #[arg(long)]
    pub utc: bool,
}

impl ReadArgs {
    /// Whether events may be left out.
    pub(super) fn has_conditions(&self) -> bool {
        let Self { filter, grep, exclude, task, stream, query, end, .. } = self;
        filter.is_some()
            || query.is_some()
            || !grep.is_empty()
            || !exclude.is_empty()
            || task.is_some()
            || stream.is_some()
            || end.is_some()
    }

    /// The same with `--watch`.
    pub(super) fn with_watch(mut self) -> Self {
        self.watching.watch = true;
        self
    }
}

fn requests_per_second(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| format!("`{text}` is not a number of requests per second, such as 5 or 0.5"))
}
