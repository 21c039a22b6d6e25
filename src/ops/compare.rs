//! What a diff asks of AWS besides the template: a read-only change set, and what deploy cannot see.

use super::change_set::{Prepared, prepare};
use super::state::{Standing, standing};
use super::{OpsError, Result};
use crate::aws::{Aws, AwsError, AwsErrorKind, PlannedChange, ServiceName, Stack, StackRequest};
use crate::stack::Template;

/// What CloudFormation says of a change.
#[derive(Debug)]
pub enum Planning {
    /// The changes of a change set.
    Changes(Vec<PlannedChange>),
    /// There is none, for this reason.
    Without(String),
}

/// Makes a change set of a stack that exists, reads it and deletes it again. Its name has to be one that nobody else uses.
pub async fn plan(aws: &Aws, request: &StackRequest<'_>, name: &str, stack: &Stack) -> Result<Planning> {
    if standing(&stack.status) != Standing::Updatable {
        return Ok(Planning::Without(format!("stack {} is {}", stack.name, stack.status)));
    }
    match prepare(aws, request, name, Some(stack)).await {
        Ok(Prepared::NoChanges) => Ok(Planning::Changes(Vec::new())),
        Ok(Prepared::Ready(ready)) => {
            ready.discard(aws).await?;
            Ok(Planning::Changes(ready.change_set.changes))
        }
        Err(OpsError::Aws(error)) if is_denied(&error) => Ok(Planning::Without(error.to_string())),
        Err(error @ (OpsError::ChangeSetFailed { .. } | OpsError::Overtaken(_) | OpsError::Gone(_))) => {
            Ok(Planning::Without(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

fn is_denied(error: &AwsError) -> bool {
    matches!(error.kind, AwsErrorKind::AccessDenied(_))
}

/// What is otherwise than the deployed template says, so that comparing templates cannot show it; in sentences.
pub async fn unseen(aws: &Aws, stack: &Stack, deployed: &Template) -> Result<Vec<String>> {
    let mut notes: Vec<String> = repair(stack).into_iter().collect();
    match of_services(aws, stack, deployed).await {
        Ok(more) => notes.extend(more),
        Err(error) if is_denied(&error) => notes.push(format!("what runs is not compared: {error}")),
        Err(error) => return Err(error.into()),
    }
    Ok(notes)
}

async fn of_services(aws: &Aws, stack: &Stack, deployed: &Template) -> std::result::Result<Vec<String>, AwsError> {
    let mut notes = Vec::new();
    let resources = aws.stack_resources(&stack.arn).await?;
    for resource in resources.iter().filter(|one| one.resource_type == "AWS::ECS::Service" && one.exists()) {
        let Some(name) = ServiceName::from_arn(&resource.physical_id) else { continue };
        let Some(state) = aws.service_state(&name).await? else { continue };
        let properties = &deployed.resource(&resource.logical_id)["Properties"];
        let count = properties["DesiredCount"].as_u64().filter(|count| *count != u64::from(state.desired));
        if let Some(count) = count {
            let owner = if deployed.has_type("AWS::ApplicationAutoScaling::ScalableTarget") {
                "autoscaling may have changed it, and the next deploy that changes the service resets it"
            } else {
                "the next deploy that changes the service resets it"
            };
            let (service, desired) = (&name.service, state.desired);
            notes.push(format!("{service}: desired count is {desired}, but the template says {count}; {owner}"));
        }
        let runs = state.deployments.iter().find(|one| one.status == "PRIMARY").map(|one| one.task_definition.as_str());
        let of_stack = properties["TaskDefinition"]["Ref"].as_str().and_then(|id| {
            let found = resources.iter().find(|resource| resource.logical_id == id)?;
            found.physical_id.rsplit('/').next()
        });
        if let (Some(runs), Some(of_stack)) = (runs, of_stack)
            && runs != of_stack
        {
            notes.push(format!("{} runs task definition {runs}, and the stack's is {of_stack}", name.service));
        }
    }
    Ok(notes)
}

/// What a deploy will have to do first.
fn repair(stack: &Stack) -> Option<String> {
    let first = match standing(&stack.status) {
        Standing::Updatable | Standing::InReview => return None,
        Standing::Leftover => "deploy deletes what is left of it and creates it anew",
        Standing::Failed => "deploy rolls it back first",
        Standing::RollbackFailed => "deploy goes on with its rollback first",
        Standing::DeleteFailed => "it has to be deleted first: `ecsws destroy`",
        Standing::InProgress => "deploy follows that to its end first",
    };
    Some(format!("{} is {}: {first}", stack.name, stack.status))
}
