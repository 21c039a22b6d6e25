//! Outputs, exports and imports.

use super::phase::{ResolvedTemplate, StackPhase};
use crate::Fault;
use crate::cloudformation::State;
use crate::cloudformation::model::StackOutput;
use crate::cloudformation::template::references::imports;

/// Stores what the operation in progress imports, so that no other stack removes it meanwhile. Returns the reason to fail when one
/// of the exports does not exist.
pub(super) fn reserve_imports(phase: &StackPhase, resolved: &ResolvedTemplate<'_>) -> Result<Option<String>, Fault> {
    // Names that are not known yet are left out.
    let names: Vec<String> = import_names(resolved).into_iter().flatten().collect();
    if names.is_empty() {
        return Ok(None);
    }
    phase.sandbox.store.write(|states| {
        let state = states.of_mut::<State>();
        let exports = state.exports();
        if let Some(name) = names.iter().find(|name| !exports.contains_key(*name)) {
            return Ok(Some(format!("No export named {name} found.")));
        }
        if let Some(stack) = state.stacks.get_mut(&phase.stack_id) {
            stack.pending_imports = names;
        }
        Ok(None)
    })
}

fn import_names(resolved: &ResolvedTemplate<'_>) -> Vec<Result<String, String>> {
    let ResolvedTemplate { template, scope, active } = resolved;
    let is_true = |name: &str| scope.condition(name).ok();
    let resources = template.resources().iter().filter(|(name, _)| active.contains_key(*name));
    let outputs = template.outputs().values();
    let outputs = outputs.filter(|output| output["Condition"].as_str().and_then(is_true) != Some(false));
    let values = resources.map(|(_, resource)| &resource["Properties"]).chain(outputs);
    values.flat_map(|value| imports(value, &is_true)).map(|name| scope.text(name)).collect()
}

/// The stack's outputs and the names of its imports, or the reason to fail.
pub(super) fn evaluate(
    phase: &StackPhase,
    resolved: &ResolvedTemplate<'_>,
) -> Result<(Vec<StackOutput>, Vec<String>), String> {
    let scope = &resolved.scope;
    let mut outputs = Vec::new();
    for (key, declared) in resolved.template.outputs() {
        let condition = declared["Condition"].as_str();
        if !condition.map_or(Ok(true), |name| scope.condition(name))? {
            continue;
        }
        let export = declared.pointer("/Export/Name").map(|name| scope.text(name)).transpose()?;
        let value = scope.text(&declared["Value"])?;
        let description = declared["Description"].as_str().map(str::to_owned);
        outputs.push(StackOutput { key: key.clone(), value, description, export });
    }
    check_exports(phase, &outputs)?;
    let imports = import_names(resolved).into_iter().flatten().collect();
    Ok((outputs, imports))
}

/// Refuses an export whose name another stack has, and changes of exports that other stacks use.
fn check_exports(phase: &StackPhase, outputs: &[StackOutput]) -> Result<(), String> {
    phase.sandbox.store.read(|states| {
        let state = states.of::<State>();
        for name in outputs.iter().filter_map(|output| output.export.as_deref()) {
            if let Some((stack, _)) = state.export(name).filter(|(stack, _)| stack.id != phase.stack_id) {
                return Err(format!("Export with name {name} is already exported by stack {}. ", stack.name));
            }
        }
        let before = state.stacks.get(&phase.stack_id).map(|stack| stack.outputs.clone()).unwrap_or_default();
        for old in &before {
            let Some(name) = &old.export else { continue };
            let new = outputs.iter().find(|output| output.export.as_ref() == Some(name));
            let users = state.importers(name).join(" and ");
            match new {
                _ if users.is_empty() => {}
                None => return Err(format!("Cannot delete export {name} as it is in use by {users}")),
                Some(new) if new.value != old.value => {
                    return Err(format!("Cannot update export {name} as it is in use by {users}"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    })
}
