//! Rules by id. They have tags and descriptions like other resources, although they are stored in their groups.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::given_id;
use super::rules::Direction;
use crate::base::ids;
use crate::core::OperationResult;
use crate::services::ec2::State;
use crate::services::ec2::records::{self, list};
use crate::services::ec2::resource_kinds::{SECURITY_GROUP, SECURITY_GROUP_RULE};
use crate::{Fault, Sandbox};

const DIRECTIONS: [Direction; 2] = [Direction::Egress, Direction::Ingress];

/// Every rule, with its group's id and its direction.
pub(crate) fn all(state: &State) -> impl Iterator<Item = (&str, Direction, &Value)> {
    state.records.with_prefix(SECURITY_GROUP.prefix).flat_map(|(id, group)| {
        DIRECTIONS.into_iter().flat_map(move |direction| {
            let rules = group[direction.member()].as_array().into_iter().flatten();
            rules.map(move |rule| (id, direction, rule))
        })
    })
}

/// The rule with an id, for changing it.
pub(crate) fn get_mut<'a>(state: &'a mut State, id: &str) -> Result<&'a mut Value, Fault> {
    let unknown = || records::not_found(&SECURITY_GROUP_RULE, &[id]);
    let rule = all(state).find(|(.., rule)| rule["ruleId"] == id);
    let (group, direction) = rule.map(|(group, direction, _)| (group.to_owned(), direction)).ok_or_else(unknown)?;
    let group = state.records.get_mut(&group).ok_or_else(unknown)?;
    list(group, direction.member()).iter_mut().find(|rule| rule["ruleId"] == id).ok_or_else(unknown)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct UpdateSecurityGroupRuleDescriptionsIngressInput {
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

/// `UpdateSecurityGroupRuleDescriptionsIngress`, for rules that are given by their ids: changes or removes descriptions.
pub(crate) fn update_ingress_descriptions(
    sandbox: &Arc<Sandbox>,
    input: UpdateSecurityGroupRuleDescriptionsIngressInput,
) -> OperationResult {
    let group = given_id(input.group_id.as_deref(), input.group_name.as_deref())?;
    sandbox.store.write(|states| {
        let group = records::get_mut(states.of_mut::<State>(), &SECURITY_GROUP, group)?;
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

/// Assigns ids to rules that an older version has stored without one.
pub(crate) fn assign_missing_rule_ids(sandbox: &Sandbox) -> Result<(), Fault> {
    sandbox.store.write(|states| {
        assign_ids(states.of_mut::<State>());
        Ok(())
    })
}

fn assign_ids(state: &mut State) {
    let incomplete = all(state).filter(|(.., rule)| rule["ruleId"].is_null());
    let mut incomplete: Vec<(String, Direction)> =
        incomplete.map(|(group, direction, _)| (group.to_owned(), direction)).collect();
    incomplete.dedup();
    for (id, direction) in incomplete {
        let Some(group) = state.records.get_mut(&id) else { continue };
        for rule in list(group, direction.member()).iter_mut().filter(|rule| rule["ruleId"].is_null()) {
            rule["ruleId"] = ids::resource("sgr").into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_an_older_version_get_ids_and_others_keep_theirs() {
        let mut state = State::default();
        let group =
            json!({ "ipPermissions": [{ "ipProtocol": "-1" }, { "ruleId": "sgr-1" }], "ipPermissionsEgress": [] });
        state.records.insert("sg-1", group);
        assign_ids(&mut state);
        let rules = &state.records.get("sg-1").expect("the group")["ipPermissions"];
        assert!(rules[0]["ruleId"].as_str().is_some_and(|id| id.starts_with("sgr-0")), "{rules}");
        assert_eq!(rules[1]["ruleId"], "sgr-1");
    }
}
