//! Checks before anything changes: requirements of services, and conflicts that CloudFormation would reject only halfway through. They only
//! read, except for one temporary change set.

mod descriptions;
mod exports;
mod name_conflicts;
mod requirements;

use std::collections::BTreeMap;

use super::preview::{Preview, preview_change_set};
use crate::aws::AwsError;
use crate::diagnostic::Diagnostic;
use crate::hint::Hint;
use crate::model::{Export, PlannedChange, Stack, StackRequest, StackResource, StackState};
use crate::ops::{ReadCache, Result};
use crate::stack::diff::Impact;
use crate::stack::{CustomName, KnownValues, Replacement, Template, TemplateDiff};

pub(crate) use requirements::requirements;

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// The deploy would fail: the cause and the fix.
    Rejection(Diagnostic),
    /// What may make the deploy fail, or what could not be checked.
    Note(String),
}

impl Finding {
    fn rejection(message: String, hint: impl Into<Hint>) -> Self {
        Self::Rejection(Diagnostic::new(message).hint(hint))
    }

    /// The finding as a sentence, for a report that is not about a deploy.
    pub fn as_note(&self) -> Hint {
        match self {
            Self::Rejection(Diagnostic { message, hint, .. }) => {
                let note = Hint::from(format!("deploy rejects this: {message}"));
                match hint {
                    Some(hint) => note.text("; ").append(hint),
                    None => note,
                }
            }
            Self::Note(message) => message.as_str().into(),
        }
    }
}

/// A stack as it is and as it would be deployed.
#[derive(Debug, Clone, Copy)]
pub struct StackUpdate<'a> {
    pub stack: &'a str,
    pub service_key: Option<&'a str>,
    /// The stack, when there is one.
    pub existing: Option<&'a Stack>,
    /// The template of what is deployed; empty when nothing is.
    pub deployed: &'a Template,
    pub desired: &'a Template,
}

/// What CloudFormation would reject in the middle of an update: custom names and exports that are in use. `planned` are the changes of a
/// change set, which decide what is replaced; without one the templates do.
///
/// A denied permission is a note. A stack with an operation in progress has no findings, because its resources are still changing.
pub async fn rejections(
    reads: &ReadCache,
    update: &StackUpdate<'_>,
    planned: Option<&[PlannedChange]>,
) -> Result<Vec<Finding>> {
    let status = update.existing.map(|stack| stack.status.state());
    if status == Some(StackState::InProgress) {
        return Ok(Vec::new());
    }
    let replacements = match planned {
        Some(changes) => replacements_of(changes),
        None => likely_replacements(update.deployed, update.desired),
    };
    let mut context = PreflightContext::read(reads, update).await?;
    let mut findings = std::mem::take(&mut context.notes);
    findings.extend(exports::rejections(reads, update, &context, &replacements).await?);
    findings.extend(name_conflicts::rejections(reads, update, &context, &replacements).await?);
    Ok(findings)
}

/// As [`rejections`], for a stack whose change set is not made yet: where the templates suggest a replacement that matters, a temporary change
/// set decides. `change_set` is its name. `on_change_set` is called with true before the
/// change set may exist, and with false after it is deleted.
pub async fn rejections_before_change_set(
    reads: &ReadCache,
    update: &StackUpdate<'_>,
    request: &StackRequest<'_>,
    change_set: &str,
    on_change_set: impl Fn(bool),
) -> Result<Vec<Finding>> {
    let replaces = !likely_replacements(update.deployed, update.desired).is_empty();
    let findings = rejections(reads, update, None).await?;
    match update.existing {
        Some(existing) if replaces && !findings.is_empty() => {
            on_change_set(true);
            let planned = preview_change_set(reads.aws(), request, change_set, existing, &mut Vec::new()).await;
            on_change_set(false);
            match planned? {
                Some(Preview::Changes(changes)) => rejections(reads, update, Some(&changes)).await,
                Some(Preview::NoChanges) => rejections(reads, update, Some(&[])).await,
                None => Ok(findings),
            }
        }
        _ => Ok(findings),
    }
}

