//! What CloudFormation remembers, and the only ways in which statuses and their events get there.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{ChangeSet, Event, ExecutionStatus, Incarnation, Request, Resource, Stack, StackStatus};
use crate::base::clock::iso8601;
use crate::base::ids;
use crate::store::table::state;

/// How many events of a stack are remembered.
pub(super) const MOST_EVENTS: u64 = 5000;

state! {
    /// What the service remembers.
    pub struct State {
        /// Stacks by ARN.
        pub stacks: Table<Stack> = "cloudformation.stacks",
        /// Resources by `stack ARN|logical id`.
        pub resources: Table<Resource> = "cloudformation.resources",
        /// Events by `stack ARN|number`.
        pub events: Table<Event> = "cloudformation.events",
        /// Change sets by ARN.
        pub change_sets: Table<ChangeSet> = "cloudformation.change_sets",
        /// What creations under way have inserted, by `stack ARN|logical id`: tables and keys.
        pub attempts: Table<Vec<(String, String)>> = "cloudformation.attempts",
    }
}

/// A time as clients see it.
fn milliseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

impl State {
    /// The stack of an ARN, or the one of a name that is not deleted.
    pub fn find(&self, name_or_id: &str) -> Option<&Stack> {
        self.stacks
            .get(name_or_id)
            .or_else(|| self.stacks.values().find(|stack| stack.name == name_or_id && !stack.is_deleted()))
    }

    /// A stack's resources by logical id.
    pub fn resources_of(&self, stack_id: &str) -> BTreeMap<String, Resource> {
        // An ARN ends with an id of fixed length: no other stack's begins with it.
        let rows = self.resources.with_prefix(stack_id);
        rows.map(|(_, resource)| (resource.logical_id.clone(), resource.clone())).collect()
    }

    /// What live stacks export, by name.
    pub fn exports(&self) -> BTreeMap<String, String> {
        // What a stack exports cannot be imported any more once its deletion has begun.
        let live = self.stacks.values();
        let live =
            live.filter(|stack| !matches!(stack.status, StackStatus::DeleteInProgress | StackStatus::DeleteComplete));
        let outputs = live.flat_map(|stack| &stack.outputs);
        outputs.filter_map(|output| Some((output.export.clone()?, output.value.clone()))).collect()
    }

    /// The stack that exports a name, and the value.
    pub fn export(&self, name: &str) -> Option<(&Stack, &str)> {
        self.stacks.values().filter(|stack| !stack.is_deleted()).find_map(|stack| {
            let output = stack.outputs.iter().find(|output| output.export.as_deref() == Some(name))?;
            Some((stack, output.value.as_str()))
        })
    }

    /// The names of the stacks that use an export.
    pub fn importers(&self, export: &str) -> Vec<&str> {
        let live = self.stacks.values().filter(|stack| !stack.is_deleted());
        let uses = |stack: &&Stack| stack.imports.iter().chain(&stack.importing).any(|name| name == export);
        live.filter(uses).map(|stack| stack.name.as_str()).collect()
    }

    /// When a stack's next event happens: `now`, or a millisecond after its last event. Clients sort events by time and
    /// recognise them by their ids, which name the time in milliseconds.
    fn next_time(&self, stack_id: &str, now: Timestamp) -> Timestamp {
        let now = milliseconds(now);
        let last = self.events.with_prefix(stack_id).next_back().map(|(_, event)| milliseconds(event.time));
        last.and_then(|last| last.checked_add(SignedDuration::from_millis(1)).ok()).map_or(now, |after| now.max(after))
    }

    /// Notes an event at the end of a stack's events.
    fn add_event(&mut self, stack_id: &str, event: Event) {
        let number = |(key, _): (&str, &Event)| key[stack_id.len() + 1..].parse::<u64>().ok();
        let first = self.events.with_prefix(stack_id).next().and_then(number).unwrap_or_default();
        let last = self.events.with_prefix(stack_id).next_back().and_then(number);
        let number = last.map_or(0, |last| last + 1);
        if number - first >= MOST_EVENTS {
            self.events.remove(&format!("{stack_id}|{first:08}"));
        }
        self.events.insert(format!("{stack_id}|{number:08}"), event);
    }

