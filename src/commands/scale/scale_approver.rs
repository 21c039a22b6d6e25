//! Approval rules of `scale`: only scaling numbers change without confirmation.

use super::spec_edit::SpecEdit;
use crate::commands::approval_rules;
use crate::commands::deploy::{Approver, ExecutionOptions, ProjectSource, roll_back};
use crate::error::CliError;
use crate::ops::{ProposedChanges, Question};
use crate::project::Project;
use crate::render::{self, Ui};
use crate::stack::TemplateDiff;

/// Answers the questions of a deploy by `scale`.
#[derive(Debug)]
pub(super) struct ScaleApprover<'a> {
    /// The project as it was read, without the new numbers.
    project: &'a Project,
    key: &'a str,
    execution: &'a ExecutionOptions,
    is_sandbox: bool,
    creation_is_approved: bool,
    /// Written once the changes of the stack are approved.
    pub edit: SpecEdit<'a>,
}

impl<'a> ScaleApprover<'a> {
    pub(super) fn new(
        project: &'a Project,
        key: &'a str,
        edit: SpecEdit<'a>,
        execution: &'a ExecutionOptions,
        is_sandbox: bool,
    ) -> Self {
        Self { project, key, execution, is_sandbox, creation_is_approved: false, edit }
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
        let without_edit = without_edit.with_additions_of(&changes.deployed);
        Ok(changes.diff.non_scaling_changes(&TemplateDiff::between(&changes.deployed, &without_edit)))
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
        if more.is_empty() {
            approval_rules::approve_changes(diff, stack, self.execution.require_approval, self.is_sandbox, ui).await
        } else {
            render::show_all_changes(ui, stack, diff);
            let more = more.join("\n  ");
            let question = format!(
                "More than the scaling of `{}` would change in stack {stack}:\n  {more}\nDeploy all of it?",
                self.key
            );
            Ok(ui.confirm(&question, "--yes").await?)
        }
    }
}

impl Approver for ScaleApprover<'_> {
    async fn answer(&mut self, question: &Question, source: &ProjectSource<'_>, ui: &mut Ui) -> Result<bool, CliError> {
        match question {
            Question::CreateStack { stack, .. } => self.approve_creation(stack, ui).await,
            Question::ApplyChanges(changes) => self.approve_changes(changes, source, ui).await,
            Question::RollBack { .. } | Question::SkipResources { .. } => roll_back(question, ui).await,
        }
    }

    fn on_changes_approved(&mut self, ui: &mut Ui) -> Result<(), CliError> {
        self.edit.save(ui)
    }
}
