//! What all other modules use: faults, time, ids, paging, patterns and tags. It uses none of them.

pub mod clock;
pub mod fault;
pub mod glob;
pub mod ids;
pub mod java_regex;
pub mod paging;
pub mod partition;
pub mod regions;
pub mod request_log;
pub mod supervisor;
pub mod tags;
pub mod zones;

/// `stackName` for `StackName`, as AWS's validation errors write members.
pub fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
