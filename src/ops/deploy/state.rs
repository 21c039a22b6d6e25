//! What a stack's status asks for before the stack can be deployed, and the operations that repair it.

use super::follow::Follow;
use crate::aws::Aws;
use crate::model::Stack;
use crate::ops::{DeployEvent, Operation, OpsError, Result};

/// What can be done with a stack in some status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ops) enum Standing {
    /// It exists only for change sets: nothing has been created.
    InReview,
    /// It can be updated.
    Updatable,
    /// Its creation failed and was taken back: it can only be deleted.
    Leftover,
    /// What failed was left as it is.
    Failed,
    /// Its rollback failed.
    RollbackFailed,
    /// Its deletion failed.
    DeleteFailed,
    /// An operation goes on.
    InProgress,
}

/// The table of behaviour by status, as CloudFormation's guide has it.
pub(in crate::ops) fn standing(status: &str) -> Standing {
    match status {
        "REVIEW_IN_PROGRESS" => Standing::InReview,
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => Standing::Leftover,
        "CREATE_FAILED" | "UPDATE_FAILED" => Standing::Failed,
        "UPDATE_ROLLBACK_FAILED" | "IMPORT_ROLLBACK_FAILED" => Standing::RollbackFailed,
        "DELETE_FAILED" => Standing::DeleteFailed,
        status if status.ends_with("_IN_PROGRESS") => Standing::InProgress,
        _ => Standing::Updatable,
    }
}

/// Whether the creation of a stack in this state has succeeded.
pub fn is_created(status: &str) -> bool {
    !matches!(status, "REVIEW_IN_PROGRESS" | "CREATE_IN_PROGRESS" | "CREATE_FAILED")
        && !status.starts_with("ROLLBACK_")
        && !matches!(status, "DELETE_IN_PROGRESS" | "DELETE_COMPLETE")
}

/// How a deploy finds a stack.
#[derive(Debug)]
pub enum Found {
    /// There is no stack, or only one in review.
    Absent,
    /// It can be updated.
    Updatable(Stack),
    /// Its creation failed and was taken back: nothing of it ever worked. [`clear_away`] deletes it.
    Leftover(Stack),
    /// A creation or an update failed and was left as it is; [`roll_back`] takes it back.
    Failed(Stack),
    /// Its rollback is stuck at these resources; [`roll_back`] goes on with it.
    Stuck(Stack, Vec<String>),
    /// An operation goes on; [`attach`] follows it.
    Busy(Stack, Operation),
}

/// Looks at a stack. `known` is what was just seen of it, if anything was.
///
/// # Errors
/// Where a deletion failed: with what is in the way.
pub async fn find(aws: &Aws, name: &str, known: Option<Stack>) -> Result<Found> {
    let stack = match known {
        Some(stack) => Some(stack),
        None => aws.stack(name).await?,
    };
    let Some(stack) = stack else { return Ok(Found::Absent) };
    Ok(match standing(&stack.status) {
        Standing::InReview => Found::Absent,
        Standing::Updatable => Found::Updatable(stack),
        Standing::Leftover => Found::Leftover(stack),
        Standing::Failed => Found::Failed(stack),
        Standing::RollbackFailed => {
            let stuck = failed_resources(aws, &stack, "UPDATE_FAILED").await?;
            Found::Stuck(stack, stuck)
        }
        Standing::DeleteFailed => {
            let reasons = failed_resources(aws, &stack, "DELETE_FAILED").await?;
            let (stack, status) = (stack.name, stack.status);
            return Err(OpsError::StackFailed { stack, status, reasons, casualties: Vec::new() });
        }
        Standing::InProgress => {
            let operation = match stack.status.as_str() {
                "CREATE_IN_PROGRESS" => Operation::Create,
                "DELETE_IN_PROGRESS" => Operation::Delete,
                status if status.contains("ROLLBACK") => Operation::RollBack,
                _ => Operation::Update,
            };
            Found::Busy(stack, operation)
        }
    })
}

/// Follows the operation that goes on with a stack to its end, whatever that is.
pub async fn attach(aws: &Aws, stack: &Stack, operation: Operation, emit: &mut dyn FnMut(DeployEvent)) -> Result<()> {
    emit(DeployEvent::note(format!("stack `{}` is {}: following that to its end first", stack.name, stack.status)));
    let followed = Follow::running(aws, operation, stack).await?.run(aws, emit).await;
    followed.map(drop).map_err(|error| error.while_following(&stack.name))
}

/// Deletes what a failed creation left.
pub async fn clear_away(aws: &Aws, stack: &Stack, emit: &mut dyn FnMut(DeployEvent)) -> Result<()> {
    let (name, status) = (&stack.name, &stack.status);
    emit(DeployEvent::note(format!("stack `{name}` was never created ({status}): it is deleted and created anew")));
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

/// Takes back what failed and was left so, or goes on with a rollback that failed.
pub async fn roll_back(aws: &Aws, stack: &Stack, emit: &mut dyn FnMut(DeployEvent)) -> Result<()> {
    emit(DeployEvent::Started { stack: stack.name.clone(), operation: Operation::RollBack });
    let mut follow = Follow::upcoming(aws, Operation::RollBack, stack, 0, None).await?;
    if standing(&stack.status) == Standing::RollbackFailed {
        aws.continue_rollback(&stack.arn).await?;
    } else {
        aws.roll_back(&stack.arn).await?;
    }
    let ended = follow.run(aws, emit).await?;
    let wanted = ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"];
    ended.into_stack(&stack.name, &wanted).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_a_stack_has_its_row() {
        // Every value of StackStatus in CloudFormation's model.
        for (status, wanted) in [
            ("CREATE_COMPLETE", Standing::Updatable),
            ("CREATE_FAILED", Standing::Failed),
            ("CREATE_IN_PROGRESS", Standing::InProgress),
            ("DELETE_FAILED", Standing::DeleteFailed),
            ("DELETE_IN_PROGRESS", Standing::InProgress),
            ("IMPORT_COMPLETE", Standing::Updatable),
            ("IMPORT_IN_PROGRESS", Standing::InProgress),
            ("IMPORT_ROLLBACK_COMPLETE", Standing::Updatable),
            ("IMPORT_ROLLBACK_FAILED", Standing::RollbackFailed),
            ("IMPORT_ROLLBACK_IN_PROGRESS", Standing::InProgress),
            ("REVIEW_IN_PROGRESS", Standing::InReview),
            ("ROLLBACK_COMPLETE", Standing::Leftover),
            ("ROLLBACK_FAILED", Standing::Leftover),
            ("ROLLBACK_IN_PROGRESS", Standing::InProgress),
            ("UPDATE_COMPLETE", Standing::Updatable),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Standing::InProgress),
            ("UPDATE_FAILED", Standing::Failed),
            ("UPDATE_IN_PROGRESS", Standing::InProgress),
            ("UPDATE_ROLLBACK_COMPLETE", Standing::Updatable),
            ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", Standing::InProgress),
            ("UPDATE_ROLLBACK_FAILED", Standing::RollbackFailed),
            ("UPDATE_ROLLBACK_IN_PROGRESS", Standing::InProgress),
        ] {
            assert_eq!(standing(status), wanted, "{status}");
        }
    }
}
