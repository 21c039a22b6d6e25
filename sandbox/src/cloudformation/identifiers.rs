//! The properties that identify a resource of a type: `primaryIdentifier` of AWS's resource provider schemas, in `identifiers.txt` next
//! to this file.

/// The identifying properties of a served type; empty for other types.
pub(super) fn find(resource_type: &str) -> Vec<&'static str> {
    let rows = include_str!("identifiers.txt").lines().map(|row| row.split(' '));
    let row = rows.map(|mut words| (words.next(), words)).find(|(name, _)| *name == Some(resource_type));
    row.map(|(_, properties)| properties.collect()).unwrap_or_default()
}
