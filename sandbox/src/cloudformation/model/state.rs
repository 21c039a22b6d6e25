//! The tables of CloudFormation. Statuses only change here, each together with its event.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    ChangeSet, ExecutionStatus, PhysicalResource, Resource, Stack, StackEvent, StackOperation, StackRequest,
    StackStatus,
};
use crate::base::clock::iso8601;
use crate::base::ids;
use crate::store::table::state;

/// How many events of a stack are kept.
pub(super) const MAX_EVENTS: u64 = 5000;

state! {
    /// The tables of CloudFormation.
    pub struct State {
        /// Stacks by ARN.
        pub stacks: Table<Stack> = "cloudformation.stacks",
        /// Resources by `stack ARN|logical id`.
        pub resources: Table<Resource> = "cloudformation.resources",
        /// Events by `stack ARN|number`.
        pub events: Table<StackEvent> = "cloudformation.events",
        /// Change sets by ARN.
        pub change_sets: Table<ChangeSet> = "cloudformation.change_sets",
        /// Rows that creations in progress have inserted into tables of other services, by `stack ARN|logical id`.
        pub uncommitted_creations: Table<Vec<(String, String)>> = "cloudformation.attempts",
    }
}

/// A time with the precision that clients see.
fn in_milliseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

impl State {
    /// The stack of an ARN, or the one of a name that is not deleted.
    pub(crate) fn find(&self, name_or_id: &str) -> Option<&Stack> {
        self.stacks
            .get(name_or_id)
            .or_else(|| self.stacks.values().find(|stack| stack.name == name_or_id && !stack.is_deleted()))
    }

    /// A stack's resources by logical id.
    pub(crate) fn resources_of(&self, stack_id: &str) -> BTreeMap<String, Resource> {
        // An ARN ends with an id of fixed length: no other stack's begins with it.
        let rows = self.resources.with_prefix(stack_id);
        rows.map(|(_, resource)| (resource.logical_id.clone(), resource.clone())).collect()
    }

    /// The values of all exports, by name. Those of a stack whose deletion has begun cannot be imported any more.
    pub(crate) fn exports(&self) -> BTreeMap<String, String> {
        let existing_stacks = self.stacks.values();
        let existing_stacks = existing_stacks
            .filter(|stack| !matches!(stack.status, StackStatus::DeleteInProgress | StackStatus::DeleteComplete));
        let outputs = existing_stacks.flat_map(|stack| &stack.outputs);
        outputs.filter_map(|output| Some((output.export.clone()?, output.value.clone()))).collect()
    }

    /// The stack that exports a name, and the value.
    pub(crate) fn export(&self, name: &str) -> Option<(&Stack, &str)> {
        self.stacks.values().filter(|stack| !stack.is_deleted()).find_map(|stack| {
            let output = stack.outputs.iter().find(|output| output.export.as_deref() == Some(name))?;
            Some((stack, output.value.as_str()))
        })
    }

    /// The names of the stacks that use an export.
    pub(crate) fn importers(&self, export: &str) -> Vec<&str> {
        let existing_stacks = self.stacks.values().filter(|stack| !stack.is_deleted());
        let uses = |stack: &&Stack| stack.imports.iter().chain(&stack.pending_imports).any(|name| name == export);
        existing_stacks.filter(uses).map(|stack| stack.name.as_str()).collect()
    }

    /// When a stack's next event happens: `now`, or a millisecond after its last event. Clients sort events by time and
    /// recognise them by their ids, which name the time in milliseconds.
    fn next_time(&self, stack_id: &str, now: Timestamp) -> Timestamp {
        let now = in_milliseconds(now);
        let last = self.events.with_prefix(stack_id).next_back().map(|(_, event)| in_milliseconds(event.time));
        last.and_then(|last| last.checked_add(SignedDuration::from_millis(1)).ok()).map_or(now, |after| now.max(after))
    }

    /// Appends an event to those of a stack.
    fn add_event(&mut self, stack_id: &str, event: StackEvent) {
        let number = |(key, _): (&str, &StackEvent)| key[stack_id.len() + 1..].parse::<u64>().ok();
        let first = self.events.with_prefix(stack_id).next().and_then(number).unwrap_or_default();
        let last = self.events.with_prefix(stack_id).next_back().and_then(number);
        let number = last.map_or(0, |last| last + 1);
        if number - first >= MAX_EVENTS {
            self.events.remove(&format!("{stack_id}|{first:08}"));
        }
        self.events.insert(format!("{stack_id}|{number:08}"), event);
    }

    /// Stores which request begins an operation on a stack, for the operation's events and for retries of the request.
    pub(crate) fn begin(&mut self, stack_id: &str, request: StackRequest, token: Option<String>) {
        if let Some(stack) = self.stacks.get_mut(stack_id) {
            stack.client_request_token = token;
            stack.started_by = Some(request);
            if let Some(operation_type) = request.operation_type(stack.status) {
                stack.last_operation = Some(StackOperation { id: ids::uuid(), operation_type });
            }
        }
    }

