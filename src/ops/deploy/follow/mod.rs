//! Follows an operation on a stack to its end: the stack's events, and concurrently the stack's services.

mod event_poller;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::service_watches::ServiceWatches;
use crate::aws::Aws;
use crate::model::{Stack, StackEvent, StackStatus};
use crate::ops::{Operation, OpsError, Reporter, Result, StoppedTasks};
use event_poller::EventPoller;

/// How long to wait for the final state of the services.
const FINAL_POLL_TIMEOUT: Duration = Duration::from_secs(10);

/// Follows one operation on a stack. [`StackFollower::run`] may be dropped and called again: no event is reported twice or lost.
#[derive(Debug)]
pub(in crate::ops) struct StackFollower {
    poller: EventPoller,
    /// Sends the stack's events to `services`.
    stack_events: UnboundedSender<StackEvent>,
    pub services: ServiceWatches,
}

/// How an operation ended.
#[derive(Debug)]
pub(in crate::ops) struct OperationEnd {
    pub status: StackStatus,
    pub stack: Option<Stack>,
    /// `LogicalId (TYPE): reason` of the resources that failed and were not only cancelled, in order.
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
        let (stack_events, receiver) = unbounded_channel();
        Self { poller, stack_events, services: ServiceWatches::for_stack(&stack.arn, receiver) }
    }

    /// Sets the construct paths for events of resources, by logical id.
    pub(crate) fn set_construct_paths(&mut self, paths: BTreeMap<String, String>) {
        self.poller.set_construct_paths(paths);
    }

    /// Emits every event until the operation has ended. ECS is polled concurrently with CloudFormation: a slow one does not delay the other.
    pub(crate) async fn run<E>(&mut self, aws: &Aws, reporter: &Reporter<E>) -> Result<OperationEnd> {
        let wait = aws.waits().begin(self.poller.description());
        let (status, stack) = tokio::select! {
            end = Box::pin(self.poller.run(aws, &self.stack_events, reporter)) => end?,
            never = Box::pin(self.services.run(aws, reporter)) => match never {},
        };
        drop(wait);
        let has_succeeded = status.is_success();
        if let Some(stack) = stack.as_ref().filter(|_| has_succeeded && !self.poller.has_resource_events()) {
            let since = stack.updated.unwrap_or_default();
            self.services.watch_all(aws, since).await?;
        }
        // The stack operation has ended; errors of this last poll do not matter.
        drop(timeout(FINAL_POLL_TIMEOUT, Box::pin(self.services.poll(aws, reporter))).await);
        let stopped_tasks = Box::pin(self.services.stopped_tasks(aws, reporter)).await;
        let (reasons, failed) = (self.poller.failure_reasons(), self.services.failed());
        Ok(OperationEnd { status, stack, reasons, stopped_tasks, failed })
    }
}

impl OperationEnd {
    /// Success is a COMPLETE state that is not a rollback, with every service on the deployment that was made for it.
    pub(crate) fn into_result(mut self, name: &str) -> Result<Option<Stack>> {
        let failed = self.failed.pop().map(|failed| (failed, self.stopped_tasks.clone()));
        let stack = self.into_stack(name, StackStatus::is_success)?;
        match failed {
            Some(((service, reason), stopped_tasks)) => Err(OpsError::RolloutFailed { service, reason, stopped_tasks }),
            None => Ok(stack),
        }
    }

    /// The stack, if its final status is an accepted one.
    pub(crate) fn into_stack(self, name: &str, is_accepted: fn(&StackStatus) -> bool) -> Result<Option<Stack>> {
        let Self { status, stack, mut reasons, stopped_tasks, failed: _ } = self;
        if is_accepted(&status) {
            return Ok(stack);
        }
        if reasons.is_empty() {
            reasons.extend(stack.and_then(|stack| stack.status_reason));
        }
        Err(OpsError::StackFailed { stack: name.to_owned(), status, reasons, stopped_tasks })
    }
}
