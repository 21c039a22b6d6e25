//! Deploys one stack: a change set, and, once approved, its execution, followed to the end.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::follow::Follow;
use super::state::{Standing, standing};
use super::{DeployEvent, Operation, OpsError, Result};
use crate::aws::{Aws, AwsError, ChangeSet, ChangeSetKind, Stack, StackRequest};

/// CloudFormation takes templates up to this size without S3.
const MAX_TEMPLATE_BYTES: usize = 51_200;
/// A rollback that was asked for may take so long.
const ROLLBACK_WITHIN: Duration = Duration::from_hours(1);

/// While a stack goes that was only in review.
const REVIEW_PAUSE: Duration = Duration::from_millis(200);

/// What a deploy found.
#[derive(Debug)]
pub enum Prepared {
    /// The stack is as wanted.
    NoChanges,
    /// A change set waits to be executed.
    Ready(Box<Ready>),
}

/// A change set that waits to be executed. Dropping it leaves it behind: either [`Execution::of`] it or [`Ready::discard`] it.
#[derive(Debug)]
pub struct Ready {
    /// What it changes.
    pub change_set: ChangeSet,
    kind: ChangeSetKind,
    /// The stack as it is with the change set: a new one is in review.
    stack: Stack,
}

/// How an operation is followed.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// So long it may take.
    pub limit: Option<Duration>,
    /// Delete a stack whose creation takes longer.
    pub delete_late_creation: bool,
    /// Wait for services to be steady when the stack is complete.
    pub services: bool,
}

/// Makes the change set of a stack that exists, or is to be created (as `cdk deploy` does it). One of the same name that an interrupted
/// deploy has left is replaced.
pub async fn prepare(aws: &Aws, request: &StackRequest<'_>, name: &str, existing: Option<&Stack>) -> Result<Prepared> {
    check_size(request)?;
    let kind = if existing.is_some() { ChangeSetKind::Update } else { ChangeSetKind::Create };
    if let Some(old) = aws.change_set(request.stack, name).await? {
        aws.delete_change_set(&old.arn).await?;
    }
    let arn = aws.create_change_set(request, name, kind).await.map_err(|error| overtaken(request.stack, error))?;
    let change_set = made(aws, request.stack, &arn).await?;
    if change_set.status == "FAILED" {
        discard(aws, &arn, request.stack, kind).await?;
        if change_set.is_empty() {
            return Ok(Prepared::NoChanges);
        }
        let reason = change_set.reason.unwrap_or_else(|| "CloudFormation gives no reason".to_owned());
        return Err(OpsError::ChangeSetFailed { stack: request.stack.to_owned(), reason });
    }
    let gone = || OpsError::Gone(format!("stack `{}`", request.stack));
    let stack = aws.stack(request.stack).await?.ok_or_else(gone)?;
    Ok(Prepared::Ready(Box::new(Ready { change_set, kind, stack })))
}

fn check_size(request: &StackRequest<'_>) -> Result<()> {
    let bytes = request.template.len();
    if bytes <= MAX_TEMPLATE_BYTES {
        return Ok(());
    }
    let stack = request.stack.to_owned();
    Err(OpsError::ChangeSetFailed {
        stack,
        reason: format!(
            "its template has {bytes} bytes; without S3, which ecsws does not use, CloudFormation takes {MAX_TEMPLATE_BYTES}"
        ),
    })
}

