//! Run Command: shell commands on managed instances.
//!
//! A command and each of its invocations are rows; [`invocation_execution`] executes an invocation and records its result.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Fault;
use crate::base::clock::{epoch_seconds, iso8601};
use crate::services::ssm::State;
use crate::store::States;

mod cancel_command;
mod invocation_execution;
mod invocation_output;
mod list_commands;
mod send_command;

pub(super) use cancel_command::cancel;
pub(crate) use invocation_execution::resume_commands;
pub(super) use list_commands::{get_invocation, list, list_invocations};
pub(super) use send_command::send;

/// The only document that is served, and its plugin.
const DOCUMENT: &str = "AWS-RunShellScript";
const PLUGIN: &str = "aws:runShellScript";
/// How many commands are kept.
const MAX_COMMANDS: usize = 100;

/// The status of a command or an invocation (API reference, `CommandInvocation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CommandStatus {
    Pending,
    InProgress,
    Cancelling,
    Success,
    Cancelled,
    Failed,
    TimedOut,
}

/// The transitions between statuses ("Understanding command statuses" in the user guide). `Cancelling` always leads to
/// `Cancelled`, however the process ends. A final status does not change.
const TRANSITIONS: &[(CommandStatus, &[CommandStatus])] = &[
    (
        CommandStatus::Pending,
        &[CommandStatus::InProgress, CommandStatus::Cancelling, CommandStatus::Failed, CommandStatus::TimedOut],
    ),
    (
        CommandStatus::InProgress,
        &[CommandStatus::Cancelling, CommandStatus::Success, CommandStatus::Failed, CommandStatus::TimedOut],
    ),
    (CommandStatus::Cancelling, &[CommandStatus::Cancelled]),
];

impl CommandStatus {
    fn is_final(self) -> bool {
        TRANSITIONS.iter().all(|(status, _)| *status != self)
    }

    fn may_become(self, next: Self) -> bool {
        TRANSITIONS.iter().any(|(status, following)| *status == self && following.contains(&next))
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InProgress => "InProgress",
            Self::Success => "Success",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
            Self::Failed => "Failed",
            Self::TimedOut => "TimedOut",
        }
    }

    fn details(self) -> &'static str {
        if self == Self::TimedOut { "ExecutionTimedOut" } else { self.as_str() }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Command {
    /// A UUID.
    pub id: String,
    pub comment: String,
    /// Parameters of the document.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// The instances that were given by their ids.
    pub instance_ids: Vec<String>,
    /// The targets, as given.
    pub targets: Vec<Value>,
    pub requested: Timestamp,
    /// The time to reach its instances, in seconds.
    pub timeout: i64,
    /// The log group that also receives the output.
    pub log_group: Option<String>,
}

/// A command on one instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Invocation {
    pub command: String,
    pub instance: String,
    pub status: CommandStatus,
    /// The exit code; -1 until there is one.
    pub code: i32,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// The beginning of its standard output.
    pub output: String,
    /// The beginning of its standard error.
    pub errors: String,
}

impl Invocation {
    fn new(command: &str, instance: &str) -> Self {
        Self {
            command: command.to_owned(),
            instance: instance.to_owned(),
            status: CommandStatus::Pending,
            code: -1,
            started: None,
            ended: None,
            output: String::new(),
            errors: String::new(),
        }
    }

    fn key(&self) -> String {
        key(&self.command, &self.instance)
    }

    /// Changes the status if that transition exists. Returns whether it did.
    fn advance(&mut self, status: CommandStatus) -> bool {
        let may = self.status.may_become(status);
        if may {
            self.status = status;
        }
        may
    }

    /// Records the outcome. An invocation in `Cancelling` becomes `Cancelled`, and one that is complete does not change.
    fn end(&mut self, outcome: InvocationResult, now: Timestamp) {
        if self.advance(outcome.status) || self.advance(CommandStatus::Cancelled) {
            let InvocationResult { code, output, errors, .. } = outcome;
            (self.code, self.output, self.errors, self.ended) = (code, output, errors, Some(now));
        }
    }
}

#[derive(Debug, Clone)]
struct InvocationResult {
    status: CommandStatus,
    code: i32,
    output: String,
    errors: String,
}

impl InvocationResult {
    /// The outcome of an invocation whose process never ran or whose exit is unknown.
    fn without_output(status: CommandStatus, errors: &str) -> Self {
        Self { status, code: -1, output: String::new(), errors: errors.to_owned() }
    }
}

fn key(command: &str, instance: &str) -> String {
    format!("{command}:{instance}")
}

