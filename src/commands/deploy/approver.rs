//! The answers to a deploy's questions.

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
    async fn answer(&mut self, question: &Question, source: &ProjectSource<'_>, ui: &mut Ui) -> Result<bool, CliError>;

    /// Called when the changes of a stack are approved, before they are made. An error ends the deploy of the stack.
    fn on_changes_approved(&mut self, _ui: &mut Ui) -> Result<(), CliError> {
        Ok(())
    }
}

/// The rules of `deploy`: the first creation of a stack is confirmed unless `[target]` is complete, changes follow `--require-approval`.
#[derive(Debug)]
pub(crate) struct DeployApprover<'a> {
    pub execution: &'a ExecutionOptions,
    pub target: Target,
    pub is_sandbox: bool,
}

impl Approver for DeployApprover<'_> {
    async fn answer(
        &mut self,
        question: &Question,
        _source: &ProjectSource<'_>,
        ui: &mut Ui,
    ) -> Result<bool, CliError> {
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
            Question::RollBack { .. } | Question::SkipResources { .. } => roll_back(question, ui).await,
        }
    }
}

/// Asks whether to roll back a failed stack before it is deployed, and without which resources. Answers other questions with no.
pub(crate) async fn roll_back(question: &Question, ui: &mut Ui) -> Result<bool, CliError> {
    let (stack, status, stuck_resources) = match question {
        Question::RollBack { stack, status, stuck_resources } => (stack, status, stuck_resources),
        Question::SkipResources { stack, resources } => return skip_resources(stack, resources, ui).await,
        Question::CreateStack { .. } | Question::ApplyChanges(_) => return Ok(false),
    };
    let text = if stuck_resources.is_empty() {
        format!("Stack {stack} is {status}: roll it back first?")
    } else {
        let resources = stuck_resources.join("\n  ");
        format!("Stack {stack} is {status}, stuck at\n  {resources}\nContinue its rollback first?")
    };
    Ok(ui.confirm(&text, "--yes").await?)
}

/// `--yes` does not skip resources, because they are then left in an unknown state; `--skip-resource` does.
async fn skip_resources(stack: &str, resources: &[String], ui: &mut Ui) -> Result<bool, CliError> {
    if ui.answers_yes() || !ui.can_ask() {
        return Ok(false);
    }
    let resources = resources.join(", ");
    let question = format!(
        "If the cause is not removed, the rollback of {stack} fails again. Skip {resources}, which are then left as they are?"
    );
    Ok(ui.confirm(&question, "--skip-resource").await?)
}
