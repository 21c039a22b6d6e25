//! Approval rules of `scale`: only scaling numbers change without confirmation, and `ecsws.toml` is written after approval.

use futures_util::future::LocalBoxFuture;

use crate::commands::approval_rules;
use crate::commands::deploy::{Approver, ExecutionOptions, ProjectSource, roll_back};
use crate::context::Context;
use crate::error::CliError;
use crate::ops::{self, ProposedChanges, Question};
use crate::project::{Project, SPEC_FILE};
use crate::render::{self, Ui};
use crate::stack::{KeyChange, ScalingNumbers, TemplateDiff, edit_scaling};

/// Answers the questions of a deploy by `scale`.
#[derive(Debug)]
pub(super) struct ScaleApprover<'a> {
    /// The project as it was read, without the new numbers.
    project: &'a Project,
    key: &'a str,
    scaling: ScalingNumbers,
    execution: &'a ExecutionOptions,
    is_sandbox: bool,
    creation_is_approved: bool,
    /// The changes of `ecsws.toml`, once they are written.
    saved: Option<Vec<KeyChange>>,
}

impl<'a> ScaleApprover<'a> {
    pub(super) fn new(
        project: &'a Project,
        key: &'a str,
        scaling: ScalingNumbers,
        execution: &'a ExecutionOptions,
        is_sandbox: bool,
    ) -> Self {
        Self { project, key, scaling, execution, is_sandbox, creation_is_approved: false, saved: None }
    }

    /// Writes the numbers to `ecsws.toml` and prints what changed. Does nothing when called again.
    pub(super) fn save(&mut self, ui: &mut Ui) -> Result<(), CliError> {
        if self.saved.is_some() {
            return Ok(());
        }
        let changes = self.project.save_edit(|text| edit_scaling(text, self.key, &self.scaling))?;
        for change in &changes {
            render::note_event(ui, format!("{SPEC_FILE}: {change}"));
        }
        self.saved = Some(changes);
        Ok(())
    }

    /// Warns after a failure that `ecsws.toml` has numbers that the stack may lack.
    pub(super) async fn warn_of_written_edit(&self, stack: &str, ctx: &mut Context) {
        let changes: Vec<String> = self.saved.iter().flatten().map(ToString::to_string).collect();
        if changes.is_empty() {
            return;
        }
        let now = match ctx.aws(Some(self.project)).await {
            Ok(aws) => ops::describe_stacks(&aws, [stack]).await.unwrap_or_default().into_iter().flatten().next(),
            Err(_) => None,
        };
        let stack_now = match now.map(|stack| stack.status) {
            None => format!("whether stack {stack} has them is not known"),
            Some(status) if status.is_rollback() => format!("stack {stack} does not have them: it is {status}"),
            Some(status) => format!("stack {stack} is {status}"),
        };
        let changes = changes.join(", ");
        render::warn_event(&mut ctx.ui, format!("{SPEC_FILE} has the new numbers ({changes}); {stack_now}"));
    }

    /// The changes other than the numbers, in words.
    async fn beyond_numbers(
        &self,
        changes: &ProposedChanges,
        source: &ProjectSource<'_>,
    ) -> Result<Vec<String>, CliError> {
        if !changes.exists {
            return Ok(Vec::new());
        }
        let without_edit = source.template_with(&self.project.spec, &changes.stack).await?;
        let without_edit = without_edit.with_cdk_metadata_of(&changes.deployed);
        Ok(changes.diff.changes_besides_scaling(&TemplateDiff::between(&changes.deployed, &without_edit)))
    }

    async fn approve_creation(&mut self, stack: &str, ui: &mut Ui) -> Result<bool, CliError> {
        if !self.creation_is_approved {
            let question =
                format!("Stack {stack} does not exist yet: scaling `{}` would create all of it. Create it?", self.key);
            self.creation_is_approved = ui.confirm(&question, "--yes").await?;
        }
        Ok(self.creation_is_approved)
    }

    async fn approve_changes(
        &mut self,
        changes: &ProposedChanges,
        source: &ProjectSource<'_>,
        ui: &mut Ui,
    ) -> Result<bool, CliError> {
        let ProposedChanges { stack, diff, .. } = changes;
        let more = self.beyond_numbers(changes, source).await?;
        let approved = if more.is_empty() {
            approval_rules::approve_changes(diff, stack, self.execution.require_approval, self.is_sandbox, ui).await?
        } else {
            render::show_all_changes(ui, stack, diff);
            let more = more.join("\n  ");
            let question = format!(
                "More than the scaling of `{}` would change in stack {stack}:\n  {more}\nDeploy all of it?",
                self.key
            );
            ui.confirm(&question, "--yes").await?
        };
        if approved {
            self.save(ui)?;
        }
        Ok(approved)
    }
}

impl Approver for ScaleApprover<'_> {
    fn answer<'a>(
        &'a mut self,
        question: &'a Question,
        source: &'a ProjectSource<'_>,
        ui: &'a mut Ui,
    ) -> LocalBoxFuture<'a, Result<bool, CliError>> {
        match question {
            Question::CreateStack { stack, .. } => Box::pin(self.approve_creation(stack, ui)),
            Question::ApplyChanges(changes) => Box::pin(self.approve_changes(changes, source, ui)),
            Question::RollBack { .. } => Box::pin(roll_back(question, ui)),
        }
    }
}
