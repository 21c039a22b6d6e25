//! Deletes stacks and follows that to the end.

use std::time::Instant;

use super::follow::{Follow, is_at_rest};
use super::{DeployEvent, Operation, Result};
use crate::aws::{Aws, Stack};

/// Deletes a stack; `false` when there was none.
pub async fn destroy(aws: &Aws, name: &str, emit: &mut dyn FnMut(DeployEvent)) -> Result<bool> {
    #[expect(clippy::disallowed_methods, reason = "how long it took is told to the user; nothing depends on it")]
    let begun = Instant::now();
    let Some(stack) = aws.stack(name).await? else { return Ok(false) };
    emit(DeployEvent::Started { stack: name.to_owned(), operation: Operation::Delete });
    // A creation can be given up by deleting; an update has to end first.
    if !is_at_rest(&stack.status) && stack.status.starts_with("UPDATE_") {
        emit(DeployEvent::Note {
            message: format!("stack `{name}` is {}: waiting for that to end first", stack.status),
        });
        let seen = aws.newest_event_id(&stack.arn).await?;
        Follow { stack: name, arn: &stack.arn, seen, total: 0, begun: true }.run(aws, emit).await?;
    }
    delete_and_follow(aws, &stack, emit).await?;
    emit(DeployEvent::Finished {
        stack: name.to_owned(),
        operation: Operation::Delete,
        arn: stack.arn,
        outputs: serde_json::Map::new(),
        seconds: begun.elapsed().as_secs_f64(),
    });
    Ok(true)
}

/// Deletes a stack that is at rest (or being deleted already) and follows it.
pub(super) async fn delete_and_follow(aws: &Aws, stack: &Stack, emit: &mut dyn FnMut(DeployEvent)) -> Result<()> {
    let resources = aws.stack_resources(&stack.arn).await?;
    let total = 1 + resources.iter().filter(|resource| resource.status != "DELETE_COMPLETE").count();
    let seen = aws.newest_event_id(&stack.arn).await?;
    aws.delete_stack(&stack.arn).await?;
    let ended = Follow { stack: &stack.name, arn: &stack.arn, seen, total, begun: false }.run(aws, emit).await?;
    ended.into_result(&stack.name, &["DELETE_COMPLETE"]).map(drop)
}