    /// Gives a stack a status, with its event.
    pub(crate) fn set_status(&mut self, stack_id: &str, status: StackStatus, reason: Option<String>, now: Timestamp) {
        let time = self.next_time(stack_id, now);
        let Some(stack) = self.stacks.get_mut(stack_id) else { return };
        stack.status = status;
        if matches!(status, StackStatus::DeleteInProgress | StackStatus::RollbackInProgress) {
            stack.deleted = Some(time);
        }
        let change_set_id = stack.definition.change_set_id.clone();
        let reason = reason.map(|reason| stack.masked(reason));
        stack.status_reason.clone_from(&reason);
        let event = StackEvent {
            id: crate::base::ids::uuid(),
            time,
            logical_id: stack.name.clone(),
            physical_id: stack.id.clone(),
            resource_type: "AWS::CloudFormation::Stack".to_owned(),
            status: status.to_string(),
            reason,
            properties: None,
            client_request_token: stack.client_request_token.clone(),
        };
        self.add_event(stack_id, event);
        if let Some(id) = change_set_id {
            self.update_change_set(&id, status);
        }
        if status == StackStatus::DeleteComplete {
            self.compact_deleted();
        }
    }

    /// A deletion that is refused after it has begun: the stack returns to the status that it had, with the reason. Source: callers
    /// of CloudFormation, such as aws/aws-cdk issue 604; botocore's waiter has `UPDATE_COMPLETE` among the failures of deletions.
    pub(crate) fn refuse_deletion(&mut self, stack: &Stack, reason: String, time: Timestamp) {
        self.set_status(&stack.id, StackStatus::DeleteInProgress, Some("User Initiated".to_owned()), time);
        self.set_status(&stack.id, stack.status, Some(reason), time);
        if let Some(row) = self.stacks.get_mut(&stack.id) {
            row.deleted = stack.deleted;
        }
    }

    /// Ends the execution of a change set when its stack's status decides it.
    fn update_change_set(&mut self, id: &str, status: StackStatus) {
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

    /// Stores which rows the creation of a resource has inserted, until the resource itself is stored.
    pub(crate) fn add_uncommitted(&mut self, resource: String, rows: Vec<(String, String)>) {
        let mut all = self.uncommitted_creations.get(&resource).cloned().unwrap_or_default();
        all.extend(rows);
        self.uncommitted_creations.insert(resource, all);
    }

    /// Stores a resource, with the event of its status; the event has `properties`, or else those of the physical resource.
    pub(crate) fn set_resource(&mut self, stack_id: &str, mut resource: Resource, properties: Option<&Value>) {
        resource.changed = self.next_time(stack_id, resource.changed);
        let stack = self.stacks.get(stack_id);
        let reason = resource.reason.clone().map(|reason| resource.masked(reason));
        resource.reason = match stack {
            Some(stack) => reason.map(|reason| stack.masked(reason)),
            None => reason,
        };
        // Events of a clean-up have no properties, and ids of another form (recorded: localstack's test_change_set_ref).
        let is_cleanup = resource.status.is_deletion() && stack.is_some_and(|stack| stack.status.is_cleanup());
        let event = StackEvent {
            id: if is_cleanup {
                format!("{}-{}", resource.logical_id, ids::uuid())
            } else {
                format!("{}-{}-{}", resource.logical_id, resource.status, iso8601(resource.changed))
            },
            time: resource.changed,
            logical_id: resource.logical_id.clone(),
            physical_id: resource.current.as_ref().map_or_else(String::new, |current| current.physical_id.clone()),
            resource_type: resource.resource_type.clone(),
            status: resource.status.to_string(),
            reason: resource.reason.clone(),
            properties: properties
                .or(resource.current.as_ref().map(PhysicalResource::visible_properties))
                .filter(|_| !is_cleanup)
                .map(|properties| stack.map_or_else(|| properties.clone(), |stack| stack.masked_value(properties)))
                .map(|properties| properties.to_string()),
            client_request_token: stack.and_then(|stack| stack.client_request_token.clone()),
        };
        self.add_event(stack_id, event);
        // The stored resource now has what its creation has made.
        let key = format!("{stack_id}|{}", resource.logical_id);
        if self.uncommitted_creations.contains(&key) {
            self.uncommitted_creations.remove(&key);
        }
        self.store_resource(stack_id, resource);
    }

    /// Stores a resource without an event.
    pub(crate) fn store_resource(&mut self, stack_id: &str, resource: Resource) {
        self.resources.insert(format!("{stack_id}|{}", resource.logical_id), resource);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::cloudformation::model::{StackDefinition, StackEvent};

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
        /// Also when the clock is set back, and for several events in a millisecond.
        #[test]
        fn every_event_has_a_unique_id_and_a_later_time_than_the_one_before(
            steps in proptest::collection::vec((0..3_u8, 0..2_u8, 0..20_000_i64), 2000),
        ) {
            let mut state = State::default();
            let stack = json!({
                "id": "arn", "name": "s", "status": "UPDATE_IN_PROGRESS", "created": Timestamp::UNIX_EPOCH,
                "definition": StackDefinition::default(), "outputs": [], "imports": [], "termination_protection": false, "retain": [],
            });
            state.stacks.insert("arn", serde_json::from_value::<Stack>(stack).expect("a stack"));
            for (name, status, time) in steps {
                match name {
                    0 => state.set_status("arn", StackStatus::UpdateComplete, None, Timestamp::from_microsecond(time).expect("a time")),
                    _ => state.set_resource("arn", resource(name, status, time), None),
                }
            }
            let events: Vec<&StackEvent> = state.events.values().collect();
            let ids: HashSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
            prop_assert_eq!(ids.len(), events.len());
            let times: Vec<String> = events.iter().map(|event| iso8601(event.time)).collect();
            prop_assert!(times.is_sorted_by(|earlier, later| earlier < later));
            let rows = state.resources.values().map(|row| iso8601(row.changed));
            prop_assert!(rows.into_iter().all(|changed| times.contains(&changed)));
        }
    }
}
