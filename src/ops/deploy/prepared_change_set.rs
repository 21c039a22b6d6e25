//! Creates change sets, and deletes those that are not executed with the stacks that exist only for them.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::aws::{Aws, AwsError, AwsErrorKind, idempotency_token};
use crate::model::{ChangeSet, ChangeSetKind, PlannedChange, Stack, StackRequest, StackState};
use crate::ops::retry::{RETRY_BUDGET, retry, retry_transient};
use crate::ops::{OpsError, Result};
use crate::stack::{MAX_TEMPLATE_BYTES, PlannedResource, RequiresRecreation};

/// The name of a deploy's change set. One from an interrupted deploy is replaced.
pub(in crate::ops) const CHANGE_SET: &str = "ecsws-deploy";
const FIRST_POLL_INTERVAL: Duration = Duration::from_millis(50);
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How many times, and how often, a change set is looked up whose creation was interrupted: the request may still be on its way.
const LATE_CREATION_CHECKS: usize = 3;
const LATE_CREATION_INTERVAL: Duration = Duration::from_millis(300);
/// How long the creation of a change set may take: usually seconds, with many nested stacks minutes.
const CREATION_TIMEOUT: Duration = Duration::from_mins(15);

/// A change set that is ready to be executed. Dropping the value does not delete it.
#[derive(Debug)]
pub struct PreparedChangeSet {
    pub change_set: ChangeSet,
    /// Create or update.
    pub kind: ChangeSetKind,
    /// The stack as it is with the change set: a new one is in review.
    pub stack: Stack,
}

/// Creates a change set that creates or updates a stack, as `cdk deploy` does; `None` if nothing would change. Replaces one with the same name
/// from an interrupted deploy. Deletes the change set on failure.
pub async fn prepare_change_set(
    aws: &Aws,
    request: &StackRequest<'_>,
    name: &str,
    existing: Option<&Stack>,
) -> Result<Option<Box<PreparedChangeSet>>> {
    check_size(request.stack, request.template)?;
    let kind = if existing.is_some() { ChangeSetKind::Update } else { ChangeSetKind::Create };
    delete_change_set(aws, request.stack, name).await?;
    // If the response is lost, the repeated request finds the change set by its token.
    let token = idempotency_token();
    let create = async || aws.create_change_set(request, name, kind, &token).await;
    let arn = match retry(aws.waits(), Some(RETRY_BUDGET), create).await {
        Ok(arn) => arn,
        Err(error) => return Err(refused_change_set(aws, request.stack, existing, error).await),
    };
    let prepared = await_change_set(aws, request.stack, &arn, kind).await;
    if !matches!(prepared, Ok(Some(_))) {
        // An error of the clean-up would hide the first error.
        let discarded = discard(aws, request.stack, &arn).await;
        if prepared.is_ok() {
            discarded?;
        }
    }
    prepared
}

async fn await_change_set(
    aws: &Aws,
    stack: &str,
    arn: &str,
    kind: ChangeSetKind,
) -> Result<Option<Box<PreparedChangeSet>>> {
    let concurrent_deploy = || OpsError::ConcurrentDeploy(stack.to_owned());
    let change_set = wait_until_created(aws, stack, arn).await?.ok_or_else(concurrent_deploy)?;
    if change_set.is_empty() {
        return Ok(None);
    }
    if change_set.status == "FAILED" {
        let reason = change_set.reason.unwrap_or_else(|| "no reason reported".to_owned());
        return Err(OpsError::ChangeSetFailed { stack: stack.to_owned(), reason });
    }
    let described = retry_transient(aws, async || aws.stack(stack).await).await?;
    let stack = described.ok_or_else(concurrent_deploy)?;
    Ok(Some(Box::new(PreparedChangeSet { change_set, kind, stack })))
}

/// Fails if the template is too large to be sent.
pub(in crate::ops) fn check_size(stack: &str, template: &str) -> Result<()> {
    let bytes = template.len();
    if bytes <= MAX_TEMPLATE_BYTES {
        return Ok(());
    }
    let reason = format!(
        "its template has {bytes} bytes in the shortest form; CloudFormation accepts {MAX_TEMPLATE_BYTES} without S3, which ecsws does not use"
    );
    Err(OpsError::ChangeSetFailed { stack: stack.to_owned(), reason })
}

/// The change set, once CloudFormation has created it; `None` if it does not exist.
async fn wait_until_created(aws: &Aws, stack: &str, change_set: &str) -> Result<Option<ChangeSet>> {
    let (start, mut pause) = (Instant::now(), FIRST_POLL_INTERVAL);
    let _wait = aws.waits().begin(format!("the change set of stack `{stack}`"));
    loop {
        let described = retry_transient(aws, async || aws.change_set(stack, change_set).await).await?;
        let Some(change_set) = described else { return Ok(None) };
        if !matches!(change_set.status.as_str(), "CREATE_PENDING" | "CREATE_IN_PROGRESS") {
            return Ok(Some(change_set));
        }
        if start.elapsed() >= CREATION_TIMEOUT {
            let reason = "it is still being created after 15 minutes".to_owned();
            return Err(OpsError::ChangeSetFailed { stack: stack.to_owned(), reason });
        }
        sleep(pause).await;
        pause = (pause * 2).min(POLL_INTERVAL);
    }
}

