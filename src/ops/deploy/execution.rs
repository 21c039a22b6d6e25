//! An operation on one stack that creates or updates it, followed to the end.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{self, Instant, sleep};

use super::follow::{OperationEnd, StackFollower};
use super::prepared_change_set::{check_size, classify_refusal, stack_in_review};
use super::service_watches::SteadyLimit;
use crate::aws::Aws;
use crate::model::{ChangeSetKind, Stack, StackRequest, StackResource, StackStatus};
use crate::ops::retry::{RETRY_BUDGET, retry, retry_transient};
use crate::ops::{DeployEvent, Operation, OpsError, PreparedChangeSet, Reporter, Result};

/// How long a requested rollback may take.
const ROLLBACK_TIMEOUT: Duration = Duration::from_hours(1);
/// Poll interval while a stack in review is deleted.
const REVIEW_POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How long an operation may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeout {
    /// The time limit, if any.
    pub duration: Option<Duration>,
    /// Delete a stack whose creation takes longer.
    pub delete_creation: bool,
}

/// A creation or update that CloudFormation is about to start or has started.
#[derive(Debug)]
pub struct Execution {
    operation: Operation,
    stack: Stack,
    follower: StackFollower,
    start: Instant,
}

impl Execution {
    /// The execution of a change set, which [`Execution::execute`] starts. `resources` are those of the stack before it.
    pub async fn for_change_set(aws: &Aws, prepared: &PreparedChangeSet, resources: &[StackResource]) -> Result<Self> {
        let operation = if prepared.kind == ChangeSetKind::Create { Operation::Create } else { Operation::Update };
        // Counts like cdk: includes the stack itself, and the clean-up of an update.
        let total = prepared.change_set.changes.len() + if operation == Operation::Create { 1 } else { 2 };
        Self::for_new_operation(aws, operation, &prepared.stack, total, Some(&prepared.change_set.arn), resources).await
    }

    /// An update without a change set, which [`Execution::update`] starts. `resources` are those of the stack before it.
    pub async fn for_update(aws: &Aws, stack: &Stack, resources: &[StackResource]) -> Result<Self> {
        Self::for_new_operation(aws, Operation::Update, stack, 0, None, resources).await
    }

    async fn for_new_operation(
        aws: &Aws,
        operation: Operation,
        stack: &Stack,
        total: usize,
        change_set: Option<&str>,
        resources: &[StackResource],
    ) -> Result<Self> {
        let mut follower = StackFollower::for_new_operation(aws, operation, stack, total, change_set).await?;
        if operation == Operation::Update {
            follower.services.remember_deployments(aws, resources).await?;
        }
        Ok(Self { operation, stack: stack.clone(), follower, start: Instant::now() })
    }

    /// Executes the change set. `keep_failed` keeps failed resources instead of rolling back.
    pub async fn execute(&self, aws: &Aws, prepared: &PreparedChangeSet, keep_failed: bool) -> Result<()> {
        let (stack, change_set) = (&self.stack, &prepared.change_set.arn);
        let execute = async || aws.execute_change_set(change_set, keep_failed).await;
        let Err(error) = retry(aws.waits(), Some(RETRY_BUDGET), execute).await else { return Ok(()) };
        // If the response was lost, the repeated call fails, because the change set is being executed already.
        let now = retry_transient(aws, async || aws.change_set(&stack.arn, change_set).await).await;
        match now.map_err(|error| error.while_following(&stack.name, self.operation))? {
            Some(now) if now.execution_status.starts_with("EXECUTE_") => Ok(()),
            _ => Err(classify_refusal(aws, &stack.name, Some(stack), error).await),
        }
    }

    /// Updates without a change set; `false` when there is nothing to update.
    pub async fn update(&self, aws: &Aws, request: &StackRequest<'_>, keep_failed: bool) -> Result<bool> {
        check_size(request.stack, request.template)?;
        match aws.update_stack(request, keep_failed).await {
            Err(error) => Err(classify_refusal(aws, request.stack, Some(&self.stack), error).await),
            updated => Ok(updated?),
        }
    }

    /// Creates a stack without a change set. Deletes a stack in review without change sets first.
    pub async fn create(aws: &Aws, request: &StackRequest<'_>, keep_failed: bool) -> Result<Self> {
        check_size(request.stack, request.template)?;
        if let Some(stack) = stack_in_review(aws, request.stack).await? {
            let _wait = aws.waits().begin(format!("the deletion of stack `{}`, which is in review", request.stack));
            aws.delete_stack(&stack.arn).await?;
            while stack_in_review(aws, request.stack).await?.is_some() {
                sleep(REVIEW_POLL_INTERVAL).await;
            }
        }
        if let Err(error) = aws.create_stack(request, keep_failed).await {
            return Err(classify_refusal(aws, request.stack, None, error).await);
        }
        let gone = || OpsError::Disappeared(format!("stack `{}`", request.stack));
        let stack = aws.stack(request.stack).await?.ok_or_else(gone)?;
        let follower = StackFollower::for_running_operation(aws, Operation::Create, &stack).await?;
        Ok(Self { operation: Operation::Create, stack, follower, start: Instant::now() })
    }

    pub fn operation(&self) -> Operation {
        self.operation
    }

    pub fn arn(&self) -> &str {
        &self.stack.arn
    }

