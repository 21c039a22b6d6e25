//! What is remembered of deleted stacks: their templates, and what lists and descriptions tell, of a bounded number of them. AWS
//! remembers them whole, for 90 days; here they would fill memory and disk.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Definition, Incarnation, Resource, State};

/// How many deleted stacks are remembered.
const MOST_DELETED: usize = 50;

impl State {
    /// Forgets of every deleted stack what need not be told of it any more, and the stacks that were deleted first whole.
    pub fn bury_deleted(&mut self) {
        let deleted = self.stacks.values().filter(|stack| stack.is_deleted());
        let mut deleted: Vec<(Timestamp, String)> =
            deleted.map(|stack| (stack.deleted.unwrap_or(stack.created), stack.id.clone())).collect();
        deleted.sort_unstable();
        let surplus = deleted.len().saturating_sub(MOST_DELETED);
        for (_, id) in deleted.drain(..surplus) {
            self.stacks.remove(&id);
            self.resources.remove_prefix(&id);
            self.events.remove_prefix(&id);
            self.change_sets.retain(|_, one| one.stack_id != id);
        }
        for (_, id) in deleted {
            if self.stacks.get(&id).is_some_and(|stack| !stack.is_buried) {
                self.bury(&id);
            }
        }
    }

    fn bury(&mut self, id: &str) {
        if let Some(stack) = self.stacks.get_mut(id) {
            let Definition { dynamic, change_set_id, .. } = Definition::default();
            stack.definition = Definition { dynamic, change_set_id, ..std::mem::take(&mut stack.definition) };
            stack.previous = None;
            stack.is_buried = true;
        }
        for row in self.resources_of(id).into_values() {
            self.keep_resource(id, bare(row));
        }
        let told: Vec<String> = self.events.with_prefix(id).map(|(key, _)| key.to_owned()).collect();
        for key in told {
            if let Some(event) = self.events.get_mut(&key) {
                event.properties = None;
            }
        }
        self.change_sets.retain(|_, one| one.stack_id != id);
    }
}

/// A resource without what was only needed to change it.
fn bare(row: Resource) -> Resource {
    let current = row.current.map(|current| Incarnation {
        attributes: Map::new(),
        properties: Value::Null,
        masked: None,
        ..current
    });
    Resource { current, previous: None, garbage: Vec::new(), depends_on: Vec::new(), metadata: Value::Null, ..row }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Stack, StackStatus};
    use super::*;

    fn stack(number: usize) -> Stack {
        let template = json!({ "Description": "d", "Resources": { "A": { "Type": "AWS::Logs::LogGroup" } } });
        let definition = Definition { template_body: template.to_string(), ..Definition::default() };
        let time = Timestamp::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
        let stack = json!({
            "id": format!("arn-{number:03}"), "name": "s", "status": "DELETE_IN_PROGRESS", "created": time,
            "definition": definition, "outputs": [], "imports": [], "termination_protection": false, "retain": [],
        });
        serde_json::from_value(stack).expect("a stack")
    }

    #[test]
    fn of_deleted_stacks_the_newest_are_remembered_with_their_templates() {
        let mut state = State::default();
        for number in 0..MOST_DELETED + 3 {
            let stack = stack(number);
            let (id, time) = (stack.id.clone(), stack.created);
            state.stacks.insert(id.clone(), stack);
            state.set_status(&id, StackStatus::DeleteInProgress, None, time);
            state.set_status(&id, StackStatus::DeleteComplete, None, time);
        }
        let left: Vec<&str> = state.stacks.values().map(|stack| stack.id.as_str()).collect();
        assert_eq!((left.len(), left[0]), (MOST_DELETED, "arn-003"));
        assert_eq!(state.events.len(), 2 * MOST_DELETED);
        let buried = state.stacks.get("arn-003").expect("it is remembered");
        assert_eq!(buried.definition.template_body, stack(3).definition.template_body);
    }

    #[test]
    fn a_stack_keeps_its_latest_events() {
        let mut state = State::default();
        let stack = stack(1);
        let (id, time) = (stack.id.clone(), stack.created);
        state.stacks.insert(id.clone(), stack);
        for _ in 0..super::super::state::MOST_EVENTS + 2 {
            state.set_status(&id, StackStatus::UpdateComplete, None, time);
        }
        assert_eq!(state.events.len() as u64, super::super::state::MOST_EVENTS);
    }
}
