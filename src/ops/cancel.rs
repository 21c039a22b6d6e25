//! Cancels the operation in progress on a stack, and follows the stack until the operation is undone.

use tokio::time::Instant;

use super::deploy::execution::cancel_update;
use super::deploy::follow::StackFollower;
use super::deploy::state::delete_and_follow;
use super::{DeployEvent, Operation, OpsError, Reporter, Result};
use crate::aws::Aws;
use crate::model::{Stack, StackStatus};

/// What cancelling the operation in progress on a stack with this status does: an update is rolled back, and a creation can only be
/// cancelled by deleting the stack. `None` for a rollback, a deletion and the clean-up after an update, which cannot be cancelled.
pub(crate) fn cancellation(status: &StackStatus) -> Option<Operation> {
    match status.as_str() {
        "UPDATE_IN_PROGRESS" => Some(Operation::RollBack),
        "CREATE_IN_PROGRESS" => Some(Operation::Delete),
        _ => None,
    }
}

/// Cancels the operation in progress on a stack and follows it to the end.
///
/// # Errors
/// Also if the operation cannot be cancelled, or ends before it is cancelled.
pub(crate) async fn cancel<E>(aws: &Aws, stack: &Stack, reporter: &Reporter<E>) -> Result<()> {
    let (start, name) = (Instant::now(), &stack.name);
    let Some(operation) = cancellation(&stack.status) else {
        let (stack, status) = (name.clone(), stack.status.clone());
        return Err(OpsError::NotCancellable { stack, status });
    };
    if operation == Operation::Delete {
        reporter.event(DeployEvent::note(format!("{name}: its creation is cancelled by deleting the stack")));
        delete_and_follow(aws, stack, reporter).await?;
    } else {
        let too_late = || OpsError::TooLateToCancel { stack: name.clone() };
        // Before the cancellation, so that no event of the rollback is missing.
        let mut follower = StackFollower::for_running_operation(aws, Operation::Update, stack).await?;
        if !cancel_update(aws, &stack.arn).await? {
            return Err(too_late());
        }
        reporter.event(DeployEvent::note(format!("{name}: its update is cancelled and rolled back")));
        let ended =
            follower.run(aws, reporter).await.map_err(|error| error.while_following(name, Operation::RollBack))?;
        if ended.status.is_success() {
            return Err(too_late());
        }
        ended.into_stack(name, StackStatus::is_rolled_back)?;
    }
    reporter.event(DeployEvent::Finished {
        stack: name.clone(),
        operation,
        arn: stack.arn.clone(),
        outputs: serde_json::Map::new(),
        seconds: start.elapsed().as_secs_f64(),
    });
    Ok(())
}
