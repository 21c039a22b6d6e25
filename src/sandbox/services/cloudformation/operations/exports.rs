//! Exports and who uses them.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::template::invalid;
use crate::sandbox::Sandbox;
use crate::sandbox::services::Reply;

/// The input of `ListExports`.
#[derive(Deserialize)]
pub struct List {}

/// `ListExports`, all in one page.
pub fn list(sandbox: &Arc<Sandbox>, List {}: List) -> Value {
    sandbox.world.read(|world| {
        let live = world.cloudformation.stacks.values().filter(|stack| !stack.is_deleted());
        let exports = live.flat_map(|stack| {
            let exported = stack.outputs.iter().filter(|output| output.export.is_some());
            exported.map(|output| json!({ "ExportingStackId": stack.id, "Name": output.export, "Value": output.value }))
        });
        json!({ "Exports": exports.collect::<Vec<_>>() })
    })
}

/// The input of `ListImports`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListImports {
    export_name: String,
}

/// `ListImports`: an export that nobody uses is a fault, as on AWS.
pub fn list_imports(sandbox: &Arc<Sandbox>, input: ListImports) -> Reply {
    sandbox.world.read(|world| {
        let importers = world.cloudformation.importers(&input.export_name);
        if importers.is_empty() {
            return Err(invalid(format!("Export '{}' is not imported by any stack.", input.export_name)));
        }
        Ok(json!({ "Imports": importers }))
    })
}
