//! Deploying stacks: compare, check, change set, approval, execution, followed to the end.
//!
//! [`deploy`] runs all of it and never touches the terminal: it sends [`Message`]s, among them questions with a place for the answer, to
//! the loop of the command, and stops beginning new work when its cancellation token is cancelled.

mod checks;
pub(in crate::ops) mod deregistered;
mod desired_count_resets;
pub(in crate::ops) mod events;
pub(in crate::ops) mod execution;
pub(in crate::ops) mod follow;
mod initial_state;
mod messages;
mod outcome;
mod phases;
pub(in crate::ops) mod preflight;
pub(in crate::ops) mod prepared_change_set;
pub(in crate::ops) mod preview;
mod request;
pub mod rollout;
mod schedule;
mod service_watch;
pub(in crate::ops) mod service_watches;
mod stack_deployment;
pub(in crate::ops) mod state;
mod template_source;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::aws::Aws;
use crate::model::Stack;
use crate::ops::{OpsError, ReadCache};
use crate::stack::Template;
use checks::Checks;
use events::Operation;
use messages::Phase;
pub use messages::{Message, Question, message_channel};
pub(crate) use messages::{ProposedChanges, Reporter};
use outcome::Failure;
pub use outcome::StackOutcome;
pub(crate) use outcome::{DeployResult, Deployed};
pub(crate) use phases::StackPhases;
pub use request::{DeployMethod, DeployRequest, StackInputs};
pub use template_source::TemplateSource;

/// What the deploys of all stacks of one request share.
struct DeployContext<'a, S: TemplateSource> {
    aws: &'a Aws,
    request: &'a DeployRequest<'a>,
    source: &'a S,
    reporter: Reporter<S::Error>,
    cancellation: &'a CancellationToken,
    reads: &'a ReadCache,
    checks: Mutex<Checks>,
}

impl<S: TemplateSource> DeployContext<'_, S> {
    /// An error once the deploy is cancelled.
    fn check_cancelled(&self, stack: &str) -> Result<(), OpsError> {
        if self.cancellation.is_cancelled() {
            return Err(OpsError::Interrupted { stack: stack.to_owned() });
        }
        Ok(())
    }

    /// The deployed template of a stack; empty if nothing is deployed.
    async fn deployed_template(&self, existing: Option<&Stack>) -> Result<Template, OpsError> {
        match existing {
            Some(stack) => Ok(self.reads.template(stack).await?.unwrap_or_default()),
            None => Ok(Template::default()),
        }
    }

    /// Sends that an operation on a stack starts, and discards what was read before it.
    fn start_operation(&self, stack: &str, operation: Operation, name_or_arn: &str) {
        self.reads.discard();
        self.reporter.phase(stack, Phase::InProgress(operation, name_or_arn.to_owned()));
    }

    /// Sends that an operation that others have started is followed, and discards what was read before it.
    fn follow_operation(&self, stack: &str) {
        self.reads.discard();
        self.reporter.phase(stack, Phase::Followed);
    }

    /// Sends that the operation on a stack has ended, and discards what was read before.
    fn end_operation(&self, stack: &str) {
        self.reads.discard();
        self.reporter.phase(stack, Phase::Idle);
    }

    /// Asks a question about a stack. Fails if the answer is no.
    async fn ask(&self, stack: &str, question: Question) -> Result<(), Failure<S::Error>> {
        self.check_cancelled(stack)?;
        match self.reporter.ask(question).await {
            // Another stack's operation may have been cancelled while the question was open.
            Ok(true) => Ok(self.check_cancelled(stack)?),
            Ok(false) => Err(Failure::NotApproved(OpsError::NotApproved { stack: stack.to_owned() }.into())),
            Err(error) => Err(Failure::Failed(error)),
        }
    }
}

/// Deploys stacks, each after those that it needs. The outcomes are in the order of the request.
pub async fn deploy<S: TemplateSource>(
    reads: &ReadCache,
    request: &DeployRequest<'_>,
    source: &S,
    reporter: Reporter<S::Error>,
    cancellation: &CancellationToken,
) -> Vec<StackOutcome<S::Error>> {
    let deploy =
        DeployContext { aws: reads.aws(), request, source, reporter, cancellation, reads, checks: Mutex::default() };
    let mut outcomes = schedule::in_order(
        request.stacks,
        request.concurrency,
        || cancellation.is_cancelled(),
        async |inputs, has_waited| {
            if has_waited {
                reads.discard_stack(&inputs.stack.name);
            }
            stack_deployment::deploy_stack(&deploy, inputs).await.into()
        },
    )
    .await;
    // The checks are about all stacks together, so the others are not skipped because of one of them.
    if outcomes.iter().any(|outcome| matches!(outcome, StackOutcome::Rejected(_))) {
        for outcome in &mut outcomes {
            if matches!(outcome, StackOutcome::Skipped(_) | StackOutcome::NotStarted) {
                *outcome = StackOutcome::Rejected(OpsError::Rejected { rejections: Vec::new() }.into());
            }
        }
    }
    outcomes
}