/// Waits until CloudFormation has made a change set.
async fn made(aws: &Aws, stack: &str, arn: &str) -> Result<ChangeSet> {
    let mut pause = Duration::from_millis(50);
    loop {
        let gone = || OpsError::Gone(format!("change set `{arn}`"));
        let change_set = aws.change_set(stack, arn).await?.ok_or_else(gone)?;
        if !matches!(change_set.status.as_str(), "CREATE_PENDING" | "CREATE_IN_PROGRESS") {
            return Ok(change_set);
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

impl Ready {
    /// Takes the change set back: nothing changes. A stack that exists only for it goes too.
    pub async fn discard(&self, aws: &Aws) -> Result<()> {
        discard(aws, &self.change_set.arn, &self.stack.arn, self.kind).await
    }

    /// The resources that it replaces for sure.
    pub fn replaced(&self) -> Vec<&str> {
        let replaced = self.change_set.changes.iter().filter(|change| change.replacement.as_deref() == Some("True"));
        replaced.map(|change| change.logical_id.as_str()).collect()
    }
}

async fn discard(aws: &Aws, change_set: &str, stack: &str, kind: ChangeSetKind) -> Result<()> {
    aws.delete_change_set(change_set).await?;
    if kind == ChangeSetKind::Create {
        forget_review(aws, stack).await?;
    }
    Ok(())
}

/// Deletes a stack that exists only because a change set was made for it.
async fn forget_review(aws: &Aws, stack: &str) -> Result<()> {
    let in_review = aws.stack(stack).await?.filter(|stack| standing(&stack.status) == Standing::InReview);
    match in_review {
        Some(stack) => Ok(aws.delete_stack(&stack.arn).await?),
        None => Ok(()),
    }
}

/// Deletes the change set of this name that was being made, and the stack that exists only for it: the work was given up in between.
pub async fn give_up(aws: &Aws, stack: &str, name: &str) -> Result<()> {
    if let Some(change_set) = aws.change_set(stack, name).await? {
        aws.delete_change_set(&change_set.arn).await?;
    }
    forget_review(aws, stack).await
}

/// An operation that CloudFormation works on.
#[derive(Debug)]
pub struct Execution {
    operation: Operation,
    stack: Stack,
    follow: Follow,
    begun: Instant,
}

impl Execution {
    /// Executes the change set. `keep_failed` leaves what fails as it is, instead of rolling back.
    pub async fn of(aws: &Aws, ready: Box<Ready>, keep_failed: bool) -> Result<Self> {
        let Ready { change_set, kind, stack } = *ready;
        let operation = if kind == ChangeSetKind::Create { Operation::Create } else { Operation::Update };
        // As cdk counts: the stack itself is one more, and so is the clean-up of an update.
        let total = change_set.changes.len() + if operation == Operation::Create { 1 } else { 2 };
        let mut follow = Follow::upcoming(aws, &stack, total).await?;
        if operation == Operation::Update {
            follow.remember_deployments(aws).await?;
        }
        aws.execute_change_set(&change_set.arn, keep_failed).await.map_err(|error| overtaken(&stack.name, error))?;
        Ok(Self { operation, stack, follow, begun: Instant::now() })
    }

    /// Creates or updates without a change set. `None` when there is nothing to update.
    pub async fn direct(
        aws: &Aws,
        request: &StackRequest<'_>,
        existing: Option<Stack>,
        keep_failed: bool,
    ) -> Result<Option<Self>> {
        check_size(request)?;
        let gone = || OpsError::Gone(format!("stack `{}`", request.stack));
        let Some(stack) = existing else {
            forget_review(aws, request.stack).await?;
            while aws.stack(request.stack).await?.is_some_and(|stack| standing(&stack.status) != Standing::Updatable) {
                sleep(REVIEW_PAUSE).await;
            }
            aws.create_stack(request, keep_failed).await.map_err(|error| overtaken(request.stack, error))?;
            let stack = aws.stack(request.stack).await?.ok_or_else(gone)?;
            let follow = Follow::running(aws, &stack).await?;
            return Ok(Some(Self { operation: Operation::Create, stack, follow, begun: Instant::now() }));
        };
        let mut follow = Follow::upcoming(aws, &stack, 0).await?;
        follow.remember_deployments(aws).await?;
        let updated = aws.update_stack(request, keep_failed).await.map_err(|error| overtaken(request.stack, error))?;
        Ok(updated.then(|| Self { operation: Operation::Update, stack, follow, begun: Instant::now() }))
    }

    /// What is done to the stack.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The stack's ARN.
    pub fn arn(&self) -> &str {
        &self.stack.arn
    }

    /// How long it has been going on, in seconds.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Follows it to the end. A rollback is waited for and is a failure. May be dropped and called again.
    pub async fn follow(&mut self, aws: &Aws, patience: Patience, emit: &mut dyn FnMut(DeployEvent)) -> Result<Stack> {
        let name = self.stack.name.clone();
        let ended = match patience.limit {
            None => self.follow.run(aws, emit).await?,
            Some(limit) => {
                match timeout(limit.saturating_sub(self.begun.elapsed()), self.follow.run(aws, emit)).await {
                    Ok(ended) => ended?,
                    Err(_) => return Err(self.late(limit, aws, patience, emit).await?),
                }
            }
        };
        let stack = ended.into_result(&name, &["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"])?;
        let stack = stack.ok_or_else(|| OpsError::Gone(format!("stack `{name}`")))?;
        if patience.services {
            let limit = patience.limit.map_or(STEADY_WITHIN, |limit| limit.saturating_sub(self.begun.elapsed()));
            self.follow.until_steady(aws, limit, emit).await?;
        }
        emit(DeployEvent::Finished {
            stack: stack.name.clone(),
            operation: self.operation,
            arn: stack.arn.clone(),
            outputs: stack.outputs.iter().map(|output| (output.key.clone(), output.value.clone().into())).collect(),
            seconds: self.begun.elapsed().as_secs_f64(),
        });
        Ok(stack)
    }

    /// The time is up: an update is cancelled and its rollback waited for; a creation cannot be, so it is left or deleted.
    async fn late(
        &mut self,
        limit: Duration,
        aws: &Aws,
        patience: Patience,
        emit: &mut dyn FnMut(DeployEvent),
    ) -> Result<OpsError> {
        let stack = self.stack.name.clone();
        let error = |status: String, casualties| OpsError::TimedOut { stack: stack.clone(), limit, status, casualties };
        let undone = match self.operation {
            Operation::Update => {
                emit(DeployEvent::note(format!("{stack}: the time is up; the update is cancelled and rolled back")));
                cancel(aws, &self.stack.arn).await?
            }
            Operation::Create if patience.delete_late_creation => {
                emit(DeployEvent::note(format!("{stack}: the time is up; what was created is deleted")));
                aws.delete_stack(&self.stack.arn).await?;
                true
            }
            _ => false,
        };
        if !undone {
            let casualties = self.follow.casualties(aws, emit).await;
            let now = aws.stack(&self.stack.arn).await?.map_or_else(|| "gone".to_owned(), |stack| stack.status);
            return Ok(error(now, casualties));
        }
        match timeout(ROLLBACK_WITHIN, self.follow.run(aws, emit)).await {
            Ok(ended) => {
                let ended = ended?;
                Ok(error(ended.status, ended.casualties))
            }
            Err(_) => Ok(error("not back yet".to_owned(), self.follow.casualties(aws, emit).await)),
        }
    }
}

/// How long services may take to be steady once their stack is complete, where nothing else is said.
pub const STEADY_WITHIN: Duration = Duration::from_mins(15);

/// Cancels an update; it is rolled back. `false` when it has ended meanwhile, or has come too far: its clean-up cannot be cancelled.
pub async fn cancel(aws: &Aws, arn: &str) -> Result<bool> {
    match aws.cancel_update(arn).await {
        Ok(()) => Ok(true),
        Err(error) if error.message.contains("CancelUpdateStack cannot be called") => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What CloudFormation says when somebody else has begun with the stack since it was looked at.
fn overtaken(stack: &str, error: AwsError) -> OpsError {
    let code = error.code.as_deref().unwrap_or_default();
    let begun = error.message.contains("cannot be created again")
        || error.message.contains("_IN_PROGRESS state")
        || code.starts_with("InvalidChangeSetStatus")
        || code.starts_with("ChangeSetNotFound")
        || code.starts_with("AlreadyExists");
    if begun { OpsError::Overtaken(stack.to_owned()) } else { error.into() }
}
