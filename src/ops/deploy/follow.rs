//! Follows a stack's events from a known one to the end of the operation, with the services in it beside them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::services::Services;
use crate::aws::Aws;
use crate::model::{ChangeSet, Stack, StackEvent};
use crate::ops::retry::retry_transient;
use crate::ops::{DeployEvent, Operation, OpsError, Result, StoppedTasks};

/// Poll interval after an event.
const POLL_ACTIVE: Duration = Duration::from_millis(300);
/// Poll interval while nothing happens.
const POLL_IDLE: Duration = Duration::from_secs(1);
/// After this time without an event the resources in progress are listed, as cdk does.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// So many quiet rounds before the stack's status alone is believed (some servers record no event of the stack itself).
const QUIET_ROUNDS: u32 = 5;
/// Until the operation is seen to have begun, the status may still be the one from before it: answers are eventually consistent.
const QUIET_ROUNDS_BEFORE: u32 = 30;
/// How many times the final status is read again while the change set or the stack does not show it yet.
const STALE_READS: u32 = 10;
/// The states of a stack whose creation or update succeeded.
pub(in crate::ops) const SUCCESS: [&str; 3] = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"];
/// What ECS has to say at the end is waited for so long.
const LAST_LOOK: Duration = Duration::from_secs(10);

/// An operation on a stack that is being followed. [`Follow::run`] may be dropped and called again: no event is reported twice, none is lost.
#[derive(Debug)]
pub(in crate::ops) struct Follow {
    reader: Reader,
    /// Events that the services have not new_events yet.
    new_events: RefCell<Vec<StackEvent>>,
    services: Services,
}

/// Reads a stack's events.
#[derive(Debug)]
struct Reader {
    operation: Operation,
    /// The stack as it was before.
    before: Stack,
    stack: String,
    arn: String,
    /// The ARN of the change set that is executed, if it is one: it says whether the operation is over, and how.
    change_set: Option<String>,
    /// The newest event that has been reported.
    seen: Option<String>,
    /// Whether the last event from before the operation is known, so that those of earlier operations are not taken for its own.
    is_anchored: bool,
    /// Resources that will be done, the stack itself (and its clean-up) included.
    total: usize,
    done: usize,
    /// Whether the operation is known to have begun.
    begun: bool,
    /// Whether there was an event of a resource: some servers record none.
    has_resource_events: bool,
    /// The state in which the stack has come to rest.
    end: Option<String>,
    /// Logical ids of the resources in progress.
    in_progress: BTreeSet<String>,
    reasons: Vec<String>,
    own_reason: Option<String>,
}

/// How it ended.
#[derive(Debug)]
pub(in crate::ops) struct Ended {
    pub status: String,
    pub stack: Option<Stack>,
    /// `LogicalId (TYPE): reason` of what failed by itself, in order.
    pub reasons: Vec<String>,
    pub stopped_tasks: Vec<StoppedTasks>,
    /// Services whose rollout failed, with the cause.
    pub failed: Vec<(String, String)>,
}

impl Follow {
    /// An operation that is about to begin: everything after the stack's newest event belongs to it. `change_set` is the ARN of the change
    /// set that is executed, if it is one.
    pub async fn upcoming(
        aws: &Aws,
        operation: Operation,
        stack: &Stack,
        total: usize,
        change_set: Option<&str>,
    ) -> Result<Self> {
        let seen = aws.newest_event_id(&stack.arn).await?;
        let mut follow = Self::new(operation, stack, seen);
        (follow.reader.total, follow.reader.change_set) = (total, change_set.map(ToOwned::to_owned));
        Ok(follow)
    }

    /// An operation that is in progress already; its events are reported from its beginning.
    pub async fn running(aws: &Aws, operation: Operation, stack: &Stack) -> Result<Self> {
        let seen = aws.event_id_before_operation(&stack.arn).await?;
        let mut follow = Self::new(operation, stack, seen);
        follow.reader.begun = true;
        Ok(follow)
    }

    fn new(operation: Operation, stack: &Stack, seen: Option<String>) -> Self {
        let reader = Reader {
            operation,
            before: stack.clone(),
            stack: stack.name.clone(),
            arn: stack.arn.clone(),
            change_set: None,
            is_anchored: seen.is_some(),
            seen,
            total: 0,
            done: 0,
            begun: false,
            has_resource_events: false,
            end: None,
            in_progress: BTreeSet::new(),
            reasons: Vec::new(),
            own_reason: None,
        };
        let services = Services::of_stack(&reader.arn);
        Self { reader, new_events: RefCell::default(), services }
    }

    /// Remembers the PRIMARY deployments of the stack's services, before anything begins.
    pub async fn remember_deployments(&mut self, aws: &Aws) -> Result<()> {
        self.services.remember_deployments(aws).await
    }

