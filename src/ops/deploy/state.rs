//! The operations that bring a stack into a state that can be updated, and deletions.

use super::follow::StackFollower;
use crate::aws::Aws;
use crate::model::{Stack, StackState, StackStatus};
use crate::ops::{DeployEvent, Operation, ReadCache, Reporter, Result};

/// The operation that is in progress on a stack with this status.
pub(super) fn operation_in_progress(status: &StackStatus) -> Operation {
    match status.as_str() {
        "CREATE_IN_PROGRESS" => Operation::Create,
        "DELETE_IN_PROGRESS" => Operation::Delete,
        _ if status.is_rollback() => Operation::RollBack,
        _ => Operation::Update,
    }
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

/// The resources with this status, each with its type and reason.
pub(super) async fn failed_resources(reads: &ReadCache, stack: &Stack, status: &str) -> Result<Vec<String>> {
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
