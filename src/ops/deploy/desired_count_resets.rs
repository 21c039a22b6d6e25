//! Warns of desired counts that were changed outside of a stack and that its update resets.

use super::messages::Reporter;
use super::preflight::StackUpdate;
use crate::model::{PlannedChange, Stack};
use crate::ops::locate::{is_existing_service, service_name};
use crate::ops::{ReadCache, Result};
use crate::stack::TemplateDiff;

/// Warns, before an update, of the desired counts that it resets. CloudFormation sends a service's count with every other change of the
/// service.
pub(super) async fn warn_of_desired_count_resets<E>(
    reads: &ReadCache,
    update: &StackUpdate<'_>,
    diff: &TemplateDiff,
    planned: &[PlannedChange],
    reporter: &Reporter<E>,
) {
    let Some(existing) = update.existing else { return };
    let shows_count = |id: &str| {
        let mut changes = diff.resources.iter().filter(|resource| resource.logical_id == id);
        changes.any(|resource| resource.properties.iter().any(|property| property.name == "DesiredCount"))
    };
    let resets = update.deployed.section("Resources").filter_map(|(id, resource)| {
        let count = resource["Properties"]["DesiredCount"].as_u64()?;
        let is_planned = planned.iter().any(|change| change.logical_id == id);
        (resource["Type"] == "AWS::ECS::Service" && is_planned && !shows_count(id)).then_some((id, count))
    });
    let resets: Vec<(&str, u64)> = resets.collect();
    if resets.is_empty() {
        return;
    }
    // Reading needs permissions that deploying does not, so a failure is ignored.
    let Ok(running) = desired_counts(reads, existing).await else { return };
    for (id, service, desired) in running {
        if let Some((_, count)) = resets.iter().find(|(reset, count)| *reset == id && *count != u64::from(desired)) {
            reporter.warn(format!("{service}: desired count is {desired}, and this deploy resets it to {count}"));
        }
    }
}

/// The services of a stack: logical id, name and desired count.
async fn desired_counts(reads: &ReadCache, stack: &Stack) -> Result<Vec<(String, String, u32)>> {
    let mut counts = Vec::new();
    let (aws, resources) = (reads.aws(), reads.resources(stack).await?);
    for resource in resources.into_iter().filter(is_existing_service) {
        let Some(name) = service_name(aws, &stack.arn, &resource).await? else { continue };
        if let Some(state) = aws.service_state(&name).await? {
            counts.push((resource.logical_id, name.service, state.desired));
        }
    }
    Ok(counts)
}
