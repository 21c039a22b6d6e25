//! The error at the command boundary: what happened, to which thing, what to do next, and the exit code.

use std::fmt;
use std::io;

use crate::aws::{AwsError, AwsErrorKind};
use crate::exit::Exit;
use crate::ops::{Casualties, OpsError};
#[cfg(unix)]
use crate::sandbox::lifecycle::LifecycleError;

/// A command's failure: one report, or several when a file has several mistakes.
#[derive(Debug)]
pub struct CliError {
    /// The process's exit code.
    pub exit: Exit,
    /// What to tell the user. Empty when there is nobody to tell (a closed pipe).
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
    pub hint: Option<String>,
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
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(report) = self.reports.last_mut() {
            report.hint = Some(hint.into());
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

    /// The same with the commands in its hints as the user has to type them: with the flags that say which project and which place.
    #[must_use]
    pub fn for_commands_with(mut self, flags: &str) -> Self {
        for command in ["deploy", "destroy", "diff", "logs", "scale", "status", "synth"] {
            let (short, full) = (format!("`ecsws {command}"), format!("`ecsws{flags} {command}"));
            for hint in self.reports.iter_mut().filter_map(|report| report.hint.as_mut()) {
                *hint = hint.replace(&short, &full);
            }
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
            | AwsErrorKind::ExpiredCredentials
            | AwsErrorKind::WrongCredentials
            | AwsErrorKind::ClockSkew
            | AwsErrorKind::AccessDenied(_) => Exit::Refused,
            AwsErrorKind::NoRegion => Exit::Usage,
            AwsErrorKind::TimedOut => Exit::TimedOut,
            AwsErrorKind::Unreachable
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
            OpsError::Overtaken(_) => (Exit::Failed, Some("`ecsws deploy` follows it and goes on")),
            OpsError::NotSteady { .. } => {
                (Exit::TimedOut, Some("`ecsws status` says what is going on; ECS goes on trying"))
            }
            OpsError::TimedOut { status, .. } if status.ends_with("_IN_PROGRESS") => {
                (Exit::TimedOut, Some("CloudFormation goes on; `ecsws deploy` follows it, `ecsws destroy` deletes it"))
            }
            OpsError::TimedOut { .. } => (Exit::TimedOut, None),
            OpsError::Missing(_) => (Exit::Failed, Some("`ecsws deploy` makes it")),
            OpsError::RolloutFailed { casualties, .. } if casualties.is_empty() => {
                (Exit::Failed, Some("`ecsws logs` may say why tasks end"))
            }
            OpsError::StackFailed { status, .. } if status == "UPDATE_ROLLBACK_FAILED" => (
                Exit::Failed,
                Some("once the cause is gone, `ecsws deploy` goes on with the rollback and then deploys"),
            ),
            OpsError::StackFailed { status, .. } if status == "DELETE_FAILED" => {
                (Exit::Failed, Some("remove what is in the way; `ecsws destroy` then tries again"))
            }
            OpsError::Aws(_)
            | OpsError::Unwatched { .. }
            | OpsError::Gone(_)
            | OpsError::StackFailed { .. }
            | OpsError::ChangeSetFailed { .. }
            | OpsError::RolloutFailed { .. }
            | OpsError::CountNotReached { .. } => (Exit::Failed, None),
        };
        let mut message = error.to_string();
        for Casualties { service, cause, count, log } in error.casualties() {
            let tasks = if *count == 1 { "a task" } else { &format!("{count} tasks") };
            message.extend(["\n  ", tasks, " of ", service, " stopped: ", cause]);
            for line in log.iter().flat_map(|(_, lines)| lines) {
                message.extend(["\n    │ ", line.trim_end()]);
            }
        }
        match (error, hint) {
            (OpsError::Aws(error), _) => error.into(),
            (OpsError::Unwatched { error, .. }, _) => {
                let exit = Self::from(error).exit;
                Self::new(exit, message).hint("CloudFormation goes on with it; `ecsws deploy` follows it and goes on")
            }
            (_, Some(hint)) => Self::new(exit, message).hint(hint),
            (_, None) => Self::new(exit, message),
        }
    }
}

#[cfg(unix)]
impl From<LifecycleError> for CliError {
    fn from(error: LifecycleError) -> Self {
        match error {
            LifecycleError::NotAPlace(_) | LifecycleError::NotOurs(_) => Self::usage(error.to_string()),
            _ => Self::failed(error.to_string()),
        }
    }
}

impl From<io::Error> for CliError {
    /// A closed pipe (`ecsws logs | head`) ends quietly; anything else that cannot be written is a failure.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self { exit: Exit::Done, reports: Vec::new() },
            _ => Self::failed(error.to_string()),
        }
    }
}
