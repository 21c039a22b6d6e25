//! Follows an operation on a stack to its end: the stack's events, and concurrently the stack's services.

mod event_poller;

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::timeout;

use super::service_watches::ServiceWatches;
use crate::aws::Aws;
use crate::model::{Stack, StackEvent};
use crate::ops::{DeployEvent, Operation, OpsError, Result, StoppedTasks};
use event_poller::EventPoller;
pub(in crate::ops) use event_poller::is_in_progress;

/// The statuses of a stack whose creation or update succeeded.
pub(in crate::ops) const SUCCESS_STATUSES: [&str; 3] = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"];
/// How long to wait for the final state of the services.
const FINAL_POLL_TIMEOUT: Duration = Duration::from_secs(10);

/// Follows one operation on a stack. [`StackFollower::run`] may be dropped and called again: no event is reported twice or lost.
#[derive(Debug)]
pub(in crate::ops) struct StackFollower {
    poller: EventPoller,
    /// Events that the services have not seen yet.
    new_events: RefCell<Vec<StackEvent>>,
    services: ServiceWatches,
}

/// How an operation ended.
#[derive(Debug)]
pub(in crate::ops) struct OperationEnd {
    pub status: String,
    pub stack: Option<Stack>,
    /// `LogicalId (TYPE): reason` of what failed by itself, in order.
    pub reasons: Vec<String>,
    pub stopped_tasks: Vec<StoppedTasks>,
    /// Services whose rollout failed, with the cause.
    pub failed: Vec<(String, String)>,
}

impl StackFollower {
    /// A follower of an operation that is about to begin: everything after the stack's newest event belongs to it. `change_set` is the ARN of
    /// the change set that is executed, if it is one.
    pub(crate) async fn for_new_operation(
        aws: &Aws,
        operation: Operation,
        stack: &Stack,
        total: usize,
        change_set: Option<&str>,
    ) -> Result<Self> {
        let last_event_id = aws.newest_event_id(&stack.arn).await?;
        let poller = EventPoller::for_new_operation(operation, stack, last_event_id, total, change_set);
        Ok(Self::new(poller, stack))
    }

    /// A follower of an operation that is in progress already; its events are reported from its beginning.
    pub(crate) async fn for_running_operation(aws: &Aws, operation: Operation, stack: &Stack) -> Result<Self> {
        let last_event_id = aws.event_id_before_operation(&stack.arn).await?;
        Ok(Self::new(EventPoller::for_running_operation(operation, stack, last_event_id), stack))
    }

    fn new(poller: EventPoller, stack: &Stack) -> Self {
        Self { poller, new_events: RefCell::default(), services: ServiceWatches::for_stack(&stack.arn) }
    }

    /// Remembers the PRIMARY deployments of the stack's services, before anything begins.
    pub(crate) async fn remember_deployments(&mut self, aws: &Aws) -> Result<()> {
        self.services.remember_deployments(aws).await
    }

    /// Emits every event until the operation has ended. ECS is polled concurrently with CloudFormation: a slow one does not delay the other.
    pub(crate) async fn run(&mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) -> Result<OperationEnd> {
        let shared = RefCell::new(emit);
        let mut emit = |event| (shared.borrow_mut())(event);
        let mut emit_of_services = |event| (shared.borrow_mut())(event);
        let (status, stack) = tokio::select! {
            end = Box::pin(self.poller.run(aws, &self.new_events, &mut emit)) => end?,
            never = Box::pin(self.services.run(aws, &self.new_events, &mut emit_of_services)) => match never {},
        };
        let has_succeeded = SUCCESS_STATUSES.contains(&status.as_str());
        if let Some(stack) = stack.as_ref().filter(|_| has_succeeded && !self.poller.has_resource_events()) {
            let since = stack.updated.unwrap_or_default();
            self.services.watch_all(aws, since).await?;
        }
        // The stack operation has ended; errors of this last poll do not matter.
        drop(timeout(FINAL_POLL_TIMEOUT, Box::pin(self.services.poll(aws, &self.new_events, &mut emit))).await);
        let stopped_tasks = Box::pin(self.services.stopped_tasks(aws, &mut emit)).await;
        let (reasons, failed) = (self.poller.failure_reasons(), self.services.failed());
        Ok(OperationEnd { status, stack, reasons, stopped_tasks, failed })
    }

    /// Waits until the services of the stack are steady.
    pub(crate) async fn until_steady(
        &mut self,
        aws: &Aws,
        limit: Duration,
        emit: &mut dyn FnMut(DeployEvent),
    ) -> Result<()> {
        self.services.until_steady(aws, limit, emit).await
    }

    /// The tasks that stopped, cause by cause.
    pub(crate) async fn stopped_tasks(&mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) -> Vec<StoppedTasks> {
        self.services.stopped_tasks(aws, emit).await
    }
}

impl OperationEnd {
    /// Success is a COMPLETE state that is not a rollback, with every service on the deployment that was made for it.
    pub(crate) fn into_result(mut self, name: &str, accepted: &[&str]) -> Result<Option<Stack>> {
        let failed = self.failed.pop().map(|failed| (failed, self.stopped_tasks.clone()));
        let stack = self.into_stack(name, accepted)?;
        match failed {
            Some(((service, reason), stopped_tasks)) => Err(OpsError::RolloutFailed { service, reason, stopped_tasks }),
            None => Ok(stack),
        }
    }

    /// The stack, if its final status is an accepted one.
    pub(crate) fn into_stack(self, name: &str, accepted: &[&str]) -> Result<Option<Stack>> {
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
