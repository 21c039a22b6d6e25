//! Log groups: create, delete, describe.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{events, group, invalid_parameter, invalid_token, limit, stream_key};
use crate::base::tags::TagMap;
use crate::base::{paging, supervisor};
use crate::core::OperationResult;
use crate::services::logs::State;
use crate::{Fault, Sandbox};

const MAX_NAME_CHARACTERS: usize = 512;
const TOO_LONG: &str = "Invalid LogGroup or LogStream, both must have length less than or equal to 512.";
const PAGE_SIZE: usize = 50;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LogGroup {
    /// Identifies the group in the keys of its events. A recreated group has a new id.
    pub id: u64,
    pub name: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Events are kept without limit when left out.
    pub retention_in_days: Option<u32>,
    /// Shown only: log groups are not encrypted.
    pub kms_key_id: Option<String>,
    /// `STANDARD` or another class.
    pub class: String,
    pub tags: TagMap,
    /// The size of its events.
    pub stored_bytes: u64,
}

impl LogGroup {
    fn to_output(&self, sandbox: &Sandbox) -> Value {
        let arn = sandbox.config.arn("logs", &format!("log-group:{}", self.name));
        json!({
            "logGroupName": self.name,
            "creationTime": self.created_at,
            "retentionInDays": self.retention_in_days,
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "storedBytes": self.stored_bytes,
            "kmsKeyId": self.kms_key_id,
            "logGroupClass": self.class,
            "logGroupArn": arn,
            "deletionProtectionEnabled": false,
        })
    }
}

/// Refuses a name that AWS does not accept.
pub(super) fn check_name(member: &str, name: &str, allowed: fn(char) -> bool, pattern: &str) -> Result<(), Fault> {
    if name.len() > MAX_NAME_CHARACTERS {
        return Err(invalid_parameter(TOO_LONG));
    }
    if name.is_empty() || !name.chars().all(allowed) {
        return Err(invalid_parameter(format!(
            "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: {pattern}"
        )));
    }
    Ok(())
}

fn in_group_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || ".-_/#".contains(character)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateLogGroupInput {
    log_group_name: String,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: TagMap,
    log_group_class: Option<String>,
    #[serde(default)]
    deletion_protection_enabled: bool,
}

pub(super) fn create(sandbox: &Arc<Sandbox>, input: CreateLogGroupInput) -> OperationResult {
    let CreateLogGroupInput { log_group_name: name, kms_key_id, tags, log_group_class, deletion_protection_enabled } =
        input;
    if deletion_protection_enabled {
        return Err(Fault::not_implemented("logs:CreateLogGroup with deletionProtectionEnabled"));
    }
    check_name("logGroupName", &name, in_group_name, r"[\.\-_/#A-Za-z0-9]+")?;
    let created_at = sandbox.clock.now().as_millisecond();
    sandbox.store.write(|states| {
        if states.of::<State>().groups.contains(&name) {
            return Err(Fault::already_exists(
                "ResourceAlreadyExistsException",
                "The specified log group already exists",
            ));
        }
        let class = log_group_class.unwrap_or_else(|| "STANDARD".to_owned());
        let id = rand::random();
        let group = LogGroup {
            id,
            name: name.clone(),
            created_at,
            retention_in_days: None,
            kms_key_id,
            class,
            tags,
            stored_bytes: 0,
        };
        states.of_mut::<State>().groups.insert(name, group);
        Ok(Value::Null)
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeleteLogGroupInput {
    log_group_name: String,
}

pub(super) fn delete(
    sandbox: &Arc<Sandbox>,
    DeleteLogGroupInput { log_group_name: name }: DeleteLogGroupInput,
) -> OperationResult {
    let id = sandbox.store.write(|states| {
        let id = group(states, &name)?.id;
        states.of_mut::<State>().groups.remove(&name);
        let prefix = stream_key(&name, "");
        states.of_mut::<State>().streams.retain(|key, _| !key.starts_with(&prefix));
        Ok(id)
    })?;
    // The events are not visible any more, because nothing else has the group's id. Those that cannot be removed now are removed
    // by the retention loop.
    let shared = Arc::clone(sandbox);
    sandbox.spawn(async move { drop(supervisor::blocking(move || events::remove_group(&shared, id)).await) });
    Ok(Value::Null)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DescribeLogGroupsInput {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    #[serde(default)]
    log_group_identifiers: Vec<String>,
    next_token: Option<String>,
    limit: Option<i64>,
    log_group_class: Option<String>,
    #[serde(default)]
    include_linked_accounts: bool,
    #[serde(default)]
    account_identifiers: Vec<String>,
}

impl DescribeLogGroupsInput {
    fn matches(&self, name: &str, group: &LogGroup) -> bool {
        let pattern = self.log_group_name_pattern.as_ref().map(|pattern| pattern.to_lowercase());
        self.log_group_name_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))
            && pattern.is_none_or(|pattern| name.to_lowercase().contains(&pattern))
            && (self.log_group_identifiers.is_empty()
                || self.log_group_identifiers.iter().any(|identifier| super::group_name_of(identifier) == name))
            && self.log_group_class.as_ref().is_none_or(|class| group.class == *class)
    }
}

pub(super) fn describe(sandbox: &Arc<Sandbox>, input: DescribeLogGroupsInput) -> OperationResult {
    let limit = limit(input.limit, PAGE_SIZE, 50)?;
    if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
        return Err(invalid_parameter(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    if input.log_group_name_prefix.as_ref().is_some_and(|prefix| prefix.len() > MAX_NAME_CHARACTERS) {
        return Err(invalid_parameter(TOO_LONG));
    }
    if input.include_linked_accounts || !input.account_identifiers.is_empty() {
        return Err(Fault::not_implemented("logs:DescribeLogGroups of linked accounts"));
    }
    let query = format!(
        "DescribeLogGroups {:?} {:?} {:?} {:?}",
        input.log_group_name_prefix, input.log_group_name_pattern, input.log_group_identifiers, input.log_group_class
    );
    let searched = input.log_group_name_pattern.is_some();
    let page = sandbox.store.read(|states| {
        let groups = states.of::<State>().groups.iter().filter(|(name, group)| input.matches(name, group));
        let outputs = groups.map(|(name, group)| {
            let output = group.to_output(sandbox);
            (name.to_owned(), if searched { without_sizes(output) } else { output })
        });
        // On AWS, the last page of a search is empty.
        let end = searched.then(|| (END.to_owned(), Value::Null));
        paging::page(outputs.chain(end), &query, input.next_token.as_deref(), limit).map_err(invalid_token)
    })?;
    let ended = page.items.last().is_some_and(Value::is_null);
    let groups: Vec<&Value> = page.items.iter().filter(|group| !group.is_null()).collect();
    let token = match page.next_token {
        None if ended && !groups.is_empty() => Some(paging::page_token(&query, groups.len(), END)),
        token => token,
    };
    Ok(json!({ "logGroups": groups, "nextToken": token }))
}

/// A key that sorts after every name, because names have no tilde.
const END: &str = "~";

/// Removes the members that a search does not show.
fn without_sizes(mut described: Value) -> Value {
    for member in ["storedBytes", "deletionProtectionEnabled"] {
        described[member] = Value::Null;
    }
    described
}