    /// Notes which request begins an operation of a stack, for the operation's events.
    pub fn begin(&mut self, stack_id: &str, request: Request, token: Option<String>) {
        if let Some(stack) = self.stacks.get_mut(stack_id) {
            stack.client_request_token = token;
            stack.requested = Some(request);
        }
    }

    /// Gives a stack a status, with its event.
    pub fn set_status(&mut self, stack_id: &str, status: StackStatus, reason: Option<String>, now: Timestamp) {
        let time = self.next_time(stack_id, now);
        let Some(stack) = self.stacks.get_mut(stack_id) else { return };
        stack.status = status;
        if matches!(status, StackStatus::DeleteInProgress | StackStatus::RollbackInProgress) {
            stack.deleted = Some(time);
        }
        let executed = stack.definition.change_set_id.clone();
        let reason = reason.map(|reason| stack.masked(reason));
        stack.status_reason.clone_from(&reason);
        let event = Event {
            id: crate::base::ids::uuid(),
            time,
            logical_id: stack.name.clone(),
            physical_id: stack.id.clone(),
            kind: "AWS::CloudFormation::Stack".to_owned(),
            status: status.to_string(),
            reason,
            properties: None,
            client_request_token: stack.client_request_token.clone(),
        };
        self.add_event(stack_id, event);
        if let Some(id) = executed {
            self.conclude(&id, status);
        }
        if status == StackStatus::DeleteComplete {
            self.bury_deleted();
        }
    }

    /// A deletion that ends as it begins: the stack goes back to the status that it had, for a reason. Source: callers of
    /// CloudFormation, such as aws/aws-cdk issue 604; botocore's waiter has `UPDATE_COMPLETE` among the failures of deletions.
    pub fn refuse_deletion(&mut self, stack: &Stack, reason: String, time: Timestamp) {
        self.set_status(&stack.id, StackStatus::DeleteInProgress, Some("User Initiated".to_owned()), time);
        self.set_status(&stack.id, stack.status, Some(reason), time);
        if let Some(row) = self.stacks.get_mut(&stack.id) {
            row.deleted = stack.deleted;
        }
    }

    /// Tells the change set under execution how its stack fares.
    fn conclude(&mut self, id: &str, status: StackStatus) {
        let outcome = match status {
            StackStatus::CreateComplete
            | StackStatus::UpdateComplete
            | StackStatus::UpdateCompleteCleanupInProgress => ExecutionStatus::ExecuteComplete,
            StackStatus::CreateFailed
            | StackStatus::UpdateFailed
            | StackStatus::RollbackInProgress
            | StackStatus::UpdateRollbackInProgress
            | StackStatus::DeleteInProgress => ExecutionStatus::ExecuteFailed,
            _ => return,
        };
        let executing = |change_set: &ChangeSet| change_set.execution_status == ExecutionStatus::ExecuteInProgress;
        if self.change_sets.get(id).is_some_and(executing)
            && let Some(change_set) = self.change_sets.get_mut(id)
        {
            change_set.execution_status = outcome;
        }
    }

    /// Notes what a creation under way has inserted.
    pub fn note_attempt(&mut self, resource: String, rows: Vec<(String, String)>) {
        let mut all = self.attempts.get(&resource).cloned().unwrap_or_default();
        all.extend(rows);
        self.attempts.insert(resource, all);
    }

