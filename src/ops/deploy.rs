//! Deploys one stack: its state, a change set, and, once approved, its execution, followed to the end.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::sleep;

use super::follow::{Follow, is_at_rest};
use super::{OpsError, Result};
use crate::aws::{Aws, AwsError, ChangeSet, ChangeSetKind, ChangeSetRequest, Stack, StackEvent};

/// The change set's name; one left over from an interrupted deploy is replaced.
const CHANGE_SET: &str = "ecsws-deploy";
/// CloudFormation takes templates up to this size without S3.
const MAX_TEMPLATE_BYTES: usize = 51_200;

/// What happens while stacks are deployed or destroyed. In JSON each is a line with its name in `event`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DeployEvent {
    /// Work on a stack begins.
    Started {
        /// The stack's name.
        stack: String,
        /// What is done to it.
        operation: Operation,
    },
    /// There is nothing to change.
    NoChanges {
        /// The stack's name.
        stack: String,
    },
    /// An event of the stack.
    Resource {
        /// The stack's name.
        stack: String,
        /// Resources that are done.
        done: usize,
        /// Resources that will be done, as far as known.
        total: usize,
        /// CloudFormation's event.
        #[serde(flatten)]
        resource: ResourceEvent,
    },
    /// The count of a service's tasks changed while it was waited for.
    Tasks {
        /// The service's name.
        service: String,
        /// Tasks that shall run.
        desired: u32,
        /// Tasks that run.
        running: u32,
        /// Tasks that start.
        pending: u32,
    },
    /// A task of a service in progress stopped.
    TaskStopped {
        /// The service's name.
        service: String,
        /// The task's id.
        task: String,
        /// Why, with the containers' exit codes.
        cause: String,
        /// How many tasks have stopped for this cause by now.
        count: usize,
    },
    /// Something the user should know.
    Note {
        /// In words.
        message: String,
    },
    /// Work on a stack ended well.
    Finished {
        /// The stack's name.
        stack: String,
        /// What was done to it.
        operation: Operation,
        /// The stack's ARN.
        arn: String,
        /// Its outputs by key.
        outputs: serde_json::Map<String, serde_json::Value>,
        /// How long it took.
        seconds: f64,
    },
}

/// What is done to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// It does not exist yet.
    Create,
    /// It exists.
    Update,
    /// It goes.
    Delete,
}

/// An event of a stack as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct ResourceEvent {
    /// When, by AWS's clock.
    pub timestamp: jiff::Timestamp,
    /// ResourceStatus.
    pub status: String,
    /// ResourceType.
    pub resource_type: String,
    /// LogicalResourceId.
    pub logical_id: String,
    /// PhysicalResourceId.
    pub physical_id: String,
    /// ResourceStatusReason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<StackEvent> for ResourceEvent {
    fn from(event: StackEvent) -> Self {
        let StackEvent { id: _, timestamp, logical_id, physical_id, resource_type, status, reason } = event;
        Self { timestamp, status, resource_type, logical_id, physical_id, reason }
    }
}

/// What a deploy found.
#[derive(Debug)]
pub enum Prepared {
    /// The stack is as wanted.
    NoChanges(Stack),
    /// A change set waits to be executed.
    Ready(Ready),
}

/// A change set that waits to be executed. Dropping it leaves it behind: either [`execute`] it or [`Ready::discard`] it.
#[derive(Debug)]
pub struct Ready {
    stack: String,
    kind: ChangeSetKind,
    change_set: ChangeSet,
    arn: String,
    seen: Option<String>,
}

/// What a stack shall be.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The stack's name.
    pub name: &'a str,
    /// The template's text.
    pub template: &'a str,
    /// Tags of the stack.
    pub tags: &'a [(String, String)],
}

/// Waits until nothing goes on with the stack. `None` when it is to be created: there is none, or only what a failed creation left.
pub async fn settle(aws: &Aws, name: &str, emit: &mut dyn FnMut(DeployEvent)) -> Result<Option<Stack>> {
    loop {
        let Some(stack) = aws.stack(name).await? else { return Ok(None) };
        let stuck = |hint: &str| OpsError::Stuck {
            stack: name.to_owned(),
            status: stack.status.clone(),
            hint: hint.to_owned(),
        };
        match stack.status.as_str() {
            "REVIEW_IN_PROGRESS" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => return Ok(None),
            "CREATE_FAILED" | "UPDATE_FAILED" => {
                return Err(stuck("roll it back first: aws cloudformation rollback-stack"));
            }
            "UPDATE_ROLLBACK_FAILED" => {
                return Err(stuck("repair it first: aws cloudformation continue-update-rollback"));
            }
            "DELETE_FAILED" => {
                return Err(stuck("`ecsws destroy` tries to delete it again, and says what could not be deleted"));
            }
            status if is_at_rest(status) => return Ok(Some(stack)),
            status => {
                emit(note(format!("stack `{name}` is {status}: waiting for that to end first")));
                let seen = aws.newest_event_id(&stack.arn).await?;
                Follow { stack: name, arn: &stack.arn, seen, total: 0, begun: true }.run(aws, emit).await?;
            }
        }
    }
}

