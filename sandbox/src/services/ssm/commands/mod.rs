//! Run Command: shell commands on managed instances, without anybody at a terminal.
//!
//! A command is a row, and so is each of its invocations; [`run`] carries one out and writes down how it went.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Fault;
use crate::base::clock::{epoch_seconds, iso8601};
use crate::services::ssm::State;
use crate::store::World;

mod cancel;
mod list;
mod output;
mod run;
mod send;

pub(super) use cancel::cancel;
pub(super) use list::{get_invocation, list, list_invocations};
pub use run::resume;
pub(super) use send::send;

/// The one document that is served, and the plugin that does what it says.
const DOCUMENT: &str = "AWS-RunShellScript";
const PLUGIN: &str = "aws:runShellScript";
/// Commands that are kept, the newest of them.
const KEPT: usize = 100;

/// How far a command or an invocation is (API reference, `CommandInvocation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It has not begun.
    Pending,
    /// It runs.
    InProgress,
    /// It is being ended.
    Cancelling,
    /// It ended well.
    Success,
    /// It was ended by a request.
    Cancelled,
    /// It ended with an error.
    Failed,
    /// It took longer than it may.
    TimedOut,
}

/// The statuses that may follow on each ("Understanding command statuses" in the user guide). A command that is to be
/// cancelled has no other end, however its process ended; what is over stays as it is.
const NEXT: &[(Status, &[Status])] = &[
    (Status::Pending, &[Status::InProgress, Status::Cancelling, Status::Failed, Status::TimedOut]),
    (Status::InProgress, &[Status::Cancelling, Status::Success, Status::Failed, Status::TimedOut]),
    (Status::Cancelling, &[Status::Cancelled]),
];

impl Status {
    fn is_over(self) -> bool {
        NEXT.iter().all(|(status, _)| *status != self)
    }

    fn may_become(self, next: Self) -> bool {
        NEXT.iter().any(|(status, following)| *status == self && following.contains(&next))
    }

    fn name(self) -> String {
        format!("{self:?}")
    }

    /// The same in more detail.
    fn details(self) -> String {
        if self == Self::TimedOut { "ExecutionTimedOut".to_owned() } else { self.name() }
    }
}

/// What was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Command {
    /// A UUID.
    pub id: String,
    /// What the caller says of it.
    pub comment: String,
    /// The document's parameters.
    pub parameters: BTreeMap<String, Vec<String>>,
    /// The instances that were named.
    pub instance_ids: Vec<String>,
    /// How instances were chosen, as it was given.
    pub targets: Vec<Value>,
    /// When.
    pub requested: Timestamp,
    /// Seconds that it may take to reach its instances.
    pub timeout: i64,
    /// The log group that its output goes to as well.
    pub log_group: Option<String>,
}

/// A command on one instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invocation {
    /// The command's id.
    pub command: String,
    /// The instance's.
    pub instance: String,
    /// How far it is.
    pub status: Status,
    /// The exit code; -1 until there is one.
    pub code: i32,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// The beginning of what it printed.
    pub output: String,
    /// The beginning of what it printed as errors.
    pub errors: String,
}

impl Invocation {
    fn new(command: &str, instance: &str) -> Self {
        Self {
            command: command.to_owned(),
            instance: instance.to_owned(),
            status: Status::Pending,
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

    /// Takes a status if it may follow on the present one; whether it did.
    fn advance(&mut self, status: Status) -> bool {
        let may = self.status.may_become(status);
        if may {
            self.status = status;
        }
        may
    }

    /// Records the outcome. An invocation in `Cancelling` becomes `Cancelled`, and one that is complete does not change.
    fn end(&mut self, outcome: Outcome, now: Timestamp) {
        if self.advance(outcome.status) || self.advance(Status::Cancelled) {
            let Outcome { code, output, errors, .. } = outcome;
            (self.code, self.output, self.errors, self.ended) = (code, output, errors, Some(now));
        }
    }
}

/// How an invocation ended.
#[derive(Debug, Clone)]
struct Outcome {
    status: Status,
    code: i32,
    output: String,
    errors: String,
}

impl Outcome {
    /// An invocation whose process never ran or whose end is not known.
    fn without_output(status: Status, errors: &str) -> Self {
        Self { status, code: -1, output: String::new(), errors: errors.to_owned() }
    }
}

fn key(command: &str, instance: &str) -> String {
    format!("{command}:{instance}")
}

fn invocations<'a>(world: &'a World, command: &str) -> impl Iterator<Item = &'a Invocation> {
    world.of::<State>().invocations.with_prefix(&format!("{command}:")).map(|(_, invocation)| invocation)
}

