//! The answers to a deploy's questions.

use futures_util::future::LocalBoxFuture;

use super::options::ExecutionOptions;
use super::project_source::ProjectSource;
use crate::commands::approval_rules;
use crate::error::CliError;
use crate::ops::Question;
use crate::render::Ui;
use crate::stack::spec::Target;

/// Answers the questions of a deploy, by rules or by asking the user.
pub(crate) trait Approver {
    /// The answer to a question. An error ends the deploy of the stack.
    fn answer<'a>(
        &'a mut self,
        question: &'a Question,
        source: &'a ProjectSource<'_>,
        ui: &'a mut Ui,
    ) -> LocalBoxFuture<'a, Result<bool, CliError>>;
}

/// The rules of `deploy`: the first creation of a stack is confirmed unless `[target]` is complete, changes follow `--require-approval`.
#[derive(Debug)]
pub(crate) struct DeployApprover<'a> {
    pub execution: &'a ExecutionOptions,
    pub target: Target,
    pub is_sandbox: bool,
}

impl DeployApprover<'_> {
    async fn decide(&self, question: &Question, ui: &mut Ui) -> Result<bool, CliError> {
        match question {
            Question::CreateStack { replaces_failed_creation: true, .. } => Ok(true),
            Question::CreateStack { stack, region, .. } => {
                let is_guarded = self.is_sandbox || (self.target.account.is_some() && self.target.region.is_some());
                approval_rules::approve_first_creation(stack, region, is_guarded, ui).await
            }
            Question::ApplyChanges(changes) => {
                approval_rules::approve_changes(
                    &changes.diff,
                    &changes.stack,
                    self.execution.require_approval,
                    self.is_sandbox,
                    ui,
                )
                .await
            }
            Question::RollBack { .. } => roll_back(question, ui).await,
        }
    }
}

impl Approver for DeployApprover<'_> {
    fn answer<'a>(
        &'a mut self,
        question: &'a Question,
        _source: &'a ProjectSource<'_>,
        ui: &'a mut Ui,
    ) -> LocalBoxFuture<'a, Result<bool, CliError>> {
        Box::pin(self.decide(question, ui))
    }
}

/// Asks whether to roll back a failed stack before it is deployed. Answers other questions with no.
pub(crate) async fn roll_back(question: &Question, ui: &mut Ui) -> Result<bool, CliError> {
    let Question::RollBack { stack, status, stuck_resources } = question else { return Ok(false) };
    let text = if stuck_resources.is_empty() {
        format!("Stack {stack} is {status}: roll it back first?")
    } else {
        let resources = stuck_resources.join("\n  ");
        format!("Stack {stack} is {status}, stuck at\n  {resources}\nContinue its rollback first?")
    };
    Ok(ui.confirm(&text, "--yes").await?)
}
