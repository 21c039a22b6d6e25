//! What all other modules use: faults, time, ids, ARNs, paging, patterns and tags. It uses none of them.

pub(crate) mod arn;
pub(crate) mod clock;
pub(crate) mod draft_file;
pub(crate) mod fault;
pub mod glob;
pub(crate) mod ids;
pub(crate) mod java_regex;
pub(crate) mod paging;
pub(crate) mod partition;
pub(crate) mod regions;
pub(crate) mod request_log;
pub(crate) mod supervisor;
pub(crate) mod tags;
pub(crate) mod token_bucket;
pub(crate) mod zones;

/// `stackName` for `StackName`, as AWS's validation errors write members.
pub(crate) fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
