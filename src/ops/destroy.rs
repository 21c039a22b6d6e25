//! Plans and follows the deletion of stacks.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::deploy::state::{delete_and_follow, end_running_operation};
use super::read_cache::deployed_template;
use super::{DeployEvent, Operation, OpsError, Reporter, Result};
use crate::aws::Aws;
use crate::diagnostic::Diagnostic;
use crate::model::{Stack, StackResource};
use crate::stack::Template;

/// The resource type whose deletion loses data.
const LOG_GROUP: &str = "AWS::Logs::LogGroup";

/// What deleting a stack deletes and retains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeletionPlan {
    pub stack: String,
    /// How many resources are deleted.
    pub deleted: usize,
    /// Type and physical id of the resources that the template retains.
    pub retained: Vec<(String, String)>,
    /// Physical ids of the log groups that are deleted with their events.
    pub deleted_log_groups: Vec<String>,
}

/// What deleting stacks would do, in this order.
///
/// # Errors
/// If stacks that stay import their exports: CloudFormation would find out in the middle, and leave a stack DELETE_FAILED.
pub(crate) async fn plan_deletions(aws: &Aws, stacks: &[Stack]) -> Result<Vec<DeletionPlan>> {
    let (mut plans, mut rejections) = (Vec::new(), Vec::new());
    for stack in stacks {
        let template = deployed_template(aws, stack).await?.unwrap_or_default();
        plans.push(plan_deletion(aws, stack, &template).await?);
        rejections.extend(exports_in_use(aws, stack, stacks).await?);
    }
    if rejections.is_empty() { Ok(plans) } else { Err(OpsError::Rejected { rejections }) }
}

async fn plan_deletion(aws: &Aws, stack: &Stack, template: &Template) -> Result<DeletionPlan> {
    let (mut deleted, mut retained, mut deleted_log_groups) = (0, Vec::new(), Vec::new());
    for resource in aws.stack_resources(&stack.arn).await?.into_iter().filter(StackResource::exists) {
        let policy = template.resource(&resource.logical_id)["DeletionPolicy"].as_str().unwrap_or_default();
        match policy {
            "Retain" | "RetainExceptOnCreate" => retained.push((resource.resource_type, resource.physical_id)),
            _ => {
                deleted += 1;
                if resource.resource_type == LOG_GROUP {
                    deleted_log_groups.push(resource.physical_id);
                }
            }
        }
    }
    Ok(DeletionPlan { stack: stack.name.clone(), deleted, retained, deleted_log_groups })
}

/// The exports of `stack` that are imported by stacks that stay.
async fn exports_in_use(aws: &Aws, stack: &Stack, deleted: &[Stack]) -> Result<Vec<Diagnostic>> {
    let mut in_use = Vec::new();
    for export in own_exports(aws, stack).await? {
        let mut importers = match aws.importers(&export).await {
            Err(error) if error.kind.is_access_denied() => break,
            importers => importers?,
        };
        importers.retain(|name| !deleted.iter().any(|stack| stack.name == *name));
        if !importers.is_empty() {
            let (stack, importers) = (&stack.name, importers.join(", "));
            let message = format!("stack {stack} exports `{export}`, which {importers} imports; nothing was changed");
            in_use.push(Diagnostic::new(message).hint("delete what imports it first"));
        }
    }
    Ok(in_use)
}

/// The exports of a stack; none if the user may not list them, because CloudFormation then reports those in use.
async fn own_exports(aws: &Aws, stack: &Stack) -> Result<Vec<String>> {
    match aws.exports().await {
        Ok(exports) => Ok(exports.into_iter().filter(|one| one.stack == stack.arn).map(|one| one.name).collect()),
        Err(error) if error.kind.is_access_denied() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Deletes a stack; `false` when there was none. An update in progress is followed first, or cancelled with `cancels`.
///
/// # Errors
/// Also if it takes longer than `limit`.
pub async fn destroy<E>(
    aws: &Aws,
    name: &str,
    limit: Option<Duration>,
    cancels: bool,
    reporter: &Reporter<E>,
) -> Result<bool> {
    let start = Instant::now();
    let Some(stack) = aws.stack(name).await? else { return Ok(false) };
    reporter.event(DeployEvent::Started { stack: name.to_owned(), operation: Operation::Delete });
    // A stack can be deleted while it is created, but not while it is updated.
    if stack.status.is_in_progress() && stack.status.as_str().starts_with("UPDATE_") {
        end_running_operation(aws, &stack, limit, cancels, reporter).await?;
    }
    let deletion = delete_and_follow(aws, &stack, reporter);
    let deleted = match limit {
        None => deletion.await,
        Some(limit) => timeout(limit.saturating_sub(start.elapsed()), deletion).await.unwrap_or_else(|_| {
            let (stack, status) = (name.to_owned(), "DELETE_IN_PROGRESS".into());
            Err(OpsError::TimedOut { stack, limit, status, stopped_tasks: Vec::new() })
        }),
    };
    deleted?;
    reporter.event(DeployEvent::Finished {
        stack: name.to_owned(),
        operation: Operation::Delete,
        arn: stack.arn,
        outputs: serde_json::Map::new(),
        seconds: start.elapsed().as_secs_f64(),
    });
    Ok(true)
}
