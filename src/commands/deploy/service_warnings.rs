//! Warns of counts and task definitions that were changed outside of a stack, which no comparison of templates shows.

use crate::context::Context;
use crate::error::CliError;
use crate::ops::{self, DeployResult, Deployed, ReadCache, StackOutcome};
use crate::render;

/// After a deploy: warns of services whose count or task definition differs from the template. A failure to read them is a warning too,
/// because the deploy succeeded.
pub(super) async fn warn_of_running_differences(
    outcomes: &[StackOutcome<CliError>],
    reads: &ReadCache,
    ctx: &mut Context,
) {
    for outcome in outcomes {
        let StackOutcome::Deployed(deployed) = outcome else { continue };
        let Deployed { stack, template, result } = &**deployed;
        if *result == DeployResult::ChangeSetPrepared || !template.has_type("AWS::ECS::Service") {
            continue;
        }
        let notes = match ops::running_differences(reads, stack, template).await {
            Ok(notes) => notes,
            Err(error) => vec![format!("cannot compare the running service with the template: {error}")],
        };
        for note in notes {
            render::warn_event(&mut ctx.ui, note);
        }
    }
}
