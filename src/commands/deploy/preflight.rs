//! The checks before anything changes: once for all stacks together, and again for a stack whose change set is made.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::request::Wanted;
use super::stack::CHANGE_SET;
use super::stage::{Shared, Stage, Underway};
use crate::error::{CliError, Report};
use crate::exit::Exit;
use crate::model::PlannedChange;
use crate::ops::{self, Finding, StackUpdate};
use crate::render;
use crate::stack::{ProjectStack, Template};

/// What the checks of a deploy found so far.
#[derive(Debug, Default)]
pub struct Checked {
    /// Whether all stacks together passed; `None` before they were checked.
    passed: Option<bool>,
    /// The notes that were printed.
    notes: BTreeSet<String>,
}

/// Whether the checks of all stacks together rejected the deploy, so that nothing has changed.
pub fn is_rejected(shared: &Shared<'_>) -> bool {
    shared.preflight.try_lock().is_ok_and(|checked| checked.passed == Some(false))
}

/// Checks all stacks of the deploy. The first caller checks and gets everything that was found; the others only stop when it failed.
pub async fn check_all(shared: &Shared<'_>) -> Result<(), CliError> {
    if shared.follow.no_preflight {
        return Ok(());
    }
    let mut checked = shared.preflight.lock().await;
    match checked.passed {
        Some(true) => return Ok(()),
        Some(false) => return Err(CliError { exit: Exit::Failed, reports: Vec::new() }),
        None => {}
    }
    let spec = shared.stage().await.project.spec.clone();
    let mut findings = ops::requirements(shared.aws, &spec, shared.stacks).await?;
    let stacks = try_join_all(shared.stacks.iter().map(|stack| check_stack(shared, stack))).await?;
    findings.extend(stacks.into_iter().flatten());
    let result = report(shared, &mut checked, findings).await;
    checked.passed = Some(result.is_ok());
    result
}

/// Checks a stack again with what only its change set knows.
pub async fn check_planned(
    shared: &Shared<'_>,
    update: &StackUpdate<'_>,
    planned: &[PlannedChange],
) -> Result<(), CliError> {
    if shared.follow.no_preflight {
        return Ok(());
    }
    let findings = ops::rejections(shared.aws, update, Some(planned)).await?;
    let mut checked = shared.preflight.lock().await;
    report(shared, &mut checked, findings).await
}

/// Checks one stack with its template as far as it is known before its dependencies are deployed.
async fn check_stack(shared: &Shared<'_>, stack: &ProjectStack) -> Result<Vec<Finding>, CliError> {
    let name = &stack.name;
    let template = {
        let mut stage = shared.stage().await;
        let Stage { project, ctx, synthesiser, .. } = &mut *stage;
        synthesiser.preview(project, name, ctx).await?
    };
    let existing = shared.aws.stack(name).await?.filter(|stack| stack.status != "REVIEW_IN_PROGRESS");
    let deployed = match &existing {
        Some(stack) => ops::deployed_template(shared.aws, stack).await?.unwrap_or_default(),
        None => Template::default(),
    };
    let desired = template.with_cdk_metadata_of(&deployed);
    let wanted = Wanted::new(shared, stack, &desired, &deployed, existing.as_ref())?;
    if existing.as_ref().is_some_and(|existing| wanted.is_there_already(shared, existing, &deployed)) {
        return Ok(Vec::new());
    }
    let service_key = stack.service_key();
    let update =
        StackUpdate { stack: name, service_key, existing: existing.as_ref(), deployed: &deployed, desired: &desired };
    let request = wanted.request(shared, name);
    // An interruption deletes the temporary change set of a stack that is being prepared.
    let is_idle = !shared.underway().contains_key(name);
    if is_idle {
        shared.is(name, Some(Underway::Preparing));
    }
    let findings = ops::rejections_before_change_set(shared.aws, &update, &request, CHANGE_SET).await;
    if is_idle && shared.underway().get(name) == Some(&Underway::Preparing) {
        shared.is(name, None);
    }
    Ok(findings?)
}

/// Prints notes that are new; rejections become one error.
async fn report(shared: &Shared<'_>, checked: &mut Checked, findings: Vec<Finding>) -> Result<(), CliError> {
    let mut reports = Vec::new();
    for finding in findings {
        match finding {
            Finding::Note(note) if checked.notes.insert(note.clone()) => {
                let mut stage = shared.stage().await;
                stage.view.end();
                stage.ctx.ui.warn(&render::clean(&note, false));
            }
            Finding::Note(_) => {}
            Finding::Rejection { message, hint } => reports.push(Report { message, place: None, hint }),
        }
    }
    if reports.is_empty() { Ok(()) } else { Err(CliError { exit: Exit::Failed, reports }) }
}
