//! Brings a stack into a state that can be updated, before it is compared and deployed.

use super::DeployContext;
use super::checks::check_all;
use super::events::Operation;
use super::messages::Question;
use super::outcome::Failure;
use super::request::StackInputs;
use super::stack_deployment::{Result, approve_creation};
use super::state::{FailedResource, delete_failed_creation, end_running_operation, failed_resources, roll_back};
use super::template_source::TemplateSource;
use crate::diagnostic::Diagnostic;
use crate::model::{Stack, StackState};
use crate::ops::OpsError;

/// The stack in a state that can be updated, or `None` if there is none. Follows an operation in progress to its end; rolls back or deletes a
/// failed stack if the user approves.
pub(super) async fn resolve_initial_state<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    inputs: &StackInputs<'_>,
) -> Result<Option<Stack>, S> {
    let (name, aws, reporter) = (&inputs.stack.name, deploy.aws, &deploy.reporter);
    loop {
        let Some(stack) = deploy.reads.stack(name).await? else { return Ok(None) };
        match stack.status.state() {
            StackState::InReview => return Ok(None),
            StackState::Updatable => return Ok(Some(stack)),
            // Without rollback, an update continues from what failed.
            StackState::Failed if deploy.request.no_rollback => return Ok(Some(stack)),
            StackState::Failed | StackState::RollbackFailed => roll_back_failed_stack(deploy, &stack).await?,
            StackState::DeleteFailed => {
                let resources = failed_resources(deploy.reads, &stack, "DELETE_FAILED").await?;
                let reasons = resources.into_iter().map(|resource| resource.description).collect();
                let (stack, status) = (stack.name, stack.status);
                return Err(OpsError::StackFailed { stack, status, reasons, stopped_tasks: Vec::new() }.into());
            }
            StackState::InProgress => {
                deploy.follow_operation(name);
                let (limit, cancels) = (deploy.request.timeout.duration, deploy.request.cancel_running);
                end_running_operation(aws, &stack, limit, cancels, reporter).await?;
                deploy.end_operation(name);
                deploy.check_cancelled(name)?;
            }
            StackState::FailedCreation => {
                // Keep it if the next creation would fail as well.
                check_all(deploy).await?;
                approve_creation(deploy, name, true).await?;
                deploy.start_operation(name, Operation::Delete, &stack.arn);
                delete_failed_creation(aws, &stack, reporter).await?;
                deploy.end_operation(name);
            }
        }
    }
}

/// Rolls back a failed stack, or continues its failed rollback, if the user approves.
async fn roll_back_failed_stack<S: TemplateSource>(deploy: &DeployContext<'_, S>, stack: &Stack) -> Result<(), S> {
    let name = &stack.name;
    let stuck = match stack.status.state() {
        StackState::RollbackFailed => failed_resources(deploy.reads, stack, "UPDATE_FAILED").await?,
        _ => Vec::new(),
    };
    let stuck_resources = stuck.iter().map(|resource| resource.description.clone()).collect();
    deploy.ask(name, Question::RollBack { stack: name.clone(), status: stack.status.clone(), stuck_resources }).await?;
    let skipped = resources_to_skip(deploy, name, stuck).await?;
    deploy.start_operation(name, Operation::RollBack, &stack.arn);
    roll_back(deploy.aws, stack, &skipped, &deploy.reporter).await?;
    deploy.end_operation(name);
    Ok(())
}

/// The logical ids of the resources that the user wants to skip, out of those at which the rollback is stuck.
async fn resources_to_skip<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    name: &str,
    stuck: Vec<FailedResource>,
) -> Result<Vec<String>, S> {
    let requested = deploy.request.skipped_resources;
    let stuck: Vec<String> = stuck.into_iter().map(|resource| resource.logical_id).collect();
    if let Some(unknown) = requested.iter().find(|id| !stuck.contains(id)) {
        let message = format!("the rollback of {name} is not stuck at `{unknown}`, so it cannot be skipped");
        return Err(OpsError::Rejected { rejections: vec![Diagnostic::new(message)] }.into());
    }
    if stuck.is_empty() || !requested.is_empty() {
        return Ok(requested.to_vec());
    }
    let question = Question::SkipResources { stack: name.to_owned(), resources: stuck.clone() };
    let skips = deploy.reporter.ask(question).await.map_err(Failure::Failed)?;
    Ok(if skips { stuck } else { Vec::new() })
}
