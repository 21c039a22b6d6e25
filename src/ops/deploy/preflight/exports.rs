//! Exports whose names other stacks use, and changes of exports that other stacks import.

use serde_json::Value;

use super::{Finding, PreflightContext, Result, StackUpdate, unless_denied};
use crate::model::{Export, stack_name};
use crate::ops::ReadCache;
use crate::stack::{Replacement, Template, is_replaced_value};

/// The exports that CloudFormation would refuse to create, change or delete.
pub(super) async fn rejections(
    reads: &ReadCache,
    update: &StackUpdate<'_>,
    context: &PreflightContext,
    replacements: &[Replacement],
) -> Result<Vec<Finding>> {
    let own_arn = update.existing.map(|stack| stack.arn.as_str());
    let mut findings = conflicting_exports(update, context);
    for export in context.exports.iter().filter(|export| Some(export.stack.as_str()) == own_arn) {
        let Some(change) = export_change(update, context, replacements, export) else { continue };
        let Some(importers) = unless_denied(reads.importers(&export.name).await, &mut findings)? else { break };
        if importers.is_empty() {
            continue;
        }
        let (stack, name, importers) = (update.stack, &export.name, importers.join(", "));
        findings.push(match change {
            ExportChange::Deleted => Finding::rejection(
                format!("{stack}: export `{name}` cannot be deleted, because {importers} imports it"),
                format!("deploy {importers} without the import first, or keep the export"),
            ),
            ExportChange::Changed => Finding::rejection(
                format!("{stack}: the value of export `{name}` cannot change, because {importers} imports it"),
                format!("deploy {importers} without the import first, or keep what is exported as it is"),
            ),
            ExportChange::Unclear => Finding::Note(format!(
                "{stack}: {importers} imports export `{name}`; if its value changes, CloudFormation rejects the update"
            )),
        });
    }
    Ok(findings)
}

/// The exports that other stacks have, a finding for each of these stacks.
fn conflicting_exports(update: &StackUpdate<'_>, context: &PreflightContext) -> Vec<Finding> {
    let mut by_stack: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, _) in exported(update.desired, context) {
        let other = context.exports.iter().find(|one| one.name == name && stack_name(&one.stack) != update.stack);
        let Some(other) = other else { continue };
        match by_stack.iter_mut().find(|(stack, _)| *stack == other.stack) {
            Some((_, names)) => names.push(&other.name),
            None => by_stack.push((&other.stack, vec![&other.name])),
        }
    }
    let finding = |(arn, names): (&str, Vec<&str>)| {
        let exporter = stack_name(arn);
        let message = format!(
            "{}: stack {exporter} already exports {}, and an export name is unique in a region",
            update.stack,
            names.join(", ")
        );
        // The Name tag of a VPC that ecsws or the CDK makes is its construct path.
        let hint = format!(
            "to run on what {exporter} exports, remove [platform.stack] and set vpc = \"{exporter}/BaseVPC\" in [platform]; \
             or delete stack {exporter} first"
        );
        Finding::rejection(message, hint)
    };
    by_stack.into_iter().map(finding).collect()
}

/// Export names and values of a template. Names that are not known yet, and outputs under a condition, are left out.
fn exported<'a>(template: &'a Template, context: &PreflightContext) -> Vec<(String, &'a Value)> {
    let export = |(_, output): (&str, &'a Value)| {
        let is_certain = output.get("Condition").is_none();
        is_certain.then_some(())?;
        Some((context.known.resolve(&output["Export"]["Name"])?, &output["Value"]))
    };
    template.section("Outputs").filter_map(export).collect()
}

/// How an update affects an export.
enum ExportChange {
    Deleted,
    Changed,
    /// Only the deployment decides.
    Unclear,
}

/// What an update does to one of the stack's exports; `None` when it stays as it is.
fn export_change(
    update: &StackUpdate<'_>,
    context: &PreflightContext,
    replacements: &[Replacement],
    export: &Export,
) -> Option<ExportChange> {
    let outputs: Vec<&Value> = update.desired.section("Outputs").map(|(_, output)| output).collect();
    let named = |output: &&&Value| {
        let name = &output["Export"]["Name"];
        // A name that is not known may be this one.
        !name.is_null() && context.known.resolve(name).is_none_or(|name| name == export.name)
    };
    let matching: Vec<&&Value> = outputs.iter().filter(named).collect();
    let [output] = matching.as_slice() else {
        return Some(if matching.is_empty() { ExportChange::Deleted } else { ExportChange::Unclear });
    };
    let value = &output["Value"];
    let replaced =
        |certain: bool| is_replaced_value(value, replacements.iter().filter(|one| one.is_certain == certain));
    let before = update.deployed.section("Outputs").find(|(_, old)| old["Export"] == output["Export"]);
    let same_text = before.is_some_and(|(_, old)| old["Value"] == *value);
    match context.known.resolve(value) {
        _ if output.get("Condition").is_some() => Some(ExportChange::Unclear),
        _ if replaced(true) => Some(ExportChange::Changed),
        _ if replaced(false) => Some(ExportChange::Unclear),
        Some(text) if text == export.value => None,
        _ if same_text => None,
        Some(_) => Some(ExportChange::Changed),
        None => Some(ExportChange::Unclear),
    }
}
