//! Account settings: kept and shown by name and principal.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::model::AccountSetting;
use super::names::{self, invalid};
use crate::services::{Reply, paging};
use crate::world::World;
use crate::{Fault, Sandbox};

/// A setting: its name, its values, and the one that it has when nobody chose ("Account settings" in the developer guide).
struct Setting {
    name: &'static str,
    values: &'static [&'static str],
    default: &'static str,
}

const SETTINGS: [Setting; 10] = [
    Setting { name: "awsvpcTrunking", values: &["enabled", "disabled"], default: "disabled" },
    Setting { name: "containerInsights", values: &["enabled", "enhanced", "disabled"], default: "disabled" },
    Setting { name: "containerInstanceLongArnFormat", values: &["enabled", "disabled"], default: "enabled" },
    Setting { name: "defaultLogDriverMode", values: &["blocking", "non-blocking"], default: "non-blocking" },
    Setting { name: "fargateFIPSMode", values: &["enabled", "disabled"], default: "disabled" },
    Setting { name: "fargateTaskRetirementWaitPeriod", values: &["0", "7", "14"], default: "7" },
    Setting { name: "guardDutyActivate", values: &["on", "off"], default: "off" },
    Setting { name: "serviceLongArnFormat", values: &["enabled", "disabled"], default: "enabled" },
    Setting { name: "tagResourceAuthorization", values: &["on", "off"], default: "off" },
    Setting { name: "taskLongArnFormat", values: &["enabled", "disabled"], default: "enabled" },
];

/// The names as AWS's refusal of any other lists them.
const NAMES_IN_REFUSALS: &str = "serviceLongArnFormat,taskLongArnFormat,containerInstanceLongArnFormat,\
containerLongArnFormat,awsvpcTrunking,containerInsights,dualStackIPv6";

fn find(name: &str) -> Result<&'static Setting, Fault> {
    let found = SETTINGS.iter().find(|setting| setting.name == name);
    found.ok_or_else(|| invalid(format!("{name} should be one of [{NAMES_IN_REFUSALS}]")))
}

/// The value that holds for the cluster that is being made.
pub(super) fn effective(world: &World, name: &str) -> String {
    let mut rows = world.ecs.account_settings.values().filter(|row| row.name == name);
    let chosen = rows.next_back().map(|row| row.value.clone());
    chosen.unwrap_or_else(|| find(name).map(|setting| setting.default.to_owned()).unwrap_or_default())
}

fn root(sandbox: &Sandbox) -> String {
    sandbox.config.global_arn("iam", "root")
}

fn shown(row: &AccountSetting) -> Value {
    let kind = if row.name == "guardDutyActivate" { "aws_managed" } else { "user" };
    json!({ "name": row.name, "value": row.value, "principalArn": row.principal_arn, "type": kind })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Put {
    name: String,
    value: String,
    principal_arn: Option<String>,
}

pub(super) fn put(sandbox: &Arc<Sandbox>, Put { name, value, principal_arn }: Put) -> Reply {
    let setting = find(&name)?;
    if !setting.values.contains(&value.as_str()) {
        return Err(invalid(format!("Invalid value {value} for the setting {name}.")));
    }
    if name.ends_with("LongArnFormat") && value == "disabled" {
        return Err(invalid("You can no longer disable Long Arn settings"));
    }
    if name == "guardDutyActivate" {
        return Err(invalid("guardDutyActivate is managed by AWS and cannot be changed."));
    }
    let principal_arn = principal_arn.unwrap_or_else(|| root(sandbox));
    let row = AccountSetting { name, value, principal_arn };
    sandbox.world.write(|world| {
        let answer = json!({ "setting": shown(&row) });
        world.ecs.account_settings.insert(format!("{} {}", row.name, row.principal_arn), row);
        Ok(answer)
    })
}

#[derive(Deserialize)]
pub(super) struct PutDefault {
    name: String,
    value: String,
}

pub(super) fn put_default(sandbox: &Arc<Sandbox>, PutDefault { name, value }: PutDefault) -> Reply {
    put(sandbox, Put { name, value, principal_arn: None })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delete {
    name: String,
    principal_arn: Option<String>,
}

pub(super) fn delete(sandbox: &Arc<Sandbox>, Delete { name, principal_arn }: Delete) -> Reply {
    let setting = find(&name)?;
    let principal_arn = principal_arn.unwrap_or_else(|| root(sandbox));
    sandbox.world.write(|world| {
        world.ecs.account_settings.remove(&format!("{name} {principal_arn}"));
        let left = AccountSetting { name, value: setting.default.to_owned(), principal_arn };
        Ok(json!({ "setting": shown(&left) }))
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List {
    name: Option<String>,
    value: Option<String>,
    principal_arn: Option<String>,
    #[serde(default)]
    effective_settings: bool,
    next_token: Option<String>,
    max_results: Option<usize>,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, mut input: List) -> Reply {
    let next_token = input.next_token.take();
    let limit = match input.max_results {
        None => 10,
        Some(limit @ 1..=10) => limit,
        Some(_) => return Err(invalid("maxResults must be between 1 and 10.")),
    };
    let question = format!("ListAccountSettings {input:?}");
    let List { name, value, principal_arn, effective_settings, .. } = input;
    if let Some(name) = &name {
        find(name)?;
    }
    let principal = principal_arn.unwrap_or_else(|| root(sandbox));
    let page = sandbox.world.read(|world| {
        let chosen = |name: &str| world.ecs.account_settings.get(&format!("{name} {principal}")).cloned();
        let row = |setting: &Setting| {
            let default = || AccountSetting {
                name: setting.name.to_owned(),
                value: setting.default.to_owned(),
                principal_arn: principal.clone(),
            };
            chosen(setting.name).or_else(|| effective_settings.then(default))
        };
        let rows = SETTINGS.iter().filter_map(row);
        let wanted = rows.filter(|row| {
            name.as_ref().is_none_or(|name| row.name == *name) && value.as_ref().is_none_or(|value| row.value == *value)
        });
        let items = wanted.map(|row| (row.name.clone(), shown(&row)));
        paging::page(items, &question, next_token.as_deref(), limit).map_err(|_| names::bad_token())
    })?;
    Ok(json!({ "settings": page.items, "nextToken": page.next_token }))
}