    /// Sets the construct paths for events of resources, by logical id.
    pub(crate) fn set_construct_paths(&mut self, paths: BTreeMap<String, String>) {
        self.follower.set_construct_paths(paths);
    }

    /// The time since the start, in seconds.
    pub fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Follows CloudFormation to the end, through a rollback, which is a failure.
    pub async fn follow<E>(&mut self, aws: &Aws, timeout: Timeout, reporter: &Reporter<E>) -> Result<Stack> {
        let name = self.stack.name.clone();
        let ended = match timeout.duration {
            None => self.follower.run(aws, reporter).await,
            Some(limit) => {
                match time::timeout(limit.saturating_sub(self.start.elapsed()), self.follower.run(aws, reporter)).await
                {
                    Ok(ended) => ended,
                    Err(_) => self.cancel_late(limit, timeout.delete_creation, aws, reporter).await,
                }
            }
        };
        let ended = ended.map_err(|error| error.while_following(&name, self.operation))?;
        ended.into_result(&name)?.ok_or_else(|| OpsError::Disappeared(format!("stack `{name}`")))
    }

    /// Waits until the services of the completed stack are steady.
    pub async fn until_steady<E>(&mut self, aws: &Aws, timeout: Timeout, reporter: &Reporter<E>) -> Result<()> {
        let limit = SteadyLimit::new(timeout.duration, self.start.elapsed());
        self.follower.services.until_steady(aws, limit, reporter).await
    }

    /// The event of its success.
    pub fn finished(&self, stack: &Stack) -> DeployEvent {
        DeployEvent::Finished {
            stack: stack.name.clone(),
            operation: self.operation,
            arn: stack.arn.clone(),
            outputs: stack.outputs.iter().map(|output| (output.key.clone(), output.value.clone().into())).collect(),
            seconds: self.seconds(),
        }
    }

    /// Handles an exceeded time limit: cancels an update and follows its rollback, leaves or deletes a creation. An operation that ends before it
    /// can be cancelled is not late.
    async fn cancel_late<E>(
        &mut self,
        limit: Duration,
        delete_creation: bool,
        aws: &Aws,
        reporter: &Reporter<E>,
    ) -> Result<OperationEnd> {
        let stack = self.stack.name.clone();
        let error = |status: StackStatus, stopped_tasks| OpsError::TimedOut {
            stack: stack.clone(),
            limit,
            status,
            stopped_tasks,
        };
        let action = match self.operation {
            Operation::Create if !delete_creation => None,
            operation @ (Operation::Create | Operation::Update) => {
                match cancel_operation(aws, operation, &self.stack.arn).await {
                    Ok(action) => Some(action),
                    Err(failure) => {
                        reporter.event(DeployEvent::note(format!("{stack}: time limit exceeded; {failure}")));
                        None
                    }
                }
            }
            Operation::RollBack | Operation::Delete => None,
        };
        let Some(action) = action else {
            let stopped_tasks = self.follower.services.stopped_tasks(aws, reporter).await;
            let now = match retry_transient(aws, async || aws.stack(&self.stack.arn).await).await {
                Ok(stack) => stack.map_or_else(|| "DELETE_COMPLETE".into(), |stack| stack.status),
                Err(failure) => {
                    reporter.event(DeployEvent::note(format!("{stack}: its last known status is shown: {failure}")));
                    let is_creation = self.operation == Operation::Create;
                    if is_creation { "CREATE_IN_PROGRESS".into() } else { "UPDATE_IN_PROGRESS".into() }
                }
            };
            return Err(error(now, stopped_tasks));
        };
        reporter.event(DeployEvent::note(format!("{stack}: time limit exceeded; {action}")));
        match time::timeout(ROLLBACK_TIMEOUT, self.follower.run(aws, reporter)).await {
            Ok(Ok(ended)) if ended.status.is_success() => Ok(ended),
            Ok(ended) => ended.and_then(|ended| Err(error(ended.status, ended.stopped_tasks))),
            Err(_) => {
                let stopped_tasks = self.follower.services.stopped_tasks(aws, reporter).await;
                let now = if self.operation == Operation::Create {
                    "DELETE_IN_PROGRESS"
                } else {
                    "UPDATE_ROLLBACK_IN_PROGRESS"
                };
                Err(error(now.into(), stopped_tasks))
            }
        }
    }
}

/// Cancels an operation as far as CloudFormation can. Returns what happens to the stack.
pub(super) async fn cancel_operation(aws: &Aws, operation: Operation, stack: &str) -> Result<&'static str> {
    Ok(match operation {
        Operation::Update if cancel_update(aws, stack).await? => "the update is cancelled and rolled back",
        Operation::Update => "too late to cancel the update; it continues",
        Operation::Create => {
            retry_transient(aws, async || aws.delete_stack(stack).await).await?;
            "the stack is being deleted"
        }
        Operation::RollBack | Operation::Delete => "a rollback or deletion cannot be cancelled; it continues",
    })
}

/// Cancels an update, which is then rolled back. Returns `false` if the update has ended or is cleaning up.
pub(in crate::ops) async fn cancel_update(aws: &Aws, arn: &str) -> Result<bool> {
    let Err(error) = retry_transient(aws, async || aws.cancel_update(arn).await).await else { return Ok(true) };
    match aws.stack(arn).await {
        Ok(now) if now.as_ref().is_none_or(|now| now.status != "UPDATE_IN_PROGRESS") => Ok(false),
        _ => Err(error),
    }
}
