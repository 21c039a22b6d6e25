//! Operations: Cloud Map answers changes with the id of one.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Operation, State};
use crate::sandbox::services::Reply;
use crate::sandbox::world::clock::epoch_seconds;
use crate::sandbox::world::ids;
use crate::sandbox::{Fault, Sandbox};

/// How many operations are remembered; AWS forgets them after a while.
const REMEMBERED: usize = 500;

/// Notes a change that is done, and gives the answer to it.
pub fn record(state: &mut State, kind: &str, targets: &[(&str, &str)], created: Timestamp) -> Value {
    let id = ids::lower(32);
    let targets = targets.iter().map(|(kind, id)| ((*kind).to_owned(), (*id).to_owned())).collect();
    state.operations.insert(id.clone(), Operation { id: id.clone(), kind: kind.to_owned(), targets, created });
    if state.operations.len() > REMEMBERED {
        let oldest =
            state.operations.values().min_by_key(|operation| operation.created).map(|operation| operation.id.clone());
        oldest.and_then(|oldest| state.operations.remove(&oldest));
    }
    json!({ "OperationId": id })
}

/// The input of `GetOperation`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Get {
    operation_id: String,
}

/// `GetOperation`.
pub fn get(sandbox: &Arc<Sandbox>, input: Get) -> Reply {
    sandbox.world.read(|world| {
        let Some(operation) = world.cloudmap.operations.get(&input.operation_id) else {
            return Err(Fault::client(
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
