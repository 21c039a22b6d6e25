//! `UpdateSecurityGroupRuleDescriptionsIngress`, for rules that are given by their ids.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::State;
use super::super::records::{self, list};
use super::super::resource_kinds::{SECURITY_GROUP, SECURITY_GROUP_RULE};
use super::{Direction, given_id};
use crate::Sandbox;
use crate::core::Reply;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Describe {
    group_id: Option<String>,
    group_name: Option<String>,
    security_group_rule_description: Vec<RuleDescription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RuleDescription {
    security_group_rule_id: String,
    description: Option<String>,
}

/// Changes or removes the descriptions of rules.
pub fn describe_ingress(sandbox: &Arc<Sandbox>, input: Describe) -> Reply {
    let group = given_id(input.group_id.as_deref(), input.group_name.as_deref())?;
    sandbox.world.write(|world| {
        let group = records::get_mut(world.of_mut::<State>(), &SECURITY_GROUP, group)?;
        let rules: &mut Vec<Value> = list(group, Direction::Ingress.member());
        for RuleDescription { security_group_rule_id: id, description } in &input.security_group_rule_description {
            let rule = rules.iter_mut().find(|rule| rule["ruleId"] == id.as_str());
            let rule = rule.ok_or_else(|| records::not_found(&SECURITY_GROUP_RULE, &[id]))?;
            for member in ["ipRanges", "groups"] {
                if let Some(range) = rule[member].get_mut(0) {
                    range["description"] = json!(description);
                }
            }
        }
        Ok(json!({ "return": true }))
    })
}