/// Makes the change set of a stack that [`settle`] found, or found to be created (as `cdk deploy` does it).
pub async fn prepare(
    aws: &Aws,
    wanted: &Wanted<'_>,
    existing: Option<Stack>,
    emit: &mut dyn FnMut(DeployEvent),
) -> Result<Prepared> {
    if wanted.template.len() > MAX_TEMPLATE_BYTES {
        let bytes = wanted.template.len();
        return Err(OpsError::ChangeSetFailed {
            stack: wanted.name.to_owned(),
            reason: format!("its template has {bytes} bytes; without S3 CloudFormation takes {MAX_TEMPLATE_BYTES}"),
        });
    }
    let (kind, operation) = match existing {
        Some(_) => (ChangeSetKind::Update, Operation::Update),
        None => (ChangeSetKind::Create, Operation::Create),
    };
    if existing.is_none() {
        clear_away(aws, wanted.name, emit).await?;
    }
    emit(DeployEvent::Started { stack: wanted.name.to_owned(), operation });
    let change_set = make_change_set(aws, wanted, kind).await?;
    let gone = || OpsError::Gone(format!("stack `{}`", wanted.name));
    if change_set.is_empty() {
        aws.delete_change_set(&change_set.arn).await?;
        emit(DeployEvent::NoChanges { stack: wanted.name.to_owned() });
        return Ok(Prepared::NoChanges(existing.ok_or_else(gone)?));
    }
    if change_set.status == "FAILED" {
        let reason = change_set.reason.clone().unwrap_or_else(|| "CloudFormation gives no reason".to_owned());
        discard(aws, &change_set.arn, wanted.name, kind).await?;
        return Err(OpsError::ChangeSetFailed { stack: wanted.name.to_owned(), reason });
    }
    let arn = aws.stack(wanted.name).await?.ok_or_else(gone)?.arn;
    let seen = aws.newest_event_id(&arn).await?;
    Ok(Prepared::Ready(Ready { stack: wanted.name.to_owned(), kind, change_set, arn, seen }))
}

/// What a failed creation left cannot be updated; nothing of it ever worked.
async fn clear_away(aws: &Aws, name: &str, emit: &mut dyn FnMut(DeployEvent)) -> Result<()> {
    let left = aws.stack(name).await?.filter(|stack| stack.status.starts_with("ROLLBACK_"));
    let Some(stack) = left else { return Ok(()) };
    emit(note(format!("stack `{name}` was never created ({}): it is deleted and created anew", stack.status)));
    super::destroy::delete_and_follow(aws, &stack, emit).await
}

impl Ready {
    /// Takes the change set back: nothing changes. A stack that exists only for it goes too.
    pub async fn discard(self, aws: &Aws) -> Result<()> {
        discard(aws, &self.change_set.arn, &self.arn, self.kind).await
    }
}

async fn discard(aws: &Aws, change_set: &str, stack: &str, kind: ChangeSetKind) -> Result<()> {
    aws.delete_change_set(change_set).await?;
    let in_review = aws.stack(stack).await?.is_some_and(|stack| stack.status == "REVIEW_IN_PROGRESS");
    if kind == ChangeSetKind::Create && in_review {
        aws.delete_stack(stack).await?;
    }
    Ok(())
}

/// Executes the change set and follows it. A rollback is waited for and is a failure.
pub async fn execute(aws: &Aws, ready: Ready, emit: &mut dyn FnMut(DeployEvent)) -> Result<Stack> {
    #[expect(clippy::disallowed_methods, reason = "how long it took is told to the user; nothing depends on it")]
    let begun = Instant::now();
    aws.execute_change_set(&ready.change_set.arn).await.map_err(|error| overtaken(&ready.stack, error))?;
    let operation = if ready.kind == ChangeSetKind::Create { Operation::Create } else { Operation::Update };
    // As cdk counts: the stack itself is one more, and so is the clean-up of an update.
    let total = ready.change_set.changes + if operation == Operation::Create { 1 } else { 2 };
    let follow = Follow { stack: &ready.stack, arn: &ready.arn, seen: ready.seen, total, begun: false };
    let ended = follow.run(aws, emit).await?;
    let stack = ended.into_result(&ready.stack, &["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"])?;
    let stack = stack.ok_or_else(|| OpsError::Gone(format!("stack `{}`", ready.stack)))?;
    emit(DeployEvent::Finished {
        stack: stack.name.clone(),
        operation,
        arn: stack.arn.clone(),
        outputs: stack.outputs.iter().map(|output| (output.key.clone(), output.value.clone().into())).collect(),
        seconds: begun.elapsed().as_secs_f64(),
    });
    Ok(stack)
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

fn note(message: String) -> DeployEvent {
    DeployEvent::Note { message }
}

async fn make_change_set(aws: &Aws, wanted: &Wanted<'_>, kind: ChangeSetKind) -> Result<ChangeSet> {
    if let Some(old) = aws.change_set(wanted.name, CHANGE_SET).await? {
        aws.delete_change_set(&old.arn).await?;
    }
    let request =
        ChangeSetRequest { stack: wanted.name, name: CHANGE_SET, kind, template: wanted.template, tags: wanted.tags };
    let arn = aws.create_change_set(&request).await.map_err(|error| overtaken(wanted.name, error))?;
    let mut pause = Duration::from_millis(100);
    loop {
        let gone = || OpsError::Gone(format!("change set `{arn}`"));
        let change_set = aws.change_set(wanted.name, &arn).await?.ok_or_else(gone)?;
        if !matches!(change_set.status.as_str(), "CREATE_PENDING" | "CREATE_IN_PROGRESS") {
            return Ok(change_set);
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}
