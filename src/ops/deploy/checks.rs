//! The checks before anything changes: once for all stacks together, and again for a stack whose change set exists.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::DeployContext;
use super::messages::Phase;
use super::outcome::Failure;
use super::preflight::{Finding, StackUpdate, rejections, rejections_before_change_set, requirements};
use super::prepared_change_set::CHANGE_SET;
use super::request::{DesiredStack, StackInputs};
use super::template_source::TemplateSource;
use crate::model::{PlannedChange, StackState};
use crate::ops::OpsError;

type Result<T, S> = std::result::Result<T, Failure<<S as TemplateSource>::Error>>;

/// The state of the checks of one deploy.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// Whether all stacks together passed; `None` before they were checked.
    passed: Option<bool>,
    /// The notes that were sent.
    notes: BTreeSet<String>,
}

/// Checks all stacks of the deploy, once. The first caller gets everything that was found, the others an empty rejection.
pub(super) async fn check_all<S: TemplateSource>(deploy: &DeployContext<'_, S>) -> Result<(), S> {
    if !deploy.request.preflight {
        return Ok(());
    }
    let mut checks = deploy.checks.lock().await;
    match checks.passed {
        Some(true) => return Ok(()),
        Some(false) => return Err(Failure::Rejected(OpsError::Rejected { rejections: Vec::new() }.into())),
        None => {}
    }
    let stacks: Vec<_> = deploy.request.stacks.iter().map(|inputs| inputs.stack.clone()).collect();
    let mut findings = requirements(deploy.reads, deploy.request.spec, &stacks).await?;
    let per_stack = try_join_all(deploy.request.stacks.iter().map(|inputs| check_stack(deploy, inputs))).await?;
    findings.extend(per_stack.into_iter().flatten());
    let result = report(deploy, &mut checks, findings);
    checks.passed = Some(result.is_ok());
    result
}

/// Checks a stack again with what only its change set knows.
pub(super) async fn check_planned<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    update: &StackUpdate<'_>,
    planned: &[PlannedChange],
) -> Result<(), S> {
    if !deploy.request.preflight {
        return Ok(());
    }
    let findings = rejections(deploy.reads, update, Some(planned)).await?;
    let mut checks = deploy.checks.lock().await;
    match report::<S>(deploy, &mut checks, findings) {
        // Other stacks may have changed by now.
        Err(Failure::Rejected(error)) => Err(Failure::Failed(error)),
        result => result,
    }
}

/// Checks one stack with its template as far as it is known before its dependencies are deployed.
async fn check_stack<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    inputs: &StackInputs<'_>,
) -> Result<Vec<Finding>, S> {
    let stack = inputs.stack;
    let name = &stack.name;
    let template = deploy.source.preview(stack).await.map_err(Failure::Failed)?;
    let existing = deploy.reads.stack(name).await?;
    let existing = existing.filter(|stack| stack.status.state() != StackState::InReview);
    let deployed = deploy.deployed_template(existing.as_ref()).await?;
    let template = template.with_additions_of(&deployed);
    let desired = DesiredStack::new(deploy.request, inputs, &template, &deployed, existing.as_ref())?;
    if existing.as_ref().is_some_and(|existing| desired.is_deployed(existing, &deployed)) {
        return Ok(Vec::new());
    }
    let service_key = stack.service_key();
    let update =
        StackUpdate { stack: name, service_key, existing: existing.as_ref(), deployed: &deployed, desired: &template };
    // An interruption deletes the temporary change set.
    let on_change_set = |exists| deploy.reporter.phase(name, Phase::CheckChangeSet { exists });
    Ok(rejections_before_change_set(deploy.reads, &update, &desired.request(), CHANGE_SET, on_change_set).await?)
}

/// Sends notes that are new; rejections become one error.
fn report<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    checks: &mut Checks,
    findings: Vec<Finding>,
) -> Result<(), S> {
    let mut rejections = Vec::new();
    for finding in findings {
        match finding {
            Finding::Note(note) if checks.notes.insert(note.clone()) => deploy.reporter.warn(note),
            Finding::Note(_) => {}
            Finding::Rejection(rejection) => rejections.push(rejection),
        }
    }
    if rejections.is_empty() { Ok(()) } else { Err(Failure::Rejected(OpsError::Rejected { rejections }.into())) }
}
