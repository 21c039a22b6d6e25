//! Checks and questions before something changes: the right account, a first creation, security changes.

use clap::ValueEnum;

use crate::aws::Aws;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::project::Project;
use crate::render::{self, Ui};
use crate::stack::{Environment, TemplateDiff};

/// When a deploy asks before it changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RequireApproval {
    /// Never; --sandbox implies it.
    Never,
    /// When permissions or network access get broader.
    #[default]
    Broadening,
    /// Always.
    AnyChange,
}

/// Refuses any account or region but `[target]`'s. Gives the account.
pub async fn guard(project: &Project, aws: &Aws) -> Result<String, CliError> {
    check_region(project, aws.region())?;
    let account = aws.identity().await?.account;
    check_account(project, &account)?;
    Ok(account)
}

/// Refuses any region but `[target]`'s.
pub fn check_region(project: &Project, region: &str) -> Result<(), CliError> {
    check("region", project.spec.target.region.as_ref(), region)
}

/// Refuses any account but `[target]`'s.
fn check_account(project: &Project, account: &str) -> Result<(), CliError> {
    check("account", project.spec.target.account.as_ref(), account)
}

fn check(what: &str, expected: Option<&String>, is: &str) -> Result<(), CliError> {
    let Some(expected) = expected.filter(|expected| *expected != is) else { return Ok(()) };
    let message = format!("this project is for {what} {expected}, but the {what} here is {is}; nothing was changed");
    Err(CliError::usage(message)
        .hint("choose --profile and --region to match [target] in ecsws.toml, or change [target]"))
}

/// Checks account and region against `[target]`, prints and returns them. `account` is the one in a stack's ARN, if there is a stack; otherwise STS
/// is called.
pub async fn check_target(
    project: &Project,
    aws: &Aws,
    account: Option<&str>,
    ctx: &mut Context,
) -> Result<Environment, CliError> {
    if ctx.settings.sandbox {
        ctx.ui.note(&format!("→ the sandbox on this machine, {}", aws.region()));
        return Ok(ctx.sandbox_environment(Some(project)));
    }
    let account = match account {
        Some(account) => {
            check_account(project, account)?;
            account.to_owned()
        }
        None => guard(project, aws).await?,
    };
    let by_url = aws.endpoint_url().map(|url| format!(" at {url}")).unwrap_or_default();
    ctx.ui.note(&format!("→ AWS account {account}, {}{by_url}", aws.region()));
    Ok(Environment { account, region: aws.region().to_owned() })
}

/// Asks before a stack is created, unless the target is guarded or there is no terminal: the account may be the wrong one. Returns whether
/// the stack may be created.
pub async fn first_creation(stack: &str, region: &str, is_guarded: bool, ui: &mut Ui) -> Result<bool, CliError> {
    if is_guarded || !ui.can_ask() {
        return Ok(true);
    }
    ui.confirm(&format!("Stack {stack} does not exist in {region} yet. Create it?"), "--yes").await
}

/// Asks about the changes of a stack as `when` says, never for the sandbox. Shows them first.
pub async fn changes(
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
    ui.confirm(&format!("{why}Deploy these changes to {stack}?"), "--require-approval never (or --yes)").await
}

/// The error of a question that was answered with no.
pub fn declined(stacks: &[&str]) -> CliError {
    let were = if stacks.len() == 1 { "was" } else { "were" };
    CliError::new(Exit::Failed, format!("not approved; {} {were} not changed", stacks.join(", ")))
}