    /// Stores a resource, with the event of its status; `properties` are those that the event tells.
    pub fn set_resource(&mut self, stack_id: &str, mut resource: Resource, properties: Option<&Value>) {
        resource.changed = self.next_time(stack_id, resource.changed);
        let stack = self.stacks.get(stack_id);
        let reason = resource.reason.clone().map(|reason| resource.masked(reason));
        resource.reason = match stack {
            Some(stack) => reason.map(|reason| stack.masked(reason)),
            None => reason,
        };
        // Clean-up tells no properties, and ids of another form (recorded: localstack's test_change_set_ref).
        let cleans_up = resource.status.is_deletion() && stack.is_some_and(|stack| stack.status.is_cleanup());
        let event = Event {
            id: if cleans_up {
                format!("{}-{}", resource.logical_id, ids::uuid())
            } else {
                format!("{}-{}-{}", resource.logical_id, resource.status, iso8601(resource.changed))
            },
            time: resource.changed,
            logical_id: resource.logical_id.clone(),
            physical_id: resource.current.as_ref().map_or_else(String::new, |current| current.physical_id.clone()),
            kind: resource.kind.clone(),
            status: resource.status.to_string(),
            reason: resource.reason.clone(),
            properties: properties
                .or(resource.current.as_ref().map(Incarnation::shown))
                .filter(|_| !cleans_up)
                .map(|properties| stack.map_or_else(|| properties.clone(), |stack| stack.masked_value(properties)))
                .map(|properties| properties.to_string()),
            client_request_token: stack.and_then(|stack| stack.client_request_token.clone()),
        };
        self.add_event(stack_id, event);
        // From here on the row tells what there is.
        let key = format!("{stack_id}|{}", resource.logical_id);
        if self.attempts.contains(&key) {
            self.attempts.remove(&key);
        }
        self.keep_resource(stack_id, resource);
    }

    /// Stores a resource without an event.
    pub fn keep_resource(&mut self, stack_id: &str, resource: Resource) {
        self.resources.insert(format!("{stack_id}|{}", resource.logical_id), resource);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{Definition, Event};
    use super::*;

    fn resource(name: u8, status: u8, time: i64) -> Resource {
        let status = if status == 0 { "UPDATE_COMPLETE" } else { "UPDATE_IN_PROGRESS" };
        serde_json::from_value(json!({
            "logical_id": format!("R{name}"), "kind": "AWS::Logs::LogGroup", "status": status,
            "changed": Timestamp::from_microsecond(time).expect("a time"), "garbage": [], "depends_on": [],
            "deletion_policy": "Delete", "update_replace_policy": "Delete", "metadata": null,
        }))
        .expect("a resource")
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]
        /// Whatever the clock says, and however many events a millisecond has.
        #[test]
        fn every_event_has_an_id_of_its_own_and_a_time_after_the_one_before(
            steps in proptest::collection::vec((0..3_u8, 0..2_u8, 0..20_000_i64), 2000),
        ) {
            let mut state = State::default();
            let stack = json!({
                "id": "arn", "name": "s", "status": "UPDATE_IN_PROGRESS", "created": Timestamp::UNIX_EPOCH,
                "definition": Definition::default(), "outputs": [], "imports": [], "termination_protection": false, "retain": [],
            });
            state.stacks.insert("arn", serde_json::from_value::<Stack>(stack).expect("a stack"));
            for (name, status, time) in steps {
                match name {
                    0 => state.set_status("arn", StackStatus::UpdateComplete, None, Timestamp::from_microsecond(time).expect("a time")),
                    _ => state.set_resource("arn", resource(name, status, time), None),
                }
            }
            let events: Vec<&Event> = state.events.values().collect();
            let ids: HashSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
            prop_assert_eq!(ids.len(), events.len());
            let times: Vec<String> = events.iter().map(|event| iso8601(event.time)).collect();
            prop_assert!(times.is_sorted_by(|earlier, later| earlier < later));
            let rows = state.resources.values().map(|row| iso8601(row.changed));
            prop_assert!(rows.into_iter().all(|changed| times.contains(&changed)));
        }
    }
}