impl PreparedChangeSet {
    /// Deletes the change set without executing it.
    pub async fn discard(&self, aws: &Aws) -> Result<()> {
        discard(aws, &self.stack.name, &self.change_set.arn).await
    }

    /// The resources that it certainly replaces.
    pub fn replaced(&self) -> Vec<&str> {
        let replaced = self.change_set.changes.iter().filter(|change| change.replacement.as_deref() == Some("True"));
        replaced.map(|change| change.logical_id.as_str()).collect()
    }
}

/// Converts the changes of a change set for the diff.
pub(crate) fn to_planned_resources(changes: &[PlannedChange]) -> Vec<PlannedResource> {
    let recreation = |word: &str| match word {
        "Always" | "True" => RequiresRecreation::Always,
        "Conditionally" | "Conditional" => RequiresRecreation::Conditionally,
        _ => RequiresRecreation::Never,
    };
    let planned = changes.iter().map(|change| PlannedResource {
        logical_id: change.logical_id.clone(),
        replacement: recreation(change.replacement.as_deref().unwrap_or_default()),
        properties: change.properties.iter().map(|(name, word)| (name.clone(), recreation(word))).collect(),
        direct: change.direct.clone(),
    });
    planned.collect()
}

/// Deletes a change set, by name or ARN, and the stack that exists only for it. If the change set no longer exists, another deploy uses the
/// stack, which is then left as it is.
pub(crate) async fn discard(aws: &Aws, stack: &str, change_set: &str) -> Result<()> {
    if !delete_change_set(aws, stack, change_set).await? {
        return Ok(());
    }
    if let Some(stack) = stack_in_review(aws, stack).await? {
        retry_transient(aws, async || aws.delete_stack(&stack.arn).await).await?;
    }
    Ok(())
}

/// As [`discard`], unless the change set has been executed. CloudFormation may still be receiving the request that creates it.
pub(in crate::ops) async fn discard_unexecuted(aws: &Aws, stack: &str, name: &str) -> Result<()> {
    for _ in 0..LATE_CREATION_CHECKS {
        match wait_until_created(aws, stack, name).await? {
            Some(change_set) if change_set.execution_status.starts_with("EXECUTE_") => return Ok(()),
            Some(change_set) => return discard(aws, stack, &change_set.arn).await,
            None => sleep(LATE_CREATION_INTERVAL).await,
        }
    }
    Ok(())
}

/// Deletes a change set, by name or ARN; whether there was one. CloudFormation refuses to delete one that it is still creating.
pub(crate) async fn delete_change_set(aws: &Aws, stack: &str, change_set: &str) -> Result<bool> {
    let Some(change_set) = wait_until_created(aws, stack, change_set).await? else { return Ok(false) };
    retry_transient(aws, async || aws.delete_change_set(&change_set.arn).await).await?;
    Ok(true)
}

/// The stack, if it exists only for change sets and has none left: change sets of others are not deleted.
pub(in crate::ops) async fn stack_in_review(aws: &Aws, stack: &str) -> Result<Option<Stack>> {
    let described = retry_transient(aws, async || aws.stack(stack).await).await?;
    let stack = described.filter(|stack| stack.status.state() == StackState::InReview);
    let Some(stack) = stack else { return Ok(None) };
    let others = retry_transient(aws, async || aws.change_sets(&stack.arn).await).await?;
    Ok(others.is_empty().then_some(stack))
}

/// Why CloudFormation refused to create a change set. A request that is not valid, such as one with a parameter's value that does not
/// exist, fails here or, for the same reason, while the change set is being created.
async fn refused_change_set(aws: &Aws, stack: &str, stack_as_read: Option<&Stack>, error: AwsError) -> OpsError {
    match classify_refusal(aws, stack, stack_as_read, error).await {
        OpsError::Aws(error)
            if error.kind == AwsErrorKind::Other && error.code.as_deref() == Some("ValidationError") =>
        {
            OpsError::ChangeSetFailed { stack: stack.to_owned(), reason: error.message }
        }
        error => error,
    }
}

/// Why CloudFormation refused to start an operation on a stack. The result is [`OpsError::ConcurrentDeploy`] if the stack or change set has changed
/// since it was read (`stack_as_read`): CloudFormation's code for a stack in the wrong state is that of every invalid request.
pub(in crate::ops) async fn classify_refusal(
    aws: &Aws,
    name: &str,
    stack_as_read: Option<&Stack>,
    error: AwsError,
) -> OpsError {
    let state = |stack: Option<&Stack>| {
        stack.map(|stack| stack.status.clone()).filter(|status| status.state() != StackState::InReview)
    };
    let is_concurrent = match error.kind {
        AwsErrorKind::Conflict | AwsErrorKind::NotFound => true,
        AwsErrorKind::Other => aws.stack(name).await.is_ok_and(|now| state(now.as_ref()) != state(stack_as_read)),
        _ => false,
    };
    if is_concurrent { OpsError::ConcurrentDeploy(name.to_owned()) } else { error.into() }
}
