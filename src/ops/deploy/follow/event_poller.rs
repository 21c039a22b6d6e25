//! Polls the events of a stack until an operation on it has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep};

use crate::aws::Aws;
use crate::model::{ChangeSet, Stack, StackEvent, StackStatus};
use crate::ops::retry::retry_transient;
use crate::ops::{DeployEvent, Operation, OpsError, Reporter, ResourceEvent, Result};

/// Poll interval after an event.
const POLL_ACTIVE: Duration = Duration::from_millis(300);
/// Poll interval while nothing happens.
const POLL_IDLE: Duration = Duration::from_secs(1);
/// After this time without an event the resources in progress are listed, as cdk does.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// After this many polls without an event the stack's status alone decides: some servers record no event of the stack itself.
const IDLE_POLLS: u32 = 5;
/// As [`IDLE_POLLS`], until the operation is known to have begun: the status may still be the one from before, because reads are eventually
/// consistent.
const IDLE_POLLS_BEFORE_BEGIN: u32 = 30;
/// How many times the final status is read again while the change set or the stack does not show it yet.
const MAX_STALE_READS: u32 = 10;

/// Polls the events of a stack until an operation on it has ended.
#[derive(Debug)]
pub(super) struct EventPoller {
    operation: Operation,
    /// The stack as it was before the operation.
    initial_stack: Stack,
    stack: String,
    arn: String,
    /// The ARN of the change set that is executed, if it is one: it says whether the operation is over, and how.
    change_set: Option<String>,
    /// The id of the newest event that has been reported.
    last_event_id: Option<String>,
    /// Whether the last event from before the operation is known, so that those of earlier operations are not taken for its own.
    knows_previous_event: bool,
    /// Resources that will be done, the stack itself (and its clean-up) included.
    total: usize,
    done: usize,
    /// Whether the operation is known to have begun.
    has_begun: bool,
    /// Whether there was an event of a resource: some servers record none.
    has_resource_events: bool,
    /// The status of the stack once no operation is in progress.
    final_status: Option<StackStatus>,
    /// Logical ids of the resources in progress.
    in_progress: BTreeSet<String>,
    /// Construct paths of resources, by logical id.
    construct_paths: BTreeMap<String, String>,
    resource_failures: Vec<String>,
    stack_failure: Option<String>,
}

impl EventPoller {
    /// A poller for an operation that is about to begin. `last_event_id` is the stack's newest event, `total` how many resources will be done.
    /// `change_set` is the ARN of the change set that is executed, if it is one.
    pub(super) fn for_new_operation(
        operation: Operation,
        stack: &Stack,
        last_event_id: Option<String>,
        total: usize,
        change_set: Option<&str>,
    ) -> Self {
        Self {
            operation,
            initial_stack: stack.clone(),
            stack: stack.name.clone(),
            arn: stack.arn.clone(),
            change_set: change_set.map(ToOwned::to_owned),
            knows_previous_event: last_event_id.is_some(),
            last_event_id,
            total,
            done: 0,
            has_begun: false,
            has_resource_events: false,
            final_status: None,
            in_progress: BTreeSet::new(),
            construct_paths: BTreeMap::new(),
            resource_failures: Vec::new(),
            stack_failure: None,
        }
    }

    /// A poller for an operation in progress. `last_event_id` is the last event from before the operation.
    pub(super) fn for_running_operation(operation: Operation, stack: &Stack, last_event_id: Option<String>) -> Self {
        Self { has_begun: true, ..Self::for_new_operation(operation, stack, last_event_id, 0, None) }
    }

    /// Sets the construct paths for events of resources, by logical id.
    pub(super) fn set_construct_paths(&mut self, paths: BTreeMap<String, String>) {
        self.construct_paths = paths;
    }

    /// What is awaited: "CloudFormation to update stack `web`".
    pub(super) fn description(&self) -> String {
        format!("CloudFormation to {} stack `{}`", self.operation.verb(), self.stack)
    }

    /// Whether there was an event of a resource: some servers record none.
    pub(super) fn has_resource_events(&self) -> bool {
        self.has_resource_events
    }

    /// Why the operation failed: the resources that failed by themselves, or else the reason of the stack.
    pub(super) fn failure_reasons(&self) -> Vec<String> {
        if self.resource_failures.is_empty() {
            self.stack_failure.iter().cloned().collect()
        } else {
            self.resource_failures.clone()
        }
    }

