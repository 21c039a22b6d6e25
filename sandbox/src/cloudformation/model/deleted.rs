//! Deleted stacks: a bounded number of them is kept, with their templates and what lists and descriptions show. AWS keeps them
//! whole, for 90 days, which would fill this machine's memory and disk.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{PhysicalResource, Resource, StackDefinition, State};

/// How many deleted stacks are kept.
const MAX_DELETED: usize = 50;

impl State {
    /// Removes the oldest deleted stacks, and reduces the others to what responses show of deleted stacks.
    pub(crate) fn compact_deleted(&mut self) {
        let deleted = self.stacks.values().filter(|stack| stack.is_deleted());
        let mut deleted: Vec<(Timestamp, String)> =
            deleted.map(|stack| (stack.deleted.unwrap_or(stack.created), stack.id.clone())).collect();
        deleted.sort_unstable();
        let surplus = deleted.len().saturating_sub(MAX_DELETED);
        for (_, id) in deleted.drain(..surplus) {
            self.stacks.remove(&id);
            self.resources.remove_prefix(&id);
            self.events.remove_prefix(&id);
            self.change_sets.retain(|_, change_set| change_set.stack_id != id);
        }
        for (_, id) in deleted {
            if self.stacks.get(&id).is_some_and(|stack| !stack.is_compacted) {
                self.compact(&id);
            }
        }
    }

    fn compact(&mut self, id: &str) {
        if let Some(stack) = self.stacks.get_mut(id) {
            let StackDefinition { dynamic, change_set_id, .. } = StackDefinition::default();
            stack.definition = StackDefinition { dynamic, change_set_id, ..std::mem::take(&mut stack.definition) };
            stack.previous = None;
            stack.is_compacted = true;
        }
        for resource in self.resources_of(id).into_values() {
            self.store_resource(id, compacted(resource));
        }
        let keys: Vec<String> = self.events.with_prefix(id).map(|(key, _)| key.to_owned()).collect();
        for key in keys {
            if let Some(event) = self.events.get_mut(&key) {
                event.properties = None;
            }
        }
        self.change_sets.retain(|_, change_set| change_set.stack_id != id);
    }
}

/// A resource without what only operations on it need.
fn compacted(resource: Resource) -> Resource {
    let current = resource.current.map(|current| PhysicalResource {
        attributes: Map::new(),
        properties: Value::Null,
        masked: None,
        ..current
    });
    Resource {
        current,
        previous: None,
        pending_deletion: Vec::new(),
        depends_on: Vec::new(),
        metadata: Value::Null,
        ..resource
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cloudformation::model::{Stack, StackStatus};

    fn stack(number: usize) -> Stack {
        let template = json!({ "Description": "d", "Resources": { "A": { "Type": "AWS::Logs::LogGroup" } } });
        let definition = StackDefinition { template_body: template.to_string(), ..StackDefinition::default() };
        let time = Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
        let stack = json!({
            "id": format!("arn-{number:03}"), "name": "s", "status": "DELETE_IN_PROGRESS", "created": time,
            "definition": definition, "outputs": [], "imports": [], "termination_protection": false, "retain": [],
        });
        serde_json::from_value(stack).expect("a stack")
    }

    #[test]
    fn the_latest_deleted_stacks_keep_their_templates() {
        let mut state = State::default();
        for number in 0..MAX_DELETED + 3 {
            let stack = stack(number);
            let (id, time) = (stack.id.clone(), stack.created);
            state.stacks.insert(id.clone(), stack);
            state.set_status(&id, StackStatus::DeleteInProgress, None, time);
            state.set_status(&id, StackStatus::DeleteComplete, None, time);
        }
        let kept: Vec<&str> = state.stacks.values().map(|stack| stack.id.as_str()).collect();
        assert_eq!((kept.len(), kept[0]), (MAX_DELETED, "arn-003"));
        assert_eq!(state.events.len(), 2 * MAX_DELETED);
        let oldest_kept = state.stacks.get("arn-003").expect("it is kept");
        assert_eq!(oldest_kept.definition.template_body, stack(3).definition.template_body);
    }

    #[test]
    fn a_stack_keeps_its_latest_events() {
        let mut state = State::default();
        let stack = stack(1);
        let (id, time) = (stack.id.clone(), stack.created);
        state.stacks.insert(id.clone(), stack);
        for _ in 0..crate::cloudformation::model::state::MAX_EVENTS + 2 {
            state.set_status(&id, StackStatus::UpdateComplete, None, time);
        }
        assert_eq!(state.events.len() as u64, crate::cloudformation::model::state::MAX_EVENTS);
    }
}