/// A command is as far as the least of its invocations, and then as good as the worst.
fn status(world: &World, command: &str) -> Status {
    use Status::{Cancelled, Cancelling, Failed, InProgress, Pending, Success, TimedOut};

    let all: Vec<Status> = invocations(world, command).map(|invocation| invocation.status).collect();
    let order = [Cancelling, InProgress, Pending, Failed, TimedOut, Cancelled];
    order.into_iter().find(|status| all.contains(status)).unwrap_or(Success)
}

/// Where its output goes, as it is told.
fn log_output(command: &Command) -> Value {
    json!({
        "CloudWatchLogGroupName": command.log_group.as_deref().unwrap_or_default(),
        "CloudWatchOutputEnabled": command.log_group.is_some(),
    })
}

fn told(world: &World, command: &Command) -> Value {
    let status = status(world, &command.id);
    let all: Vec<&Invocation> = invocations(world, &command.id).collect();
    let failed = |one: &&&Invocation| matches!(one.status, Status::Failed | Status::TimedOut);
    json!({
        "CommandId": command.id,
        "DocumentName": DOCUMENT,
        "DocumentVersion": "$DEFAULT",
        "Comment": command.comment,
        "ExpiresAfter": epoch_seconds(command.requested + jiff::SignedDuration::from_secs(command.timeout + run::EXECUTION)),
        "Parameters": command.parameters,
        "InstanceIds": command.instance_ids,
        "Targets": command.targets,
        "RequestedDateTime": epoch_seconds(command.requested),
        "Status": status.name(),
        "StatusDetails": status.details(),
        "OutputS3Region": "",
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "MaxConcurrency": "50",
        "MaxErrors": "0",
        "TargetCount": all.len(),
        "CompletedCount": all.iter().filter(|one| one.status.is_over()).count(),
        "ErrorCount": all.iter().filter(failed).count(),
        "DeliveryTimedOutCount": 0,
        "ServiceRole": "",
        "NotificationConfig": { "NotificationArn": "", "NotificationEvents": [], "NotificationType": "" },
        "CloudWatchOutputConfig": log_output(command),
        "TimeoutSeconds": command.timeout,
    })
}

fn find<'a>(world: &'a World, id: &str) -> Result<&'a Command, Fault> {
    world.of::<State>().commands.get(id).ok_or_else(|| Fault::client("InvalidCommandId", ""))
}

/// A time as invocations write it; nothing when it has not come.
fn text(time: Option<Timestamp>) -> String {
    time.map(iso8601).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Invocation, Outcome, Status};

    const ALL: [Status; 7] = [
        Status::Pending,
        Status::InProgress,
        Status::Cancelling,
        Status::Success,
        Status::Cancelled,
        Status::Failed,
        Status::TimedOut,
    ];

    fn ended(from: Status, status: Status) -> Status {
        let mut invocation = Invocation { status: from, ..Invocation::new("c", "i") };
        invocation.end(Outcome::without_output(status, ""), Timestamp::UNIX_EPOCH);
        invocation.status
    }

    #[test]
    fn a_command_that_is_to_be_cancelled_has_no_other_end() {
        for status in ALL {
            let mut cancelled = Invocation::new("c", "i");
            assert!(cancelled.advance(Status::Cancelling));
            assert_eq!(cancelled.advance(status), status == Status::Cancelled, "{status:?}");
            assert_eq!(ended(Status::Cancelling, status), Status::Cancelled, "{status:?}");
        }
    }

    #[test]
    fn what_is_over_stays_as_it_is() {
        for from in ALL.into_iter().filter(|status| status.is_over()) {
            for status in ALL {
                assert_eq!(ended(from, status), from, "{status:?} after {from:?}");
            }
        }
        assert_eq!(ALL.map(Status::is_over), [false, false, false, true, true, true, true]);
        assert_eq!(ended(Status::InProgress, Status::TimedOut), Status::TimedOut);
    }
}
