//! Approval rules of `scale`: only scaling numbers change without confirmation, and `ecsws.toml` is written after approval.

use std::cell::{Cell, RefCell};

use futures_util::future::LocalBoxFuture;

use crate::commands::approve;
use crate::commands::deploy::{Approval, Compared, FollowOptions, Stage};
use crate::context::Context;
use crate::error::CliError;
use crate::model::Stack;
use crate::project::{FILE, Project};
use crate::render::{self, Ui};
use crate::stack::{KeyChange, Scaling, TemplateDiff, edit_scaling};

/// The decisions of one `scale`.
#[derive(Debug)]
pub struct ScaleApproval<'a> {
    /// As it was read, without the new numbers.
    project: &'a Project,
    key: &'a str,
    scaling: Scaling,
    follow: &'a FollowOptions,
    creation_is_approved: Cell<bool>,
    /// What was changed in `ecsws.toml`, once it was written.
    saved: RefCell<Option<Vec<KeyChange>>>,
}

impl<'a> ScaleApproval<'a> {
    /// Nothing is decided yet.
    pub fn new(project: &'a Project, key: &'a str, scaling: Scaling, follow: &'a FollowOptions) -> Self {
        let (creation_is_approved, saved) = (Cell::new(false), RefCell::new(None));
        Self { project, key, scaling, follow, creation_is_approved, saved }
    }

    /// Writes the numbers to `ecsws.toml` and prints what changed. Does nothing when called again.
    pub fn save(&self, ui: &mut Ui) -> Result<(), CliError> {
        if self.saved.borrow().is_some() {
            return Ok(());
        }
        let changes = self.project.save_edit(|text| edit_scaling(text, self.key, &self.scaling))?;
        for change in &changes {
            render::note_event(ui, format!("{FILE}: {change}"));
        }
        self.saved.replace(Some(changes));
        Ok(())
    }

    /// After a failure: that the file is ahead of the stack, if it was written.
    pub async fn warn_of_written_edit(&self, stack: &str, ctx: &mut Context) {
        let changes: Vec<String> = self.saved.borrow().iter().flatten().map(ToString::to_string).collect();
        if changes.is_empty() {
            return;
        }
        let status = match ctx.aws(Some(self.project)).await {
            Ok(aws) => aws.stack(stack).await.ok().flatten().map(|stack| stack.status).unwrap_or_default(),
            Err(_) => String::new(),
        };
        let stack_now = match status.as_str() {
            "" => format!("whether stack {stack} has them is not known"),
            status if status.contains("ROLLBACK") => format!("stack {stack} does not have them: it is {status}"),
            status => format!("stack {stack} is {status}"),
        };
        let changes = changes.join(", ");
        render::warn_event(&mut ctx.ui, format!("{FILE} has the new numbers ({changes}); {stack_now}"));
    }

    /// What would change besides the numbers, in words.
    fn beyond_numbers(
        &self,
        compared: Compared<'_>,
        diff: &TemplateDiff,
        stage: &Stage<'_>,
    ) -> Result<Vec<String>, CliError> {
        if compared.existing.is_none() {
            return Ok(Vec::new());
        }
        let without_edit = stage.synthesiser.template_with(&self.project.spec, &compared.stack.name)?;
        let without_edit = without_edit.with_cdk_metadata_of(compared.deployed);
        Ok(diff.beyond_scaling(&TemplateDiff::between(compared.deployed, &without_edit)))
    }

    async fn approve_creation(&self, stack: &str, stage: &mut Stage<'_>) -> Result<bool, CliError> {
        if !self.creation_is_approved.get() {
            let question =
                format!("Stack {stack} does not exist yet: scaling `{}` would create all of it. Create it?", self.key);
            self.creation_is_approved.set(stage.ctx.ui.confirm(&question, "--yes").await?);
        }
        Ok(self.creation_is_approved.get())
    }

    async fn approve_changes(
        &self,
        compared: Compared<'_>,
        diff: &TemplateDiff,
        stage: &mut Stage<'_>,
    ) -> Result<bool, CliError> {
        let name = &compared.stack.name;
        let more = self.beyond_numbers(compared, diff, stage)?;
        let approved = if more.is_empty() {
            approve::changes(diff, name, self.follow.require_approval, stage.ctx).await?
        } else {
            render::show_all_changes(&mut stage.ctx.ui, name, diff);
            let more = more.join("\n  ");
            let question = format!(
                "More than the scaling of `{}` would change in stack {name}:\n  {more}\nDeploy all of it?",
                self.key
            );
            stage.ctx.ui.confirm(&question, "--yes").await?
        };
        if approved {
            self.save(&mut stage.ctx.ui)?;
        }
        Ok(approved)
    }
}

impl Approval for ScaleApproval<'_> {
    fn creation<'a>(
        &'a self,
        stack: &'a str,
        _region: &'a str,
        _remains: Option<&'a Stack>,
        stage: &'a mut Stage<'_>,
    ) -> LocalBoxFuture<'a, Result<bool, CliError>> {
        Box::pin(self.approve_creation(stack, stage))
    }

    fn changes<'a>(
        &'a self,
        compared: Compared<'a>,
        diff: &'a TemplateDiff,
        stage: &'a mut Stage<'_>,
    ) -> LocalBoxFuture<'a, Result<bool, CliError>> {
        Box::pin(self.approve_changes(compared, diff, stage))
    }
}
