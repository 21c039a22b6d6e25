//! The state of a stack before a deploy, and the operations that repair a failed one.

use super::follow::StackFollower;
use crate::aws::Aws;
use crate::model::{Stack, StackState, StackStatus};
use crate::ops::{DeployEvent, Operation, OpsError, ReadCache, Reporter, Result};

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

/// Reads the state of a stack.
///
/// # Errors
/// If its deletion failed, with the resources that prevent it.
pub(crate) async fn read_initial_state(reads: &ReadCache, name: &str) -> Result<InitialState> {
    let Some(stack) = reads.stack(name).await? else { return Ok(InitialState::Absent) };
    Ok(match stack.status.state() {
        StackState::InReview => InitialState::Absent,
        StackState::Updatable => InitialState::Updatable(stack),
        StackState::FailedCreation => InitialState::FailedCreation(stack),
        StackState::Failed => InitialState::Failed(stack),
        StackState::RollbackFailed => {
            let stuck = failed_resources(reads, &stack, "UPDATE_FAILED").await?;
            InitialState::RollbackFailed(stack, stuck)
        }
        StackState::DeleteFailed => {
            let reasons = failed_resources(reads, &stack, "DELETE_FAILED").await?;
            let (stack, status) = (stack.name, stack.status);
            return Err(OpsError::StackFailed { stack, status, reasons, stopped_tasks: Vec::new() });
        }
        StackState::InProgress => {
            let operation = match stack.status.as_str() {
                "CREATE_IN_PROGRESS" => Operation::Create,
                "DELETE_IN_PROGRESS" => Operation::Delete,
                _ if stack.status.is_rollback() => Operation::RollBack,
                _ => Operation::Update,
            };
            InitialState::InProgress(stack, operation)
        }
    })
}

/// Follows the operation in progress to its end, successful or not.
pub(crate) async fn follow_operation<E>(
    aws: &Aws,
    stack: &Stack,
    operation: Operation,
    reporter: &Reporter<E>,
) -> Result<()> {
    reporter.event(DeployEvent::note(format!(
        "stack `{}` is {}: following that operation to its end first",
        stack.name, stack.status
    )));
    StackFollower::for_running_operation(aws, operation, stack).await?.run(aws, reporter).await.map(drop)
}

/// Deletes a stack whose creation failed.
pub(crate) async fn delete_failed_creation<E>(aws: &Aws, stack: &Stack, reporter: &Reporter<E>) -> Result<()> {
    let (name, status) = (&stack.name, &stack.status);
    reporter.event(DeployEvent::note(format!(
        "the creation of stack `{name}` failed ({status}): deleting it and creating it again"
    )));
    delete_and_follow(aws, stack, reporter).await
}

/// Deletes a stack without an operation in progress (or one that is being deleted already) and follows it.
pub(in crate::ops) async fn delete_and_follow<E>(aws: &Aws, stack: &Stack, reporter: &Reporter<E>) -> Result<()> {
    let resources = aws.stack_resources(&stack.arn).await?;
    let total = 1 + resources.iter().filter(|resource| !resource.status.is_deleted()).count();
    let mut follower = StackFollower::for_new_operation(aws, Operation::Delete, stack, total, None).await?;
    aws.delete_stack(&stack.arn).await?;
    let ended = follower.run(aws, reporter).await?;
    ended.into_stack(&stack.name, StackStatus::is_deleted).map(drop)
}

/// The resources that failed, each with its type and reason.
async fn failed_resources(reads: &ReadCache, stack: &Stack, status: &str) -> Result<Vec<String>> {
    let resources = reads.resources(stack).await?;
    let failed = resources.into_iter().filter(|resource| resource.status == status);
    Ok(failed
        .map(|resource| {
            let reason = resource.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("{} ({}){reason}", resource.logical_id, resource.resource_type)
        })
        .collect())
}

/// Rolls back a failed stack, or continues a failed rollback.
pub(crate) async fn roll_back<E>(aws: &Aws, stack: &Stack, reporter: &Reporter<E>) -> Result<()> {
    reporter.event(DeployEvent::Started { stack: stack.name.clone(), operation: Operation::RollBack });
    let mut follower = StackFollower::for_new_operation(aws, Operation::RollBack, stack, 0, None).await?;
    if stack.status.state() == StackState::RollbackFailed {
        aws.continue_rollback(&stack.arn).await?;
    } else {
        aws.roll_back(&stack.arn).await?;
    }
    let ended = follower.run(aws, reporter).await?;
    ended.into_stack(&stack.name, StackStatus::is_rolled_back).map(drop)
}
