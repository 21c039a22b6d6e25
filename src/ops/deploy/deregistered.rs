//! Task definitions that were deregistered outside of their stack. ECS refuses to update a service that uses one, and CloudFormation could then
//! neither update the stack nor roll it back.

use crate::model::{Stack, StackResource};
use crate::ops::{ReadCache, Result};

/// The task definitions of the stack that were deregistered: resources whose physical ids are the ARNs of the revisions. None if the caller
/// may not describe them.
pub(in crate::ops) async fn deregistered_task_definitions(
    reads: &ReadCache,
    stack: &Stack,
) -> Result<Vec<StackResource>> {
    let mut deregistered = Vec::new();
    let is_task_definition =
        |resource: &StackResource| resource.resource_type == "AWS::ECS::TaskDefinition" && resource.exists();
    for resource in reads.resources(stack).await?.into_iter().filter(is_task_definition) {
        match reads.aws().is_task_definition_active(&resource.physical_id).await {
            Ok(true) => {}
            Ok(false) => deregistered.push(resource),
            Err(error) if error.kind.is_access_denied() => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(deregistered)
}
