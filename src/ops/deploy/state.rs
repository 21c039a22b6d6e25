//! The operations that bring a stack into a state that can be updated, and deletions.

use std::time::Duration;

use tokio::time::timeout;

use super::follow::StackFollower;
use crate::aws::Aws;
use crate::model::{Stack, StackState, StackStatus};
use crate::ops::retry::retry_transient;
use crate::ops::{DeployEvent, Operation, OpsError, ReadCache, Reporter, Result, cancel, cancellation};

/// The operation that is in progress on a stack with this status.
fn operation_in_progress(status: &StackStatus) -> Operation {
    match status.as_str() {
        "CREATE_IN_PROGRESS" => Operation::Create,
        "DELETE_IN_PROGRESS" => Operation::Delete,
        _ if status.is_rollback() => Operation::RollBack,
        _ => Operation::Update,
    }
}

/// Follows the operation in progress to its end, successful or not; with `cancels`, cancels it first if that is possible.
///
/// # Errors
/// Also if it has not ended after `limit`.
pub(crate) async fn end_running_operation<E>(
    aws: &Aws,
    stack: &Stack,
    limit: Option<Duration>,
    cancels: bool,
    reporter: &Reporter<E>,
) -> Result<()> {
    let end = async {
        if !cancels || cancellation(&stack.status).is_none() {
            return follow_operation(aws, stack, reporter).await;
        }
        match cancel(aws, stack, reporter).await {
            // The operation has ended.
            Err(OpsError::TooLateToCancel { .. }) => Ok(()),
            ended => ended,
        }
    };
    let name = &stack.name;
    match limit {
        Some(limit) => timeout(limit, end).await.unwrap_or_else(|_| {
            let (stack, status) = (name.clone(), stack.status.clone());
            Err(OpsError::StillInProgress { stack, status, limit })
        }),
        None => end.await,
    }
}

async fn follow_operation<E>(aws: &Aws, stack: &Stack, reporter: &Reporter<E>) -> Result<()> {
    let operation = operation_in_progress(&stack.status);
    reporter.event(DeployEvent::note(format!(
        "stack `{}` is {}: following that operation to its end first",
        stack.name, stack.status
    )));
    let followed =
        async { StackFollower::for_running_operation(aws, operation, stack).await?.run(aws, reporter).await };
    followed.await.map(drop).map_err(|error| error.while_following(&stack.name, operation))
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
    retry_transient(aws, async || aws.delete_stack(&stack.arn).await).await?;
    let ended = follower.run(aws, reporter).await;
    let ended = ended.map_err(|error| error.while_following(&stack.name, Operation::Delete))?;
    ended.into_stack(&stack.name, StackStatus::is_deleted).map(drop)
}

/// A resource that failed.
pub(super) struct FailedResource {
    pub logical_id: String,
    /// `LogicalId (TYPE): reason`.
    pub description: String,
}

/// The resources with this status.
pub(super) async fn failed_resources(reads: &ReadCache, stack: &Stack, status: &str) -> Result<Vec<FailedResource>> {
    let resources = reads.resources(stack).await?;
    let failed = resources.into_iter().filter(|resource| resource.status == status);
    Ok(failed
        .map(|resource| {
            let reason = resource.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let description = format!("{} ({}){reason}", resource.logical_id, resource.resource_type);
            FailedResource { logical_id: resource.logical_id, description }
        })
        .collect())
}

/// Rolls back a failed stack, or continues a failed rollback without the skipped resources, by logical id.
pub(super) async fn roll_back<E>(aws: &Aws, stack: &Stack, skipped: &[String], reporter: &Reporter<E>) -> Result<()> {
    reporter.event(DeployEvent::Started { stack: stack.name.clone(), operation: Operation::RollBack });
    let mut follower = StackFollower::for_new_operation(aws, Operation::RollBack, stack, 0, None).await?;
    if stack.status.state() == StackState::RollbackFailed {
        aws.continue_rollback(&stack.arn, skipped).await?;
    } else {
        aws.roll_back(&stack.arn).await?;
    }
    let ended = follower.run(aws, reporter).await;
    let ended = ended.map_err(|error| error.while_following(&stack.name, Operation::RollBack))?;
    ended.into_stack(&stack.name, StackStatus::is_rolled_back).map(drop)
}