    /// Emits every event until the stack is at rest. ECS is polled concurrently with CloudFormation: a slow one does not delay the other.
    pub async fn run(&mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) -> Result<Ended> {
        let shared = RefCell::new(emit);
        let mut by_reader = |event| (shared.borrow_mut())(event);
        let mut by_services = |event| (shared.borrow_mut())(event);
        let (status, stack) = tokio::select! {
            ended = Box::pin(self.reader.run(aws, &self.new_events, &mut by_reader)) => ended?,
            never = Box::pin(self.services.run(aws, &self.new_events, &mut by_services)) => match never {},
        };
        if let Some(stack) =
            stack.as_ref().filter(|_| SUCCESS.contains(&status.as_str()) && !self.reader.has_resource_events)
        {
            let since = stack.updated.unwrap_or_default();
            self.services.watch_all(aws, since).await?;
        }
        // It has ended whatever ECS says, or does not say.
        drop(timeout(LAST_LOOK, Box::pin(self.services.look(aws, &self.new_events, &mut by_reader))).await);
        let stopped_tasks = Box::pin(self.services.stopped_tasks(aws, &mut by_reader)).await;
        let Reader { reasons, own_reason, .. } = &self.reader;
        // Without a resource that failed, the stack itself says why.
        let reasons = if reasons.is_empty() { own_reason.iter().cloned().collect() } else { reasons.clone() };
        Ok(Ended { status, stack, reasons, stopped_tasks, failed: self.services.failed() })
    }

    /// Waits until the services of the stack are steady.
    pub async fn until_steady(&mut self, aws: &Aws, limit: Duration, emit: &mut dyn FnMut(DeployEvent)) -> Result<()> {
        self.services.until_steady(aws, limit, emit).await
    }

    /// The tasks that stopped, cause by cause.
    pub async fn stopped_tasks(&mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) -> Vec<StoppedTasks> {
        self.services.stopped_tasks(aws, emit).await
    }
}

impl Reader {
    /// Tells events until the stack is at rest: its state then, and the stack unless it is deleted.
    async fn run(
        &mut self,
        aws: &Aws,
        new_events: &RefCell<Vec<StackEvent>>,
        emit: &mut dyn FnMut(DeployEvent),
    ) -> Result<(String, Option<Stack>)> {
        let (mut pause, mut quiet, mut unconfirmed, mut last_output) = (POLL_ACTIVE, 0, 0, Instant::now());
        loop {
            let events =
                retry_transient(async || aws.stack_events_after(&self.arn, self.seen.as_deref()).await).await?;
            if events.is_empty() {
                (pause, quiet) = ((pause * 3 / 2).min(POLL_IDLE), quiet + 1);
            } else {
                (pause, quiet, unconfirmed, last_output) = (POLL_ACTIVE, 0, 0, Instant::now());
            }
            if last_output.elapsed() >= HEARTBEAT {
                last_output = Instant::now();
                let resources = self.in_progress.iter().cloned().collect();
                let (done, total) = (self.done, self.total.max(self.done));
                emit(DeployEvent::InProgress { stack: self.stack.clone(), done, total, resources });
            }
            for event in events {
                self.on_event(&event, emit);
                new_events.borrow_mut().push(event);
            }
            if let Some(end) = self.end.clone() {
                // The event came after the one before the operation, and none has come since: a change set that still does not know of
                // its end never will.
                if self.is_over(&end, aws).await? || self.is_anchored && unconfirmed >= QUIET_ROUNDS {
                    let stack = self.stack_at(&end, aws).await?;
                    return Ok((end, stack));
                }
                unconfirmed += 1;
            }
            if quiet >= if self.begun { QUIET_ROUNDS } else { QUIET_ROUNDS_BEFORE } {
                let stack = retry_transient(async || aws.stack(&self.arn).await).await?;
                let now = stack.as_ref().map_or("DELETE_COMPLETE", |stack| &stack.status).to_owned();
                self.begun = self.begun || self.has_begun(stack.as_ref(), aws).await?;
                if is_at_rest(&now) && self.begun && self.is_over(&now, aws).await? {
                    return Ok((now, stack));
                }
                if !self.begun {
                    let (stack, operation) = (self.stack.clone(), self.operation.verb());
                    return Err(OpsError::NeverBegan { stack, operation, status: now });
                }
                quiet = 0;
            }
            sleep(pause).await;
        }
    }

    /// Whether the operation has begun although no event says so: the change set is being executed, or the stack has changed.
    async fn has_begun(&self, now: Option<&Stack>, aws: &Aws) -> Result<bool> {
        if let Some(change_set) = self.executed_change_set(aws).await? {
            return Ok(change_set.execution_status != "AVAILABLE");
        }
        Ok(now.is_none_or(|now| now.status != self.before.status || now.updated != self.before.updated))
    }

