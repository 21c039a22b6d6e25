//! Deleted stacks: a bounded number of them is kept, with their templates, events, executed change sets and what lists and
//! descriptions show. AWS keeps them whole, for 90 days, which would fill this machine's memory and disk.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{PhysicalResource, Resource, StackDefinition, StackEvent, State};

/// How many deleted stacks are kept.
const MAX_DELETED: usize = 50;

/// How many bytes of resource properties the events of a deleted stack keep.
const MAX_PROPERTIES_BYTES: usize = 1_000_000;

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
        self.limit_event_properties(id);
        self.change_sets.retain(|_, change_set| change_set.stack_id != id || change_set.execution_status.is_executed());
    }

    /// Removes the properties of the oldest events where those of all are too large.
    fn limit_event_properties(&mut self, id: &str) {
        let mut bytes = 0;
        let size = |event: &StackEvent| event.properties.as_ref().map_or(0, String::len);
        let surplus = self.events.with_prefix(id).rev().filter(|(_, event)| {
            bytes += size(event);
            bytes > MAX_PROPERTIES_BYTES && event.properties.is_some()
        });
        let keys: Vec<String> = surplus.map(|(key, _)| key.to_owned()).collect();
        for key in keys {
            if let Some(event) = self.events.get_mut(&key) {
                event.properties = None;
            }
        }
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
    Resource { current, previous: None, pending_deletion: Vec::new(), depends_on: Vec::new(), ..resource }
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
    fn the_events_of_a_deleted_stack_keep_their_properties_up_to_a_limit() {
        let mut state = State::default();
        let stack = stack(1);
        let (id, time) = (stack.id.clone(), stack.created);
        state.stacks.insert(id.clone(), stack);
        let row: Resource = serde_json::from_value(json!({
            "logical_id": "R", "kind": "AWS::Logs::LogGroup", "status": "DELETE_COMPLETE", "changed": time, "garbage": [],
            "depends_on": [], "deletion_policy": "Delete", "update_replace_policy": "Delete", "metadata": null,
        }))
        .expect("a resource");
        let properties = json!({ "Description": "x".repeat(MAX_PROPERTIES_BYTES / 4) });
        for _ in 0..5 {
            state.set_resource(&id, row.clone(), Some(&properties));
        }
        state.set_status(&id, StackStatus::DeleteComplete, None, time);
        let kept: Vec<bool> = state.events.values().map(|event| event.properties.is_some()).collect();
        assert_eq!(kept, [false, false, true, true, true, false]);
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