/// What a change set replaces.
fn replacements_of(changes: &[PlannedChange]) -> Vec<Replacement> {
    let replaced = changes.iter().filter_map(|change| {
        let is_certain = match change.replacement.as_deref()? {
            "True" => true,
            "Conditional" => false,
            _ => return None,
        };
        let named = |is_one: fn(&str) -> bool| {
            change.properties.iter().filter(|(_, word)| is_one(word)).map(|(name, _)| name.clone()).collect()
        };
        Some(Replacement {
            logical_id: change.logical_id.clone(),
            is_certain,
            causes: named(|word| word != "Never"),
            changed: named(|_| true),
        })
    });
    replaced.collect()
}

/// What the templates suggest to be replaced.
fn likely_replacements(deployed: &Template, desired: &Template) -> Vec<Replacement> {
    let diff = TemplateDiff::between(deployed, desired);
    let replaced = diff.resources.into_iter().filter(|resource| {
        let exists_in_both = resource.change.old.is_some() && resource.change.new.is_some();
        exists_in_both && matches!(resource.impact, Impact::Replace | Impact::MayReplace)
    });
    let replaced = replaced.map(|resource| Replacement {
        is_certain: resource.impact == Impact::Replace,
        causes: resource
            .properties
            .into_iter()
            .filter(|property| matches!(property.impact, Impact::Replace | Impact::MayReplace))
            .map(|property| property.name)
            .collect(),
        // Empty: the check of name conflicts compares the values itself.
        changed: Vec::new(),
        logical_id: resource.logical_id,
    });
    replaced.collect()
}

/// What the checks of one stack share.
struct PreflightContext {
    /// The stack's own resources that exist.
    resources: Vec<StackResource>,
    /// All exports of the region; empty when none is needed.
    exports: Vec<Export>,
    known: KnownValues,
    notes: Vec<Finding>,
}

impl PreflightContext {
    /// Reads what the two templates refer to.
    async fn read(reads: &ReadCache, update: &StackUpdate<'_>) -> Result<Self> {
        let mut notes = Vec::new();
        let named = |template: &Template| {
            template.section("Resources").any(|(_, one)| CustomName::from_resource(one).is_some())
        };
        let has_exports = |template: &Template| template.section("Outputs").any(|(_, one)| one.get("Export").is_some());
        let has_names = named(update.desired);
        let exporting = has_exports(update.desired) || has_exports(update.deployed);
        let resources = match update.existing {
            Some(stack) if has_names || exporting => {
                let resources = unless_denied(reads.resources(stack).await, &mut notes)?.unwrap_or_default();
                // Resources with DELETE_SKIPPED no longer belong to the stack and conflict like any other.
                resources.into_iter().filter(|one| one.exists() && one.status != "DELETE_SKIPPED").collect()
            }
            _ => Vec::new(),
        };
        let imports = has_names && update.desired.to_json().contains("Fn::ImportValue");
        let exports = if exporting || imports {
            unless_denied(reads.exports().await, &mut notes)?.unwrap_or_default()
        } else {
            Vec::new()
        };
        let ids = resources.iter().map(|one| (one.logical_id.clone(), one.physical_id.clone()));
        let mut references: BTreeMap<String, String> = ids.collect();
        references.insert("AWS::StackName".to_owned(), update.stack.to_owned());
        references.insert("AWS::Region".to_owned(), reads.aws().region().to_owned());
        if let Some(stack) = update.existing {
            references.insert("AWS::AccountId".to_owned(), stack.account().to_owned());
            references.insert("AWS::StackId".to_owned(), stack.arn.clone());
        }
        let values = exports.iter().map(|export| (export.name.clone(), export.value.clone())).collect();
        Ok(Self { resources, exports, known: KnownValues { references, exports: values }, notes })
    }

    /// Whether a resource with this physical id belongs to the stack.
    fn has(&self, physical_id: &str) -> bool {
        self.resources.iter().any(|own| own.physical_id == physical_id)
    }
}

/// Turns denied calls into notes: CloudFormation's roles may have permissions that the user lacks.
fn unless_denied<T>(answer: std::result::Result<T, AwsError>, notes: &mut Vec<Finding>) -> Result<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind.is_access_denied() => {
            notes.push(Finding::Note(format!("not checked: {error}")));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
