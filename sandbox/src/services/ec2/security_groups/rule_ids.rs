//! Look-up of rules by id: they have tags like any other resource, although they are stored in their groups.

use std::sync::Arc;

use serde_json::Value;

use super::super::State;
use super::super::records::{self, list};
use super::super::resource_kinds::{SECURITY_GROUP, SECURITY_GROUP_RULE};
use super::rules::Direction;
use crate::base::ids;
use crate::{Fault, Sandbox};

const DIRECTIONS: [Direction; 2] = [Direction::Egress, Direction::Ingress];

/// Every rule, with its group's id and its direction.
pub fn all(state: &State) -> impl Iterator<Item = (&str, Direction, &Value)> {
    state.records.with_prefix(SECURITY_GROUP.prefix).flat_map(|(id, group)| {
        DIRECTIONS.into_iter().flat_map(move |direction| {
            let rules = group[direction.member()].as_array().into_iter().flatten();
            rules.map(move |rule| (id, direction, rule))
        })
    })
}

/// The rule with an id, for changing it.
pub fn get_mut<'a>(state: &'a mut State, id: &str) -> Result<&'a mut Value, Fault> {
    let unknown = || records::not_found(&SECURITY_GROUP_RULE, &[id]);
    let found = all(state).find(|(.., rule)| rule["ruleId"] == id);
    let (group, direction) = found.map(|(group, direction, _)| (group.to_owned(), direction)).ok_or_else(unknown)?;
    let group = state.records.get_mut(&group).ok_or_else(unknown)?;
    list(group, direction.member()).iter_mut().find(|rule| rule["ruleId"] == id).ok_or_else(unknown)
}

/// Assigns ids to rules that an older version has stored without one.
pub fn give_all(sandbox: &Arc<Sandbox>) {
    let result = sandbox.world.write(|world| {
        number(world.of_mut::<State>());
        Ok(())
    });
    // A failed write is retried at the next start.
    drop(result);
}

fn number(state: &mut State) {
    let lacking = all(state).filter(|(.., rule)| rule["ruleId"].is_null());
    let mut lacking: Vec<(String, Direction)> =
        lacking.map(|(group, direction, _)| (group.to_owned(), direction)).collect();
    lacking.dedup();
    for (id, direction) in lacking {
        let Some(group) = state.records.get_mut(&id) else { continue };
        for rule in list(group, direction.member()).iter_mut().filter(|rule| rule["ruleId"].is_null()) {
            rule["ruleId"] = ids::resource("sgr").into();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_of_an_older_version_get_ids_and_others_keep_theirs() {
        let mut state = State::default();
        let group =
            json!({ "ipPermissions": [{ "ipProtocol": "-1" }, { "ruleId": "sgr-1" }], "ipPermissionsEgress": [] });
        state.records.insert("sg-1", group);
        number(&mut state);
        let rules = &state.records.get("sg-1").expect("the group")["ipPermissions"];
        assert!(rules[0]["ruleId"].as_str().is_some_and(|id| id.starts_with("sgr-0")), "{rules}");
        assert_eq!(rules[1]["ruleId"], "sgr-1");
    }
}
