//! The operations that list exports and the stacks that import them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::describe_stacks::ITEMS_PER_PAGE;
use super::page;
use crate::Sandbox;
use crate::cloudformation::State;
use crate::cloudformation::template::invalid;
use crate::core::OperationResult;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListExportsInput {
    next_token: Option<String>,
}

/// `ListExports`, sorted by name.
pub(crate) fn list(sandbox: &Arc<Sandbox>, input: ListExportsInput) -> OperationResult {
    sandbox.store.read(|states| {
        let existing_stacks = states.of::<State>().stacks.values().filter(|stack| !stack.is_deleted());
        let exports: BTreeMap<String, Value> = existing_stacks
            .flat_map(|stack| stack.outputs.iter().map(move |output| (stack, output)))
            .filter_map(|(stack, output)| {
                let name = output.export.clone()?;
                Some((name, json!({ "ExportingStackId": stack.id, "Name": output.export, "Value": output.value })))
            })
            .collect();
        let page = page(exports, "ListExports", input.next_token.as_deref(), ITEMS_PER_PAGE)?;
        Ok(json!({ "Exports": page.items, "NextToken": page.next_token }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListImportsInput {
    export_name: String,
    next_token: Option<String>,
}

/// `ListImports`. An export that no stack imports is a fault, as on AWS.
pub(crate) fn list_imports(sandbox: &Arc<Sandbox>, input: ListImportsInput) -> OperationResult {
    let name = &input.export_name;
    sandbox.store.read(|states| {
        let importers = states.of::<State>().importers(name);
        if importers.is_empty() {
            return Err(invalid(format!("Export '{name}' is not imported by any stack.")));
        }
        let keyed = importers.into_iter().map(|stack| (stack.to_owned(), stack));
        let page = page(keyed, name, input.next_token.as_deref(), ITEMS_PER_PAGE)?;
        Ok(json!({ "Imports": page.items, "NextToken": page.next_token }))
    })
}
