//! What all records share: finding them by their ids, and the faults for those that there are not.

use serde_json::{Value, json};

use super::State;
use super::describe::texts_at;
use super::nouns::Noun;
use crate::Fault;

/// Whether there is a record of an id.
pub fn exists(state: &State, noun: &Noun, id: &str) -> bool {
    id.starts_with(noun.prefix) && state.records.contains(id)
}

/// A record, or the noun's fault.
pub fn get<'a>(state: &'a State, noun: &Noun, id: &str) -> Result<&'a Value, Fault> {
    if let Some(malformed) = malformed(noun, id) {
        return Err(malformed);
    }
    if !exists(state, noun, id) {
        return Err(not_found(noun, &[id]));
    }
    state.records.get(id).ok_or_else(|| not_found(noun, &[id]))
}

/// A record to be changed, or the noun's fault.
pub fn get_mut<'a>(state: &'a mut State, noun: &Noun, id: &str) -> Result<&'a mut Value, Fault> {
    get(state, noun, id)?;
    state.records.get_mut(id).ok_or_else(|| not_found(noun, &[id]))
}

/// Whether any record of a noun has this text at this path.
pub fn any(state: &State, noun: &Noun, path: &str, text: &str) -> bool {
    state.records.with_prefix(noun.prefix).any(|(_, record)| texts_at(record, path).iter().any(|found| found == text))
}

/// The list at a member of a record, to be changed; there is always one after this.
pub fn list<'a>(record: &'a mut Value, member: &str) -> &'a mut Vec<Value> {
    let slot = &mut record[member];
    if !slot.is_array() {
        *slot = json!([]);
    }
    slot.as_array_mut().expect("it has just been made a list")
}

/// The record that an earlier call with the same token of the client made.
pub fn made_before<'a>(state: &'a State, noun: &Noun, token: Option<&str>) -> Option<&'a Value> {
    let token = token?;
    state.records.with_prefix(noun.prefix).map(|(_, record)| record).find(|record| {
        // Where the answers do not tell the token, it is kept beside them.
        record["clientToken"] == token || record["attributes"]["clientToken"] == token
    })
}

/// The fault for ids that there are not.
pub fn not_found(noun: &Noun, ids: &[&str]) -> Fault {
    let message = match ids {
        [id] => format!("The {} '{id}' does not exist", noun.word),
        ids => format!("The {}s '{}' do not exist", noun.word, ids.join(", ")),
    };
    Fault::not_found(noun.not_found, message)
}

/// The fault for what can be no id of the noun: eight or seventeen hexadecimal digits follow the prefix.
pub fn malformed(noun: &Noun, id: &str) -> Option<Fault> {
    let code = noun.malformed?;
    let message = match id.strip_prefix(noun.prefix) {
        Some(digits) if is_hex(digits) => return None,
        Some(_) => format!("Invalid id: \"{id}\""),
        None => format!("Invalid id: \"{id}\" (expecting \"{}...\")", noun.prefix),
    };
    Some(Fault::client(code, message))
}

/// Whether the digits of an id are some, the old or the new length of them.
pub fn is_hex(digits: &str) -> bool {
    matches!(digits.len(), 8 | 17) && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// The fault for something that is still used.
pub fn dependency_violation(word: &str, id: &str) -> Fault {
    Fault::client("DependencyViolation", format!("The {word} '{id}' has dependencies and cannot be deleted."))
}

/// The answer of operations that only say that they worked.
pub fn returned() -> Value {
    json!({ "return": true })
}