fn invocations<'a>(states: &'a States, command: &str) -> impl Iterator<Item = &'a Invocation> {
    states.of::<State>().invocations.with_prefix(&format!("{command}:")).map(|(_, invocation)| invocation)
}

/// The status of a command: that of its least advanced invocation or, when all have ended, of the worst.
fn status(states: &States, command: &str) -> CommandStatus {
    use CommandStatus::{Cancelled, Cancelling, Failed, InProgress, Pending, Success, TimedOut};

    let all: Vec<CommandStatus> = invocations(states, command).map(|invocation| invocation.status).collect();
    let order = [Cancelling, InProgress, Pending, Failed, TimedOut, Cancelled];
    order.into_iter().find(|status| all.contains(status)).unwrap_or(Success)
}

/// The output configuration, as responses show it.
fn log_output(command: &Command) -> Value {
    json!({
        "CloudWatchLogGroupName": command.log_group.as_deref().unwrap_or_default(),
        "CloudWatchOutputEnabled": command.log_group.is_some(),
    })
}

fn to_output(states: &States, command: &Command) -> Value {
    let status = status(states, &command.id);
    let all: Vec<&Invocation> = invocations(states, &command.id).collect();
    let failed =
        |invocation: &&&Invocation| matches!(invocation.status, CommandStatus::Failed | CommandStatus::TimedOut);
    json!({
        "CommandId": command.id,
        "DocumentName": DOCUMENT,
        "DocumentVersion": "$DEFAULT",
        "Comment": command.comment,
        "ExpiresAfter": epoch_seconds(command.requested + jiff::SignedDuration::from_secs(command.timeout + invocation_execution::DEFAULT_TIMEOUT_SECONDS)),
        "Parameters": command.parameters,
        "InstanceIds": command.instance_ids,
        "Targets": command.targets,
        "RequestedDateTime": epoch_seconds(command.requested),
        "Status": status.as_str(),
        "StatusDetails": status.details(),
        "OutputS3Region": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "MaxConcurrency": "50",
        "MaxErrors": "0",
        "TargetCount": all.len(),
        "CompletedCount": all.iter().filter(|invocation| invocation.status.is_final()).count(),
        "ErrorCount": all.iter().filter(failed).count(),
        "DeliveryTimedOutCount": 0,
        "ServiceRole": "",
        "NotificationConfig": { "NotificationArn": "", "NotificationEvents": [], "NotificationType": "" },
        "CloudWatchOutputConfig": log_output(command),
        "TimeoutSeconds": command.timeout,
    })
}

fn find<'a>(states: &'a States, id: &str) -> Result<&'a Command, Fault> {
    states.of::<State>().commands.get(id).ok_or_else(|| Fault::client("InvalidCommandId", ""))
}

/// A time in the format of invocations; empty if there is none.
fn optional_iso8601(time: Option<Timestamp>) -> String {
    time.map(iso8601).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{CommandStatus, Invocation, InvocationResult};

    const ALL: [CommandStatus; 7] = [
        CommandStatus::Pending,
        CommandStatus::InProgress,
        CommandStatus::Cancelling,
        CommandStatus::Success,
        CommandStatus::Cancelled,
        CommandStatus::Failed,
        CommandStatus::TimedOut,
    ];

    fn ended(from: CommandStatus, status: CommandStatus) -> CommandStatus {
        let mut invocation = Invocation { status: from, ..Invocation::new("c", "i") };
        invocation.end(InvocationResult::without_output(status, ""), Timestamp::UNIX_EPOCH);
        invocation.status
    }

    #[test]
    fn a_cancelling_command_always_becomes_cancelled() {
        for status in ALL {
            let mut cancelled = Invocation::new("c", "i");
            assert!(cancelled.advance(CommandStatus::Cancelling));
            assert_eq!(cancelled.advance(status), status == CommandStatus::Cancelled, "{status:?}");
            assert_eq!(ended(CommandStatus::Cancelling, status), CommandStatus::Cancelled, "{status:?}");
        }
    }

    #[test]
    fn a_final_status_does_not_change() {
        for from in ALL.into_iter().filter(|status| status.is_final()) {
            for status in ALL {
                assert_eq!(ended(from, status), from, "{status:?} after {from:?}");
            }
        }
        assert_eq!(ALL.map(CommandStatus::is_final), [false, false, false, true, true, true, true]);
        assert_eq!(ended(CommandStatus::InProgress, CommandStatus::TimedOut), CommandStatus::TimedOut);
    }
}
