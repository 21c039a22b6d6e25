//! Common functions for records: look-up by id, and the faults for ids that do not exist.

use serde_json::{Value, json};

use super::State;
use super::describe_operations::texts_at;
use super::resource_kinds::ResourceKind;
use crate::Fault;

pub(super) fn exists(state: &State, kind: &ResourceKind, id: &str) -> bool {
    id.starts_with(kind.prefix) && state.records.contains(id)
}

/// A record, or the kind's fault.
pub(super) fn get<'a>(state: &'a State, kind: &ResourceKind, id: &str) -> Result<&'a Value, Fault> {
    if let Some(malformed) = malformed(kind, id) {
        return Err(malformed);
    }
    if !exists(state, kind, id) {
        return Err(not_found(kind, &[id]));
    }
    state.records.get(id).ok_or_else(|| not_found(kind, &[id]))
}

/// A record for changing it, or the kind's fault.
pub(super) fn get_mut<'a>(state: &'a mut State, kind: &ResourceKind, id: &str) -> Result<&'a mut Value, Fault> {
    get(state, kind, id)?;
    state.records.get_mut(id).ok_or_else(|| not_found(kind, &[id]))
}

/// Whether any record of a kind has this string at this path.
pub(super) fn any(state: &State, kind: &ResourceKind, path: &str, text: &str) -> bool {
    state.records.with_prefix(kind.prefix).any(|(_, record)| texts_at(record, path).iter().any(|value| value == text))
}

/// The list in a member of a record, for changing it. It is created if it does not exist.
pub(super) fn list<'a>(record: &'a mut Value, member: &str) -> &'a mut Vec<Value> {
    let slot = &mut record[member];
    if !slot.is_array() {
        *slot = json!([]);
    }
    slot.as_array_mut().expect("it has just been made a list")
}

/// The record that an earlier request with the same client token has created.
pub(super) fn find_by_client_token<'a>(
    state: &'a State,
    kind: &ResourceKind,
    token: Option<&str>,
) -> Option<&'a Value> {
    let token = token?;
    state.records.with_prefix(kind.prefix).map(|(_, record)| record).find(|record| {
        // Responses of some kinds do not show the token; it is then among the attributes.
        record["clientToken"] == token || record["attributes"]["clientToken"] == token
    })
}

/// The fault for ids that do not exist.
pub(super) fn not_found(kind: &ResourceKind, ids: &[&str]) -> Fault {
    let message = match ids {
        [id] => format!("The {} '{id}' does not exist", kind.label),
        ids => format!("The {}s '{}' do not exist", kind.label, ids.join(", ")),
    };
    Fault::not_found(kind.not_found, message)
}

/// The fault for a malformed id: the prefix must be followed by 8 or 17 hexadecimal digits.
pub(super) fn malformed(kind: &ResourceKind, id: &str) -> Option<Fault> {
    let code = kind.malformed?;
    let message = match id.strip_prefix(kind.prefix) {
        Some(digits) if is_hex(digits) => return None,
        Some(_) => format!("Invalid id: \"{id}\""),
        None => format!("Invalid id: \"{id}\" (expecting \"{}...\")", kind.prefix),
    };
    Some(Fault::client(code, message))
}

/// Whether these are the digits of an id, of the old or the new length.
pub(super) fn is_hex(digits: &str) -> bool {
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// The fault for a parameter with an invalid value.
pub(super) fn invalid_parameter(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterValue", message)
}

/// The fault for a resource that is in use.
pub(super) fn dependency_violation(word: &str, id: &str) -> Fault {
    Fault::client("DependencyViolation", format!("The {word} '{id}' has dependencies and cannot be deleted."))
}

/// The response of operations that return nothing else.
pub(super) fn success() -> Value {
    json!({ "return": true })
}
