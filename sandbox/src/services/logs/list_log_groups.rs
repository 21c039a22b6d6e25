//! ListLogGroups: names, ARNs and classes of groups, found by parts of their names.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::{invalid_token, limit};
use crate::Sandbox;
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::logs::State;

const PAGE_SIZE: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListLogGroupsInput {
    log_group_name_pattern: Option<String>,
    log_group_class: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

pub(super) fn run(sandbox: &Arc<Sandbox>, input: ListLogGroupsInput) -> OperationResult {
    let limit = limit(input.limit, PAGE_SIZE, 1000)?;
    let query = format!("ListLogGroups {:?} {:?}", input.log_group_name_pattern, input.log_group_class);
    let is_listed = |name: &str| input.log_group_name_pattern.as_ref().is_none_or(|pattern| matches(pattern, name));
    let page = sandbox.store.read(|states| {
        let groups = states.of::<State>().groups.iter().filter(|(name, group)| {
            is_listed(name) && input.log_group_class.as_ref().is_none_or(|class| group.class == *class)
        });
        let outputs = groups.map(|(name, group)| {
            let arn = sandbox.config.arn("logs", &format!("log-group:{name}"));
            (name.to_owned(), json!({ "logGroupName": name, "logGroupArn": arn, "logGroupClass": group.class }))
        });
        paging::page(outputs, &query, input.next_token.as_deref(), limit).map_err(invalid_token)
    })?;
    Ok(json!({ "logGroups": page.items, "nextToken": page.next_token }))
}

/// A pattern is a list of substrings separated by `|`. One with a leading `^` is a prefix (API reference).
fn matches(pattern: &str, name: &str) -> bool {
    pattern.split('|').any(|part| match part.strip_prefix('^') {
        Some(beginning) => name.starts_with(beginning),
        None => name.contains(part),
    })
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_are_parts_of_names() {
        assert!(matches("web", "/ecs/web"));
        assert!(matches("^/ecs|other", "/ecs/web"));
        assert!(!matches("^web", "/ecs/web"));
    }
}
