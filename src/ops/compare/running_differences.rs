//! Differences between a deployed stack and what runs, which no comparison of templates shows.

use crate::aws::AwsError;
use crate::model::{Stack, StackResource, StackState};
use crate::ops::deploy::deregistered::deregistered_task_definitions;
use crate::ops::locate::{is_existing_service, service_name};
use crate::ops::{OpsError, ReadCache, Result};
use crate::stack::Template;

/// How a stack and its services differ from the deployed template, in sentences.
pub(crate) async fn running_differences(reads: &ReadCache, stack: &Stack, deployed: &Template) -> Result<Vec<String>> {
    let mut notes: Vec<String> = required_repair(stack).into_iter().collect();
    for StackResource { physical_id, .. } in deregistered_task_definitions(reads, stack).await? {
        let repair = "the next deploy that changes the stack registers a new revision";
        notes.push(format!("{}: task definition {physical_id} was deregistered; {repair}", stack.name));
    }
    match service_differences(reads, stack, deployed).await {
        Ok(more) => notes.extend(more),
        Err(error) if error.kind.is_access_denied() => {
            notes.push(format!("cannot compare the running service with the template: {error}"));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(notes)
}

async fn service_differences(
    reads: &ReadCache,
    stack: &Stack,
    deployed: &Template,
) -> std::result::Result<Vec<String>, AwsError> {
    let mut notes = Vec::new();
    let aws = reads.aws();
    let resources = reads.resources(stack).await?;
    for resource in resources.iter().filter(|resource| is_existing_service(resource)) {
        let name = match service_name(aws, &stack.arn, resource).await {
            Ok(Some(name)) => name,
            Ok(None) => continue,
            Err(OpsError::Aws(error)) => return Err(error),
            Err(error) => {
                notes.push(error.to_string());
                continue;
            }
        };
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
        let runs = state.primary_deployment().map(|one| one.task_definition.as_str());
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

/// What a deploy has to do first with a stack in this state.
fn required_repair(stack: &Stack) -> Option<String> {
    let first = match stack.status.state() {
        StackState::Updatable | StackState::InReview => return None,
        StackState::FailedCreation => "deploy deletes it and creates it again",
        StackState::Failed => "deploy rolls it back first",
        StackState::RollbackFailed => "deploy continues its rollback first",
        StackState::DeleteFailed => "it must be deleted first, with destroy",
        StackState::InProgress => "deploy follows that to its end first",
    };
    Some(format!("{} is {}: {first}", stack.name, stack.status))
}
