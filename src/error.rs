//! The error at the command boundary: what happened, to which thing, what to do next, and the exit code.

use std::fmt;
use std::io;

#[cfg(all(unix, feature = "sandbox"))]
use ecsws_sandbox::lifecycle::LifecycleError;

use crate::aws::{AwsError, AwsErrorKind};
use crate::exit::Exit;
use crate::hint::{Command, Hint, Repetition};
use crate::ops::{OpsError, Rejection, StoppedTasks};

/// What follows the command `deploy` where a stack is still changing.
pub const FOLLOWS: &str = " follows it and then continues";

/// A command's failure: one report, or several when a file has several mistakes.
#[derive(Debug)]
pub struct CliError {
    /// The process's exit code.
    pub exit: Exit,
    /// What is reported to the user.
    pub reports: Vec<Report>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What happened, to which thing.
    pub message: String,
    /// Where: `FILE:LINE:COLUMN`, or a file.
    pub place: Option<String>,
    /// What to do next.
    pub hint: Option<Hint>,
}

impl CliError {
    /// A failure with this exit code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, reports: vec![Report { message: message.into(), place: None, hint: None }] }
    }

    /// The work failed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line or the project is wrong; nothing was changed.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Hint>) -> Self {
        if let Some(report) = self.reports.last_mut() {
            report.hint = Some(hint.into());
        }
        self
    }

    /// Names the service in suggested commands that are about one and name none.
    #[must_use]
    pub fn for_service(mut self, key: &str) -> Self {
        for report in &mut self.reports {
            report.hint = report.hint.take().map(|hint| hint.for_service(key));
        }
        self
    }

    /// Adds where.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        if let Some(report) = self.reports.last_mut() {
            report.place = Some(place.to_string());
        }
        self
    }

    /// The messages in one line, for JSON and for other messages.
    pub fn summary(&self) -> String {
        self.reports.iter().map(|report| report.message.as_str()).collect::<Vec<_>>().join("; ")
    }
}

impl From<AwsError> for CliError {
    fn from(error: AwsError) -> Self {
        let exit = match error.kind {
            AwsErrorKind::NoCredentials
            | AwsErrorKind::UnknownProfile(_)
            | AwsErrorKind::MfaRequired
            | AwsErrorKind::MfaRefused
            | AwsErrorKind::ExpiredCredentials
            | AwsErrorKind::WrongCredentials
            | AwsErrorKind::ClockSkew
            | AwsErrorKind::AccessDenied(_) => Exit::Refused,
            AwsErrorKind::NoRegion | AwsErrorKind::InvalidConfig => Exit::Usage,
            AwsErrorKind::TimedOut => Exit::TimedOut,
            AwsErrorKind::Unreachable
            | AwsErrorKind::ConnectionRefused
            | AwsErrorKind::ServiceFault
            | AwsErrorKind::Conflict
            | AwsErrorKind::SandboxEnded
            | AwsErrorKind::NotAws
            | AwsErrorKind::Throttled
            | AwsErrorKind::NotFound
            | AwsErrorKind::Other => Exit::Failed,
        };
        let hint = error.hint();
        Self { exit, reports: vec![Report { message: error.to_string(), place: None, hint }] }
    }
}

