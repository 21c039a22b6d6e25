//! Writes new scaling numbers to `ecsws.toml`.

use crate::context::Context;
use crate::error::CliError;
use crate::ops;
use crate::project::{Project, SPEC_FILE};
use crate::render::{self, Ui};
use crate::stack::{KeyChange, ScalingNumbers, edit_scaling};

/// New scaling numbers of a service, which are written to `ecsws.toml` at most once.
#[derive(Debug)]
pub(super) struct SpecEdit<'a> {
    project: &'a Project,
    key: &'a str,
    numbers: ScalingNumbers,
    /// The changes of `ecsws.toml`, once they are written.
    saved: Option<Vec<KeyChange>>,
}

impl<'a> SpecEdit<'a> {
    /// The numbers for the service `key`. Nothing is written yet.
    pub(super) fn new(project: &'a Project, key: &'a str, numbers: ScalingNumbers) -> Self {
        Self { project, key, numbers, saved: None }
    }

    /// Writes the numbers to `ecsws.toml` and prints what changed. Does nothing when called again.
    pub(super) fn save(&mut self, ui: &mut Ui) -> Result<(), CliError> {
        if self.saved.is_some() {
            return Ok(());
        }
        let changes = self.project.save_edit(|text| edit_scaling(text, self.key, &self.numbers))?;
        for change in &changes {
            render::note_event(ui, format!("{SPEC_FILE}: {change}"));
        }
        self.saved = Some(changes);
        Ok(())
    }

    /// Warns after a failure that `ecsws.toml` has numbers that the stack may lack.
    pub(super) async fn warn_if_saved(&self, stack: &str, ctx: &mut Context) {
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
}
