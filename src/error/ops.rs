//! Errors of operations: exit codes, hints, and the tasks that stopped.

use super::aws::exit_of;
use super::{CliError, follow_hint};
use crate::diagnostic::Diagnostic;
use crate::exit::Exit;
use crate::hint::{Hint, RepeatedCommand, SuggestedCommand};
use crate::ops::{LookUpError, Operation, OpsError, StoppedTasks, cancellation};

impl From<OpsError> for CliError {
    fn from(error: OpsError) -> Self {
        match error {
            OpsError::Aws(error) => error.into(),
            OpsError::Rejected { rejections } => Self { exit: Exit::Failed, diagnostics: rejections },
            error => {
                let (exit, hint) = exit_and_hint(&error);
                let diagnostic = Diagnostic { hint, ..Diagnostic::new(message(&error)).source(error) };
                Self { exit, diagnostics: vec![diagnostic] }
            }
        }
    }
}

/// The error, and below it the tasks that stopped.
fn message(error: &OpsError) -> String {
    let mut message = error.to_string();
    for StoppedTasks { service, cause, count, log } in error.stopped_tasks() {
        let tasks = if *count == 1 { "a task" } else { &format!("{count} tasks") };
        message.extend(["\n  ", tasks, " of ", service, " stopped: ", cause]);
        for line in log.iter().flat_map(|(_, lines)| lines) {
            message.extend(["\n    │ ", line.trim_end()]);
        }
    }
    message
}

