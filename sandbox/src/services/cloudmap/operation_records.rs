//! Operations: the records of changes, whose ids Cloud Map returns.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::namespaces::CloudMapFilter;
use super::{NamespaceOperation, PAGE_SIZE, State, invalid_token};
use crate::base::clock::epoch_seconds;
use crate::base::{ids, paging};
use crate::core::OperationResult;
use crate::{Fault, Sandbox};

/// How many operations are kept. AWS deletes them after some time.
const MAX_OPERATIONS: usize = 500;

/// Records a completed change, and returns the response to it.
pub(super) fn record(state: &mut State, kind: &str, targets: &[(&str, &str)], created: Timestamp) -> Value {
    let id = format!("{}-{}", ids::random_lower(32), ids::random_lower(8));
    let targets = targets.iter().map(|(kind, id)| ((*kind).to_owned(), (*id).to_owned())).collect();
    state.operations.insert(id.clone(), NamespaceOperation { id: id.clone(), kind: kind.to_owned(), targets, created });
    if state.operations.len() > MAX_OPERATIONS {
        let oldest =
            state.operations.values().min_by_key(|operation| operation.created).map(|operation| operation.id.clone());
        oldest.and_then(|oldest| state.operations.remove(&oldest));
    }
    json!({ "OperationId": id })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GetOperationInput {
    operation_id: String,
}

pub(super) fn get(sandbox: &Arc<Sandbox>, input: GetOperationInput) -> OperationResult {
    sandbox.store.read(|states| {
        let Some(operation) = states.of::<State>().operations.get(&input.operation_id) else {
            return Err(Fault::not_found(
                "OperationNotFound",
                format!("No operation with id {} exists", input.operation_id),
            ));
        };
        Ok(json!({ "Operation": {
            "Id": operation.id,
            "Type": operation.kind,
            "Status": "SUCCESS",
            "CreateDate": epoch_seconds(operation.created),
            "UpdateDate": epoch_seconds(operation.created),
            "Targets": operation.targets,
        } }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ListOperationsInput {
    #[serde(default)]
    filters: Vec<CloudMapFilter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// `ListOperations`, which shows ids and statuses only.
pub(super) fn list(sandbox: &Arc<Sandbox>, input: ListOperationsInput) -> OperationResult {
    CloudMapFilter::check(&input.filters)?;
    let query = format!("ListOperations {:?}", input.filters);
    let page = sandbox.store.read(|states| {
        let target =
            |operation: &NamespaceOperation, kind: &str| operation.targets.get(kind).cloned().unwrap_or_default();
        let matching = states.of::<State>().operations.values().filter(|operation| {
            input.filters.iter().all(|filter| {
                filter.accepts("STATUS", "SUCCESS")
                    && filter.accepts("TYPE", &operation.kind)
                    && filter.accepts("NAMESPACE_ID", &target(operation, "NAMESPACE"))
                    && filter.accepts("SERVICE_ID", &target(operation, "SERVICE"))
            })
        });
        let outputs =
            matching.map(|operation| (operation.id.clone(), json!({ "Id": operation.id, "Status": "SUCCESS" })));
        paging::page(outputs, &query, input.next_token.as_deref(), input.max_results.unwrap_or(PAGE_SIZE))
            .map_err(invalid_token)
    })?;
    Ok(json!({ "Operations": page.items, "NextToken": page.next_token }))
}
