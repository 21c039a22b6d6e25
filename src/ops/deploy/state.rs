//! The state of a stack before a deploy, and the operations that repair a failed one.

use super::follow::StackFollower;
use crate::aws::Aws;
use crate::model::Stack;
use crate::ops::{DeployEvent, Operation, OpsError, Result};

/// The state of a stack, as far as it decides what can be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ops) enum StackState {
    /// It exists only for change sets: nothing has been created.
    InReview,
    /// It can be updated.
    Updatable,
    /// Its creation failed and was rolled back: it can only be deleted.
    FailedCreation,
    /// What failed was left as it is.
    Failed,
    RollbackFailed,
    /// Its deletion failed.
    DeleteFailed,
    /// An operation is in progress.
    InProgress,
}

/// The table of behaviour by status, as CloudFormation's guide has it.
pub(in crate::ops) fn stack_state(status: &str) -> StackState {
    match status {
        "REVIEW_IN_PROGRESS" => StackState::InReview,
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => StackState::FailedCreation,
        "CREATE_FAILED" | "UPDATE_FAILED" => StackState::Failed,
        "UPDATE_ROLLBACK_FAILED" | "IMPORT_ROLLBACK_FAILED" => StackState::RollbackFailed,
        "DELETE_FAILED" => StackState::DeleteFailed,
        status if status.ends_with("_IN_PROGRESS") => StackState::InProgress,
        _ => StackState::Updatable,
    }
}

/// Whether the creation of a stack in this state has succeeded.
pub(crate) fn is_created(status: &str) -> bool {
    !matches!(status, "REVIEW_IN_PROGRESS" | "CREATE_IN_PROGRESS" | "CREATE_FAILED")
        && !status.starts_with("ROLLBACK_")
        && !matches!(status, "DELETE_IN_PROGRESS" | "DELETE_COMPLETE")
}

/// The state of a stack before a deploy.
#[derive(Debug)]
pub(crate) enum InitialState {
    /// There is no stack, or only one in review.
    Absent,
    /// It can be updated.
    Updatable(Stack),
    /// Its creation failed and was rolled back: nothing of it ever worked. [`delete_failed_creation`] deletes it.
    FailedCreation(Stack),
    /// A creation or an update failed and was left as it is; [`roll_back`] rolls it back.
    Failed(Stack),
    /// Its rollback is stuck at these resources; [`roll_back`] continues it.
    RollbackFailed(Stack, Vec<String>),
    /// An operation is in progress; [`follow_operation`] follows it.
    InProgress(Stack, Operation),
}

/// Reads the state of a stack. `known` is the stack as it was just read.
///
/// # Errors
/// If its deletion failed, with the resources that prevent it.
pub(crate) async fn read_initial_state(aws: &Aws, name: &str, known: Option<Stack>) -> Result<InitialState> {
    let stack = match known {
        Some(stack) => Some(stack),
        None => aws.stack(name).await?,
    };
    let Some(stack) = stack else { return Ok(InitialState::Absent) };
    Ok(match stack_state(&stack.status) {
        StackState::InReview => InitialState::Absent,
        StackState::Updatable => InitialState::Updatable(stack),
        StackState::FailedCreation => InitialState::FailedCreation(stack),
        StackState::Failed => InitialState::Failed(stack),
        StackState::RollbackFailed => {
            let stuck = failed_resources(aws, &stack, "UPDATE_FAILED").await?;
            InitialState::RollbackFailed(stack, stuck)
        }
        StackState::DeleteFailed => {
            let reasons = failed_resources(aws, &stack, "DELETE_FAILED").await?;
            let (stack, status) = (stack.name, stack.status);
            return Err(OpsError::StackFailed { stack, status, reasons, stopped_tasks: Vec::new() });
        }
        StackState::InProgress => {
            let operation = match stack.status.as_str() {
                "CREATE_IN_PROGRESS" => Operation::Create,
                "DELETE_IN_PROGRESS" => Operation::Delete,
                status if status.contains("ROLLBACK") => Operation::RollBack,
                _ => Operation::Update,
            };
            InitialState::InProgress(stack, operation)
        }
    })
}