fn exit_and_hint(error: &OpsError) -> (Exit, Option<Hint>) {
    match error {
        OpsError::ConcurrentDeploy(stack) => (Exit::Failed, Some(follow_hint(RepeatedCommand::deploy([stack])))),
        OpsError::NotSteady { is_requested, .. } => {
            let hint = Hint::command(["status"]).text(" shows the service's state; ECS keeps trying");
            (if *is_requested { Exit::TimedOut } else { Exit::Failed }, Some(hint))
        }
        OpsError::UnreadableService { error, .. } if error.kind.is_access_denied() => {
            let hint = "its stack is complete, and ECS continues its deployment; --no-wait-services does not need this permission";
            (exit_of(&error.kind), Some(Hint::from(hint)))
        }
        OpsError::UnreadableService { error, .. } => {
            let hint = Hint::from("ECS continues its deployment; ").then(SuggestedCommand::ecsws(["status"]));
            (exit_of(&error.kind), Some(hint.text(" shows the service's state")))
        }
        OpsError::TimedOut { stack, status, .. } if *status == "DELETE_IN_PROGRESS" => {
            let destroy = RepeatedCommand::new(&["destroy"], ["destroy", stack]).without_timeout();
            (Exit::TimedOut, Some(Hint::from("CloudFormation continues; ").append(&follow_hint(destroy))))
        }
        OpsError::TimedOut { stack, status, .. } if status.is_in_progress() => {
            let hint = Hint::from("CloudFormation continues; ")
                .then(SuggestedCommand::Repeat(RepeatedCommand::deploy([stack]).without_timeout()))
                .text(" follows it, ")
                .then(SuggestedCommand::ecsws(["destroy", stack]))
                .text(" deletes it");
            (Exit::TimedOut, Some(hint))
        }
        OpsError::TimedOut { .. } => (Exit::TimedOut, None),
        OpsError::Missing { stack, .. } => {
            let words = std::iter::once("deploy").chain(stack.as_deref());
            (Exit::Failed, Some(Hint::repeat(RepeatedCommand::new(&["deploy"], words)).text(" creates it")))
        }
        OpsError::RolloutFailed { stopped_tasks, .. } if stopped_tasks.is_empty() => {
            (Exit::Failed, Some(Hint::command(["logs"]).text(" may show why tasks stop")))
        }
        OpsError::StackFailed { stack, status, .. } if *status == "UPDATE_ROLLBACK_FAILED" => {
            let deploy = SuggestedCommand::Repeat(RepeatedCommand::deploy([stack]));
            let hint = Hint::from("once the cause is removed, ").then(deploy);
            let rest =
                " continues the rollback and then deploys; --skip-resource LOGICAL_ID leaves a resource as it is";
            (Exit::Failed, Some(hint.text(rest)))
        }
        OpsError::StackFailed { stack, status, .. } if *status == "DELETE_FAILED" => {
            let destroy = SuggestedCommand::Repeat(RepeatedCommand::new(&["destroy"], ["destroy", stack]));
            (Exit::Failed, Some(Hint::from("remove what prevents the deletion, then repeat ").then(destroy)))
        }
        OpsError::Interrupted { .. } => (Exit::Interrupted, None),
        OpsError::StillInProgress { stack, status, .. } => {
            let repetition = RepeatedCommand::new(&["deploy", "scale", "destroy"], ["deploy", stack]);
            let hint = follow_hint(repetition.without_timeout());
            if cancellation(status).is_none() {
                return (Exit::TimedOut, Some(hint));
            }
            let cancel = SuggestedCommand::ecsws(["cancel", stack]);
            (Exit::TimedOut, Some(hint.text("; ").then(cancel).text(" cancels it")))
        }
        OpsError::WrongTarget { .. } => {
            let hint = "choose --profile and --region to match [target] in ecsws.toml, or change [target]";
            (Exit::Usage, Some(Hint::from(hint)))
        }
        OpsError::WrongEnvironment { expected, .. } => {
            let (account, region) = (&expected.account, &expected.region);
            (Exit::Usage, Some(format!("use --profile or --region for account {account}, region {region}").into()))
        }
        OpsError::LookUp(error) => look_up_error(error),
        OpsError::ReplacementWithoutRollback { .. } => (Exit::Usage, Some(Hint::from("omit --no-rollback"))),
        OpsError::UnknownContainer { .. } | OpsError::UnknownParameter { .. } => (Exit::Usage, None),
        OpsError::FollowInterrupted { stack, operation, error } => {
            let command = match operation {
                Operation::Delete => RepeatedCommand::new(&["destroy"], ["destroy", stack]),
                Operation::Create | Operation::Update | Operation::RollBack => RepeatedCommand::deploy([stack]),
            };
            let hint = Hint::from("CloudFormation continues what it has begun; ");
            let hint = hint.append(&follow_hint(command.without_timeout()));
            (exit_of(&error.kind), Some(hint))
        }
        OpsError::Rejected { .. }
        | OpsError::NotApproved { .. }
        | OpsError::Aws(_)
        | OpsError::Disappeared(_)
        | OpsError::NeverStarted { .. }
        | OpsError::UnreadableTemplate { .. }
        | OpsError::StackFailed { .. }
        | OpsError::ChangeSetFailed { .. }
        | OpsError::RolloutFailed { .. }
        | OpsError::NotCancellable { .. }
        | OpsError::TooLateToCancel { .. }
        | OpsError::CountNotReached { .. } => (Exit::Failed, None),
    }
}

fn look_up_error(error: &LookUpError) -> (Exit, Option<Hint>) {
    match error {
        LookUpError::NoVpc { .. } => {
            let hint = "set platform.vpc, or platform.subnets, or let [platform.stack] make one";
            (Exit::Failed, Some(Hint::from(hint)))
        }
        LookUpError::SeveralVpcs { .. } => (Exit::Failed, Some(Hint::from("set platform.subnets instead"))),
        LookUpError::PlatformNotDeployed { platform, stack } => {
            let both = RepeatedCommand::new(&["deploy"], ["deploy", platform, stack]).adding([platform]);
            (Exit::Failed, Some(Hint::repeat(both).text(" deploys both, in order")))
        }
        LookUpError::NoClients(_) | LookUpError::NoZones(_) => (Exit::Failed, None),
        LookUpError::Synth(_) => (Exit::Usage, None),
    }
}
