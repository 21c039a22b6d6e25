//! Compares a stack with what deploy would make of it: the templates, a read-only change set, and what neither of them shows.

mod running_differences;
mod temporary_change_sets;

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::deploy::preflight::{Finding, StackUpdate, rejections, requirements};
use super::deploy::prepared_change_set::{check_size, to_planned_resources};
use super::deploy::preview::{Preview, preview_change_set};
use super::{ReadCache, Result};
use crate::diagnostic::Diagnostic;
use crate::hint::Hint;
use crate::model::{PlannedChange, StackRequest};
use crate::stack::{INCOMPARABLE, ProjectStack, Spec, Template, TemplateDiff};

pub(crate) use running_differences::running_differences;
pub use temporary_change_sets::TemporaryChangeSets;

/// What a stack would be deployed with.
#[derive(Debug)]
pub struct DiffInputs<'a> {
    pub stack: &'a str,
    /// The key of the service that the stack is for.
    pub service_key: Option<&'a str>,
    /// The synthesised template.
    pub template: &'a Template,
    /// The stack's tags; none leaves the deployed ones as they are.
    pub tags: &'a [(String, String)],
    /// The parameters that are given.
    pub parameters: &'a BTreeMap<&'a str, &'a str>,
}

/// What deploying a stack would change.
#[derive(Debug, Clone, PartialEq)]
pub struct StackDiff {
    pub name: String,
    /// Every difference.
    pub diff: TemplateDiff,
    /// What the diff does not show, in sentences.
    pub notes: Vec<Hint>,
}

/// Compares stacks with what is desired, concurrently. `stacks` are the same stacks in the project. `change_sets` is as for [`compare`].
///
/// # Errors
/// Temporary change sets may then be left: [`TemporaryChangeSets::delete_own`] deletes them.
pub(crate) async fn compare_stacks(
    reads: &ReadCache,
    spec: &Spec,
    stacks: &[ProjectStack],
    desired: &[DiffInputs<'_>],
    change_sets: Option<&TemporaryChangeSets>,
) -> Result<Vec<StackDiff>> {
    let mut diffs = try_join_all(desired.iter().map(|desired| compare(reads, desired, change_sets))).await?;
    // As in a deploy: once something changes, the requirements of all stacks are checked.
    if let Some(first) = diffs.iter_mut().find(|stack| !stack.diff.is_empty()) {
        let findings = requirements(reads, spec, stacks).await?;
        first.notes.extend(findings.iter().map(Finding::as_note));
    }
    Ok(diffs)
}

/// Compares a stack with what is desired. With `change_sets`, a temporary change set is created, read and deleted.
pub async fn compare(
    reads: &ReadCache,
    desired: &DiffInputs<'_>,
    change_sets: Option<&TemporaryChangeSets>,
) -> Result<StackDiff> {
    let (name, aws) = (desired.stack, reads.aws());
    let Some(existing) = reads.stack(name).await? else {
        let deployed = Template::default();
        let diff = TemplateDiff::between(&deployed, desired.template);
        let service_key = desired.service_key;
        let update =
            StackUpdate { stack: name, service_key, existing: None, deployed: &deployed, desired: desired.template };
        let notes = rejected(reads, &update, &desired.template.to_body(), None).await?;
        return Ok(StackDiff { name: name.to_owned(), diff, notes });
    };
    let clean_up = async { change_sets?.delete_abandoned(aws, &existing).await };
    let (deployed, unexecuted) = tokio::join!(reads.template(&existing), clean_up);
    let deployed = deployed?.unwrap_or_default();
    let template = desired.template.with_additions_of(&deployed);
    let parameters = template.parameters_to_send(desired.parameters, &existing.parameters, &deployed);
    let templates = TemplateDiff::between(&deployed, &template);
    let needs_change_set = !templates.resources.is_empty() || deployed.has_question_mark();
    let needs_change_set = needs_change_set || parameters.iter().any(|(_, value)| value.is_some());
    let body = template.to_body();
    // `rejected` reports a template that is too large.
    let needs_change_set = needs_change_set && check_size(name, &body).is_ok();
    let diff = templates.with_tags(&existing.tags, desired.tags);
    let mut diff = diff.with_parameters(&existing.parameters, &parameters, &template);
    let mut notes: Vec<Hint> =
        running_differences(reads, &existing, &deployed).await?.into_iter().chain(unexecuted).map(Hint::from).collect();
    let request = StackRequest {
        stack: name,
        template: &body,
        tags: desired.tags,
        parameters: &parameters,
        capabilities: &template.capabilities(),
        role_arn: None,
        notification_arns: None,
    };
    let preview = match change_sets.filter(|_| needs_change_set) {
        Some(change_sets) => preview_change_set(aws, &request, &change_sets.name(), &existing, &mut notes).await?,
        None => None,
    };
    let service_key = desired.service_key;
    let update =
        StackUpdate { stack: name, service_key, existing: Some(&existing), deployed: &deployed, desired: &template };
    let incomparable = match &preview {
        Some(Preview::NoChanges) => {
            diff = diff.refined_with(&[], &deployed, &template).without_parameter_values();
            drop(diff.take_incomparable(true));
            Vec::new()
        }
        Some(Preview::Changes(changes)) => {
            diff = diff.refined_with(&to_planned_resources(changes), &deployed, &template);
            diff.take_incomparable(true)
        }
        None => diff.take_incomparable(false),
    };
    if !diff.is_empty() {
        let changes = match &preview {
            Some(Preview::Changes(changes)) => Some(changes.as_slice()),
            Some(Preview::NoChanges) | None => None,
        };
        notes.extend(rejected(reads, &update, &body, changes).await?);
    }
    let incomparable_names: Vec<&str> = incomparable.iter().map(|named| named.name.as_str()).collect();
    let mut note_question_mark = |what: String| {
        notes.push(format!("{name}: {what}: CloudFormation returns `?` for characters that are not ASCII").into());
    };
    if !incomparable.is_empty() {
        note_question_mark(format!("{} cannot be compared", incomparable_names.join(", ")));
    }
    let undisplayable_changes = diff.undisplayable_changes();
    if !undisplayable_changes.is_empty() {
        note_question_mark(format!("the change of {} cannot be shown", undisplayable_changes.join(", ")));
    }
    Ok(StackDiff { name: name.to_owned(), diff: diff.with_section(&INCOMPARABLE, incomparable), notes })
}

/// What deploy would reject of an update, whose template has this text.
async fn rejected(
    reads: &ReadCache,
    update: &StackUpdate<'_>,
    body: &str,
    changes: Option<&[PlannedChange]>,
) -> Result<Vec<Hint>> {
    let mut findings = rejections(reads, update, changes).await?;
    if let Err(error) = check_size(update.stack, body) {
        findings.push(Finding::Rejection(Diagnostic::new(error.to_string())));
    }
    Ok(findings.iter().map(Finding::as_note).collect())
}