/// Follows the operation in progress to its end, successful or not.
pub(crate) async fn follow_operation(
    aws: &Aws,
    stack: &Stack,
    operation: Operation,
    emit: &mut dyn FnMut(DeployEvent),
) -> Result<()> {
    emit(DeployEvent::note(format!(
        "stack `{}` is {}: following that operation to its end first",
        stack.name, stack.status
    )));
    StackFollower::for_running_operation(aws, operation, stack).await?.run(aws, emit).await.map(drop)
}

/// Deletes a stack whose creation failed.
pub(crate) async fn delete_failed_creation(aws: &Aws, stack: &Stack, emit: &mut dyn FnMut(DeployEvent)) -> Result<()> {
    let (name, status) = (&stack.name, &stack.status);
    emit(DeployEvent::note(format!(
        "the creation of stack `{name}` failed ({status}): deleting it and creating it again"
    )));
    crate::ops::destroy::delete_and_follow(aws, stack, emit).await
}

/// The resources that failed, each with its type and reason.
async fn failed_resources(aws: &Aws, stack: &Stack, status: &str) -> Result<Vec<String>> {
    let resources = aws.stack_resources(&stack.arn).await?;
    let failed = resources.into_iter().filter(|resource| resource.status == status);
    Ok(failed
        .map(|resource| {
            let reason = resource.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{} ({}){reason}", resource.logical_id, resource.resource_type)
        })
        .collect())
}

/// Rolls back a failed stack, or continues a failed rollback.
pub(crate) async fn roll_back(aws: &Aws, stack: &Stack, emit: &mut dyn FnMut(DeployEvent)) -> Result<()> {
    emit(DeployEvent::Started { stack: stack.name.clone(), operation: Operation::RollBack });
    let mut follower = StackFollower::for_new_operation(aws, Operation::RollBack, stack, 0, None).await?;
    if stack_state(&stack.status) == StackState::RollbackFailed {
        aws.continue_rollback(&stack.arn).await?;
    } else {
        aws.roll_back(&stack.arn).await?;
    }
    let ended = follower.run(aws, emit).await?;
    let accepted = ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"];
    ended.into_stack(&stack.name, &accepted).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_a_stack_has_its_row() {
        // Every value of StackStatus in CloudFormation's model.
        for (status, expected) in [
            ("CREATE_COMPLETE", StackState::Updatable),
            ("CREATE_FAILED", StackState::Failed),
            ("CREATE_IN_PROGRESS", StackState::InProgress),
            ("DELETE_FAILED", StackState::DeleteFailed),
            ("DELETE_IN_PROGRESS", StackState::InProgress),
            ("IMPORT_COMPLETE", StackState::Updatable),
            ("IMPORT_IN_PROGRESS", StackState::InProgress),
            ("IMPORT_ROLLBACK_COMPLETE", StackState::Updatable),
            ("IMPORT_ROLLBACK_FAILED", StackState::RollbackFailed),
            ("IMPORT_ROLLBACK_IN_PROGRESS", StackState::InProgress),
            ("REVIEW_IN_PROGRESS", StackState::InReview),
            ("ROLLBACK_COMPLETE", StackState::FailedCreation),
            ("ROLLBACK_FAILED", StackState::FailedCreation),
            ("ROLLBACK_IN_PROGRESS", StackState::InProgress),
            ("UPDATE_COMPLETE", StackState::Updatable),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", StackState::InProgress),
            ("UPDATE_FAILED", StackState::Failed),
            ("UPDATE_IN_PROGRESS", StackState::InProgress),
            ("UPDATE_ROLLBACK_COMPLETE", StackState::Updatable),
            ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", StackState::InProgress),
            ("UPDATE_ROLLBACK_FAILED", StackState::RollbackFailed),
            ("UPDATE_ROLLBACK_IN_PROGRESS", StackState::InProgress),
        ] {
            assert_eq!(stack_state(status), expected, "{status}");
        }
    }
}
