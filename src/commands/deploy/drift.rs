//! Warns of counts and task definitions that were changed outside of a stack, which no comparison of templates shows.

use super::approval::Compared;
use super::schedule::Turn;
use super::stack::Deployed;
use super::stage::Stage;
use crate::aws::Aws;
use crate::context::Context;
use crate::error::CliError;
use crate::model::PlannedChange;
use crate::ops;
use crate::project::Project;
use crate::render::{self, StackEnd};
use crate::stack::TemplateDiff;

/// After a deploy: warns of services whose count or task definition differs from the template. A failure to read them is a warning too,
/// because the deploy succeeded.
pub async fn warn_of_drift(
    turns: &[Turn<Deployed, CliError>],
    project: &Project,
    ctx: &mut Context,
) -> Result<(), CliError> {
    let aws = ctx.aws(Some(project)).await?;
    for turn in turns {
        let Turn::Done(Deployed { stack, template, end }) = turn else { continue };
        if *end == StackEnd::Prepared || !template.has_type("AWS::ECS::Service") {
            continue;
        }
        let notes = match ops::unseen(&aws, stack, template).await {
            Ok(notes) => notes,
            Err(error) => vec![format!("what runs is not compared: {error}")],
        };
        for note in notes {
            render::warn_event(&mut ctx.ui, note);
        }
    }
    Ok(())
}

/// Before an update: the desired counts that it resets. CloudFormation sends a service's count with every other change of the service.
pub async fn warn_of_resets(
    aws: &Aws,
    compared: Compared<'_>,
    diff: &TemplateDiff,
    planned: &[PlannedChange],
    stage: &mut Stage<'_>,
) {
    let Some(existing) = compared.existing else { return };
    let shows_count = |id: &str| {
        let mut changes = diff.resources.iter().filter(|resource| resource.logical_id == id);
        changes.any(|resource| resource.properties.iter().any(|property| property.name == "DesiredCount"))
    };
    let resets = compared.deployed.section("Resources").filter_map(|(id, resource)| {
        let count = resource["Properties"]["DesiredCount"].as_u64()?;
        let is_planned = planned.iter().any(|change| change.logical_id == id);
        (resource["Type"] == "AWS::ECS::Service" && is_planned && !shows_count(id)).then_some((id, count))
    });
    let resets: Vec<(&str, u64)> = resets.collect();
    if resets.is_empty() {
        return;
    }
    // Reading needs permissions that deploying does not, so a failure is ignored.
    let Ok(running) = ops::desired_counts(aws, &existing.arn).await else { return };
    for (id, service, desired) in running {
        if let Some((_, count)) = resets.iter().find(|(reset, count)| *reset == id && *count != u64::from(desired)) {
            render::warn_event(
                &mut stage.ctx.ui,
                format!("{service}: desired count is {desired}, and this deploy resets it to {count}"),
            );
        }
    }
}
