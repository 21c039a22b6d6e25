//! Groups that an older version stored: their rules had no ids yet.

use std::sync::Arc;

use super::super::State;
use super::super::nouns::SECURITY_GROUP;
use super::super::records::list;
use super::rules::Direction;
use crate::sandbox::Sandbox;
use crate::sandbox::world::ids;

/// Gives every rule that has none an id, so that it can be told and revoked by it.
pub fn give_ids(sandbox: &Arc<Sandbox>) {
    let given = sandbox.world.write(|world| {
        number(&mut world.ec2);
        Ok(())
    });
    // A disk that refuses to write now is tried again at the next start; until then these rules have no ids, as before.
    drop(given);
}

fn number(state: &mut State) {
    let groups: Vec<String> = state.records.with_prefix(SECURITY_GROUP.prefix).map(|(id, _)| id.to_owned()).collect();
    for id in groups {
        for direction in [Direction::Ingress, Direction::Egress] {
            let lacks_id = |state: &State| {
                let rules = state.records.get(&id).and_then(|group| group[direction.member()].as_array());
                rules.is_some_and(|rules| rules.iter().any(|rule| rule["ruleId"].is_null()))
            };
            if !lacks_id(state) {
                continue;
            }
            let Some(group) = state.records.get_mut(&id) else { continue };
            for rule in list(group, direction.member()).iter_mut().filter(|rule| rule["ruleId"].is_null()) {
                rule["ruleId"] = ids::resource("sgr").into();
            }
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