    /// Emits events until the operation has ended. Returns the stack's final status, and the stack unless it is deleted.
    /// Sends each event to `stack_events` too.
    pub(super) async fn run<E>(
        &mut self,
        aws: &Aws,
        stack_events: &UnboundedSender<StackEvent>,
        reporter: &Reporter<E>,
    ) -> Result<(StackStatus, Option<Stack>)> {
        let (mut pause, mut idle_polls, mut unconfirmed, mut last_output) = (POLL_ACTIVE, 0, 0, Instant::now());
        loop {
            let events =
                retry_transient(aws, async || aws.stack_events_after(&self.arn, self.last_event_id.as_deref()).await)
                    .await?;
            if events.is_empty() {
                (pause, idle_polls) = ((pause * 3 / 2).min(POLL_IDLE), idle_polls + 1);
            } else {
                (pause, idle_polls, unconfirmed, last_output) = (POLL_ACTIVE, 0, 0, Instant::now());
            }
            if last_output.elapsed() >= HEARTBEAT {
                last_output = Instant::now();
                let resources = self.in_progress.iter().cloned().collect();
                let (done, total) = (self.done, self.total.max(self.done));
                reporter.event(DeployEvent::InProgress { stack: self.stack.clone(), done, total, resources });
            }
            for event in events {
                self.on_event(&event, reporter);
                drop(stack_events.send(event));
            }
            if let Some(status) = self.final_status.clone() {
                // The event is certainly from this operation, and there was none since: the change set will not be updated any more.
                if self.is_over(&status, aws).await? || self.knows_previous_event && unconfirmed >= IDLE_POLLS {
                    let stack = self.stack_at(&status, aws).await?;
                    return Ok((status, stack));
                }
                unconfirmed += 1;
            }
            if idle_polls >= if self.has_begun { IDLE_POLLS } else { IDLE_POLLS_BEFORE_BEGIN } {
                let stack = retry_transient(aws, async || aws.stack(&self.arn).await).await?;
                let now = stack.as_ref().map_or_else(|| "DELETE_COMPLETE".into(), |stack| stack.status.clone());
                self.has_begun = self.has_begun || self.check_begun(stack.as_ref(), aws).await?;
                if !now.is_in_progress() && self.has_begun && self.is_over(&now, aws).await? {
                    return Ok((now, stack));
                }
                if !self.has_begun {
                    let (stack, operation) = (self.stack.clone(), self.operation.verb());
                    return Err(OpsError::NeverStarted { stack, operation, status: now });
                }
                idle_polls = 0;
            }
            sleep(pause).await;
        }
    }

    /// Whether the operation has begun although no event says so: the change set is being executed, or the stack has changed.
    async fn check_begun(&self, now: Option<&Stack>, aws: &Aws) -> Result<bool> {
        if let Some(change_set) = self.executed_change_set(aws).await? {
            return Ok(change_set.execution_status != "AVAILABLE");
        }
        Ok(now.is_none_or(|now| now.status != self.initial_stack.status || now.updated != self.initial_stack.updated))
    }

    /// Whether the operation is over, if its stack has the final status `status`. That status may be from the previous operation, so the
    /// execution status of an executed change set decides.
    async fn is_over(&self, status: &StackStatus, aws: &Aws) -> Result<bool> {
        let mut has_failed = false;
        for _ in 0..MAX_STALE_READS {
            let Some(change_set) = self.executed_change_set(aws).await? else { return Ok(true) };
            has_failed = change_set.execution_status == "EXECUTE_FAILED";
            if change_set.execution_status == "EXECUTE_COMPLETE" || has_failed && !status.is_success() {
                return Ok(true);
            }
            sleep(POLL_ACTIVE).await;
        }
        if has_failed {
            return Err(OpsError::StackFailed {
                stack: self.stack.clone(),
                status: status.clone(),
                reasons: vec!["the execution of the change set failed".to_owned()],
                stopped_tasks: Vec::new(),
            });
        }
        Ok(false)
    }

    /// The change set that is executed; `None` without one, or if it no longer exists.
    async fn executed_change_set(&self, aws: &Aws) -> Result<Option<ChangeSet>> {
        match &self.change_set {
            Some(change_set) => retry_transient(aws, async || aws.change_set(&self.arn, change_set).await).await,
            None => Ok(None),
        }
    }

    /// The stack with the status that its events have already reported: DescribeStacks may return an older one.
    async fn stack_at(&self, status: &StackStatus, aws: &Aws) -> Result<Option<Stack>> {
        let mut stack = None;
        for _ in 0..MAX_STALE_READS {
            stack = retry_transient(aws, async || aws.stack(&self.arn).await).await?;
            if stack.as_ref().is_none_or(|stack| stack.status == *status) {
                break;
            }
            sleep(POLL_ACTIVE).await;
        }
        Ok(stack)
    }

    fn on_event<E>(&mut self, event: &StackEvent, reporter: &Reporter<E>) {
        self.last_event_id = Some(event.id.clone());
        self.has_begun = true;
        self.done += usize::from(event.status.ends_step());
        if event.resource_type == "AWS::CloudFormation::Stack" && event.physical_id == self.arn {
            self.final_status = (!event.status.is_in_progress()).then(|| event.status.clone());
            if event.status.is_success() {
                // Some changes of a change set need no step, so that fewer are done than were counted.
                self.done = self.done.max(self.total);
            }
            if event.status.is_rollback() || event.status.is_failed() {
                self.stack_failure = self.stack_failure.take().or_else(|| event.reason.clone());
            }
        } else {
            self.has_resource_events = true;
            if event.status.is_in_progress() {
                self.in_progress.insert(event.logical_id.clone());
            } else {
                self.in_progress.remove(&event.logical_id);
            }
        }
        self.resource_failures.extend(resource_failure(event));
        let path = self.construct_paths.get(&event.logical_id).cloned();
        reporter.event(DeployEvent::Resource {
            stack: self.stack.clone(),
            done: self.done,
            total: self.total.max(self.done),
            resource: ResourceEvent { path, ..event.clone().into() },
        });
    }
}

/// Why a resource failed; `None` if it was only cancelled because of another failure.
fn resource_failure(event: &StackEvent) -> Option<String> {
    let reason = event.reason.as_deref()?;
    let cancelled = reason.contains("cancelled");
    let failed = event.status.is_failed() && event.resource_type != "AWS::CloudFormation::Stack";
    (failed && !cancelled).then(|| format!("{} ({}): {reason}", event.logical_id, event.resource_type))
}