impl From<OpsError> for CliError {
    fn from(error: OpsError) -> Self {
        let (exit, hint) = match &error {
            OpsError::Overtaken(stack) => (Exit::Failed, Some(Hint::repeat(Repetition::deploy([stack])).text(FOLLOWS))),
            OpsError::NotSteady { .. } => {
                let hint = Hint::command(["status"]).text(" shows the service's state; ECS keeps trying");
                (Exit::TimedOut, Some(hint))
            }
            OpsError::TimedOut { stack, status, .. } if status.ends_with("_IN_PROGRESS") => {
                let hint = Hint::from("CloudFormation continues; ")
                    .then(Command::Repeat(Repetition::deploy([stack]).without_timeout()))
                    .text(" follows it, ")
                    .then(Command::own(["destroy", stack]))
                    .text(" deletes it");
                (Exit::TimedOut, Some(hint))
            }
            OpsError::TimedOut { .. } => (Exit::TimedOut, None),
            OpsError::Missing { stack, .. } => {
                let words = std::iter::once("deploy").chain(stack.as_deref());
                (Exit::Failed, Some(Hint::repeat(Repetition::new(&["deploy"], words)).text(" creates it")))
            }
            OpsError::RolloutFailed { stopped_tasks, .. } if stopped_tasks.is_empty() => {
                (Exit::Failed, Some(Hint::command(["logs"]).text(" may show why tasks stop")))
            }
            OpsError::StackFailed { stack, status, .. } if status == "UPDATE_ROLLBACK_FAILED" => {
                let deploy = Command::Repeat(Repetition::deploy([stack]));
                let hint = Hint::from("once the cause is removed, ").then(deploy);
                (Exit::Failed, Some(hint.text(" continues the rollback and then deploys")))
            }
            OpsError::StackFailed { stack, status, .. } if status == "DELETE_FAILED" => {
                let destroy = Command::Repeat(Repetition::new(&["destroy"], ["destroy", stack]));
                (Exit::Failed, Some(Hint::from("remove what prevents the deletion, then repeat ").then(destroy)))
            }
            OpsError::Interrupted { .. } => (Exit::Interrupted, None),
            OpsError::StillInProgress { stack } => {
                let repetition = Repetition::deploy([stack]).without_timeout();
                (Exit::TimedOut, Some(Hint::repeat(repetition).text(FOLLOWS)))
            }
            OpsError::ReplacementWithoutRollback { .. } => (Exit::Usage, Some(Hint::from("leave --no-rollback out"))),
            OpsError::UnknownParameter { .. } => (Exit::Usage, None),
            OpsError::Rejected { .. }
            | OpsError::NotApproved { .. }
            | OpsError::Aws(_)
            | OpsError::Unwatched { .. }
            | OpsError::Gone(_)
            | OpsError::NeverBegan { .. }
            | OpsError::UnreadableTemplate { .. }
            | OpsError::StackFailed { .. }
            | OpsError::ChangeSetFailed { .. }
            | OpsError::RolloutFailed { .. }
            | OpsError::CountNotReached { .. } => (Exit::Failed, None),
        };
        let mut message = error.to_string();
        for StoppedTasks { service, cause, count, log } in error.stopped_tasks() {
            let tasks = if *count == 1 { "a task" } else { &format!("{count} tasks") };
            message.extend(["\n  ", tasks, " of ", service, " stopped: ", cause]);
            for line in log.iter().flat_map(|(_, lines)| lines) {
                message.extend(["\n    │ ", line.trim_end()]);
            }
        }
        match (error, hint) {
            (OpsError::Aws(error), _) => error.into(),
            (OpsError::Rejected { rejections }, _) => {
                let report = |rejection| {
                    let Rejection { message, hint } = rejection;
                    Report { message, place: None, hint }
                };
                Self { exit, reports: rejections.into_iter().map(report).collect() }
            }
            (OpsError::Unwatched { stack, error }, _) => {
                let (exit, deploy) = (Self::from(error).exit, Command::Repeat(Repetition::deploy([stack])));
                Self::new(exit, message).hint(Hint::from("CloudFormation continues; ").then(deploy).text(FOLLOWS))
            }
            (_, Some(hint)) => Self::new(exit, message).hint(hint),
            (_, None) => Self::new(exit, message),
        }
    }
}

#[cfg(all(unix, feature = "sandbox"))]
impl From<LifecycleError> for CliError {
    fn from(error: LifecycleError) -> Self {
        match error {
            LifecycleError::InvalidLocation(_) | LifecycleError::ForeignFolder(_) => Self::usage(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::failed(error.to_string())
    }
}
