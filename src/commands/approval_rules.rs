//! Questions before something changes: a first creation, broader permissions, other changes.

use clap::ValueEnum;

use crate::error::CliError;
use crate::exit::Exit;
use crate::render::{self, Ui};
use crate::stack::TemplateDiff;

/// When a deploy asks before it changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum RequireApproval {
    /// Never; --sandbox implies it.
    Never,
    /// When permissions or network access get broader.
    #[default]
    Broadening,
    /// Always.
    AnyChange,
}

/// Asks before the first creation of a stack, because the account may be the wrong one. Approves it without asking if `[target]` guards the
/// account and region, or if there is no terminal.
pub(super) async fn approve_first_creation(
    stack: &str,
    region: &str,
    is_guarded: bool,
    ui: &mut Ui,
) -> Result<bool, CliError> {
    if is_guarded || !ui.can_ask() {
        return Ok(true);
    }
    Ok(ui.confirm(&format!("Stack {stack} does not exist in {region} yet. Create it?"), "--yes").await?)
}

/// Shows the changes of a stack, and asks for approval if `when` requires it. The sandbox never requires it.
pub(super) async fn approve_changes(
    diff: &TemplateDiff,
    stack: &str,
    when: RequireApproval,
    is_sandbox: bool,
    ui: &mut Ui,
) -> Result<bool, CliError> {
    let when = if is_sandbox { RequireApproval::Never } else { when };
    let (needed, why) = match when {
        RequireApproval::Never => (false, ""),
        RequireApproval::Broadening => {
            (diff.security.is_broadening(), "This makes permissions or network access broader. ")
        }
        // Also what no template shows: tags, parameters, values that are decided at deployment.
        RequireApproval::AnyChange => (true, ""),
    };
    if !needed {
        render::show_changes(ui, stack, diff);
        return Ok(true);
    }
    render::show_pending_approval(ui, stack, diff);
    let question = format!("{why}Deploy these changes to {stack}?");
    Ok(ui.confirm(&question, "--require-approval never (or --yes)").await?)
}

/// The error when the user declines.
pub(super) fn not_approved_error(stacks: &[&str]) -> CliError {
    let were = if stacks.len() == 1 { "was" } else { "were" };
    CliError::new(Exit::Failed, format!("not approved; {} {were} not changed", stacks.join(", ")))
}
