//! Amazon CloudWatch Logs: groups, streams and their events.

use crate::Fault;
use crate::base::paging::InvalidToken;
use crate::core::{AwsService, operation};
use crate::protocol::Protocol;
use crate::store::States;
use crate::store::table::state;

mod event_page;
pub(crate) mod events;
mod filter_log_events;
mod filter_pattern;
mod get_log_events;
mod groups;
mod list_log_groups;
mod live_tail;
pub(crate) mod log_writer;
mod page_token;
mod put_log_events;
mod rate_limits;
mod retention;
pub(crate) mod storage_quota;
mod streams;
mod tags;

pub(crate) use groups::LogGroup;
pub(crate) use live_tail::LiveTails;
pub(crate) use rate_limits::RATE_LIMITS;
pub(crate) use retention::delete_expired_events;
pub(crate) use streams::LogStream;

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: "logs",
    protocols: &[Protocol::Json11 { target_prefix: "Logs_20140328" }],
    validation_code: "InvalidParameterException",
    owner_only: false,
    input_hook: None,
    operations: &[
        operation!("CreateLogGroup" => groups::create),
        operation!("CreateLogStream" => streams::create),
        operation!("DeleteLogGroup" => groups::delete),
        operation!("DeleteLogStream" => streams::delete),
        operation!("DeleteRetentionPolicy" => retention::delete),
        operation!("DescribeLogGroups" => groups::describe),
        operation!("DescribeLogStreams" => streams::describe),
        operation!("FilterLogEvents" => filter_log_events::run),
        operation!("GetLogEvents" => get_log_events::run),
        operation!("ListLogGroups" => list_log_groups::run),
        operation!("ListTagsForResource" => tags::list),
        operation!("ListTagsLogGroup" => tags::list_of_group),
        operation!("PutLogEvents" => put_log_events::run),
        operation!("PutRetentionPolicy" => retention::put),
        operation!("StartLiveTail" => live_tail::start),
        operation!("TagLogGroup" => tags::add_to_group),
        operation!("TagResource" => tags::add),
        operation!("UntagLogGroup" => tags::remove_from_group),
        operation!("UntagResource" => tags::remove),
    ],
};

state! {
    /// The service's state, without events: these are in a table of their own, see [`events`].
    pub struct State {
        pub groups: Table<LogGroup> = "logs_groups",
        /// By [`stream_key`].
        pub streams: Table<LogStream> = "logs_streams",
    }
}

/// The key of a stream. Neither name can contain a colon.
pub(crate) fn stream_key(group: &str, stream: &str) -> String {
    format!("{group}:{stream}")
}

fn invalid_parameter(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterException", message)
}

fn not_found(kind: &str) -> Fault {
    Fault::not_found("ResourceNotFoundException", format!("The specified log {kind} does not exist."))
}

fn invalid_token(_: InvalidToken) -> Fault {
    invalid_parameter("The specified nextToken is invalid.")
}

fn group<'a>(states: &'a States, name: &str) -> Result<&'a LogGroup, Fault> {
    states.of::<State>().groups.get(name).ok_or_else(|| not_found("group"))
}

/// The limit of a list, or AWS's fault if it is out of bounds.
fn limit(given: Option<i64>, default: usize, max: i64) -> Result<usize, Fault> {
    let Some(given) = given else { return Ok(default) };
    let out_of_bounds = |bound: &str| {
        invalid_parameter(format!(
            "1 validation error detected: Value '{given}' at 'limit' failed to satisfy constraint: Member must have value {bound}"
        ))
    };
    match usize::try_from(given) {
        Ok(0) | Err(_) => Err(out_of_bounds("greater than or equal to 1")),
        Ok(_) if given > max => Err(out_of_bounds(&format!("less than or equal to {max}"))),
        Ok(limit) => Ok(limit),
    }
}

/// The name of the group that a request gives by its name or by an identifier, which may be an ARN.
fn group_name(name: Option<String>, identifier: Option<String>) -> Result<String, Fault> {
    match (name, identifier) {
        (Some(_), Some(_)) => Err(Fault::client(
            "ValidationException",
            "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
        )),
        (Some(name), None) => Ok(name),
        (None, Some(identifier)) => Ok(group_name_of(&identifier).to_owned()),
        (None, None) => Err(invalid_parameter("Either LogGroup name or LogGroup ARN must be specified.")),
    }
}

/// `NAME` of `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`, with or without `:*`. A plain name is returned unchanged.
fn group_name_of(identifier: &str) -> &str {
    let name = identifier.split_once(":log-group:").map_or(identifier, |(_, name)| name);
    name.strip_suffix(":*").unwrap_or(name)
}