    /// Whether the operation is over, when its stack seems to be at rest in `status`: what a stack says of itself may be about the
    /// operation before. Of an executed change set its execution status decides.
    async fn is_over(&self, status: &str, aws: &Aws) -> Result<bool> {
        let mut has_failed = false;
        for _ in 0..STALE_READS {
            let Some(change_set) = self.executed_change_set(aws).await? else { return Ok(true) };
            has_failed = change_set.execution_status == "EXECUTE_FAILED";
            if change_set.execution_status == "EXECUTE_COMPLETE" || has_failed && !SUCCESS.contains(&status) {
                return Ok(true);
            }
            sleep(POLL_ACTIVE).await;
        }
        if has_failed {
            return Err(OpsError::StackFailed {
                stack: self.stack.clone(),
                status: status.to_owned(),
                reasons: vec!["CloudFormation says that the execution of the change set failed".to_owned()],
                stopped_tasks: Vec::new(),
            });
        }
        Ok(false)
    }

    /// The change set that is executed; `None` without one, or where the server has forgotten it.
    async fn executed_change_set(&self, aws: &Aws) -> Result<Option<ChangeSet>> {
        match &self.change_set {
            Some(change_set) => retry_transient(async || aws.change_set(&self.arn, change_set).await).await,
            None => Ok(None),
        }
    }

    /// The stack in the state that its events have already reported: descriptions may be slightly older.
    async fn stack_at(&self, status: &str, aws: &Aws) -> Result<Option<Stack>> {
        let mut stack = None;
        for _ in 0..STALE_READS {
            stack = retry_transient(async || aws.stack(&self.arn).await).await?;
            if stack.as_ref().is_none_or(|stack| stack.status == status) {
                break;
            }
            sleep(POLL_ACTIVE).await;
        }
        Ok(stack)
    }

    fn on_event(&mut self, event: &StackEvent, emit: &mut dyn FnMut(DeployEvent)) {
        self.seen = Some(event.id.clone());
        self.begun = true;
        self.done += usize::from(is_complete(&event.status));
        if event.resource_type == "AWS::CloudFormation::Stack" && event.physical_id == self.arn {
            self.end = is_at_rest(&event.status).then(|| event.status.clone());
            if event.status.contains("ROLLBACK") || event.status.ends_with("_FAILED") {
                self.own_reason = self.own_reason.take().or_else(|| event.reason.clone());
            }
        } else {
            self.has_resource_events = true;
            if event.status.ends_with("_IN_PROGRESS") {
                self.in_progress.insert(event.logical_id.clone());
            } else {
                self.in_progress.remove(&event.logical_id);
            }
        }
        self.reasons.extend(own_failure(event));
        emit(DeployEvent::Resource {
            stack: self.stack.clone(),
            done: self.done,
            total: self.total.max(self.done),
            resource: event.clone().into(),
        });
    }
}

impl Ended {
    /// Success is a COMPLETE state that is not a rollback, with every service on the deployment that was made for it.
    pub fn into_result(mut self, name: &str, accepted: &[&str]) -> Result<Option<Stack>> {
        let failed = self.failed.pop().map(|failed| (failed, self.stopped_tasks.clone()));
        let stack = self.into_stack(name, accepted)?;
        match failed {
            Some(((service, reason), stopped_tasks)) => Err(OpsError::RolloutFailed { service, reason, stopped_tasks }),
            None => Ok(stack),
        }
    }

    /// The stack, if it has come to rest in a accepted state.
    pub fn into_stack(self, name: &str, accepted: &[&str]) -> Result<Option<Stack>> {
        let Self { status, stack, mut reasons, stopped_tasks, failed: _ } = self;
        if accepted.contains(&status.as_str()) {
            return Ok(stack);
        }
        if reasons.is_empty() {
            reasons.extend(stack.and_then(|stack| stack.status_reason));
        }
        Err(OpsError::StackFailed { stack: name.to_owned(), status, reasons, stopped_tasks })
    }
}

/// No operation goes on in this state, and one has ended in it. A stack in review has not been created.
pub(in crate::ops) fn is_at_rest(status: &str) -> bool {
    !status.ends_with("_IN_PROGRESS")
}

/// As cdk counts: the change from an update to its clean-up is a step of its own.
fn is_complete(status: &str) -> bool {
    status.ends_with("_COMPLETE") || status.ends_with("_COMPLETE_CLEANUP_IN_PROGRESS") || status == "DELETE_SKIPPED"
}

/// Why a resource failed by itself; what was only cancelled with it explains nothing.
fn own_failure(event: &StackEvent) -> Option<String> {
    let reason = event.reason.as_deref()?;
    let cancelled = reason.contains("cancelled");
    let failed = event.status.ends_with("_FAILED") && event.resource_type != "AWS::CloudFormation::Stack";
    (failed && !cancelled).then(|| format!("{} ({}): {reason}", event.logical_id, event.resource_type))
}
