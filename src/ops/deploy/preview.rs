//! Temporary change sets, which show what a deploy would change without changing anything.

use super::preflight::Finding;
use super::prepared_change_set::prepare_change_set;
use crate::aws::Aws;
use crate::diagnostic::Diagnostic;
use crate::hint::Hint;
use crate::model::{PlannedChange, Stack, StackRequest, StackState};
use crate::ops::{OpsError, Result};

/// The changes of a temporary change set.
pub(in crate::ops) enum Preview {
    /// Deploying would do nothing.
    NoChanges,
    /// Deploying would do this to resources, and perhaps more to the rest of the stack.
    Changes(Vec<PlannedChange>),
}

/// Creates a temporary change set of an existing stack, reads it and deletes it. If it cannot be created, a note says why.
///
/// # Errors
/// If every other call would fail too.
pub(in crate::ops) async fn preview_change_set(
    aws: &Aws,
    request: &StackRequest<'_>,
    change_set: &str,
    stack: &Stack,
    notes: &mut Vec<Hint>,
) -> Result<Option<Preview>> {
    let without = |reason: String| Hint::from(format!("{} is compared by template only: {reason}", stack.name));
    if stack.status.state() != StackState::Updatable {
        notes.push(without(format!("the stack is {}", stack.status)));
        return Ok(None);
    }
    match prepare_change_set(aws, request, change_set, Some(stack)).await {
        Ok(None) => Ok(Some(Preview::NoChanges)),
        Ok(Some(prepared)) => {
            if let Err(error) = prepared.discard(aws).await {
                notes.push(format!("change set {change_set} of {} is left behind: {error}", stack.name).into());
            }
            Ok(Some(Preview::Changes(prepared.change_set.changes)))
        }
        Err(OpsError::Aws(error)) if error.kind.concerns_every_call() => Err(error.into()),
        Err(error @ OpsError::ChangeSetFailed { .. }) => {
            notes.push(Finding::Rejection(Diagnostic::new(error.to_string())).as_note());
            Ok(None)
        }
        Err(error) => {
            notes.push(without(error.to_string()));
            Ok(None)
        }
    }
}
