//! Checks and prints which account and region a command is about to change.

use crate::context::Context;
use crate::error::CliError;
use crate::model::Stack;
use crate::ops;
use crate::project::Project;
use crate::stack::Environment;

/// The account and region that the clients reach, checked against `[target]` and printed. `stacks` are stacks in that account, whose ARNs save a
/// call to STS.
pub(super) async fn show_target(
    project: &Project,
    stacks: &[Option<Stack>],
    ctx: &mut Context,
) -> Result<Environment, CliError> {
    let aws = ctx.aws(Some(project)).await?;
    if ctx.settings.sandbox {
        ctx.ui.note(&format!("→ the sandbox on this machine, {}", aws.region()));
        return Ok(ctx.sandbox_environment(Some(project)));
    }
    let environment = ops::target_environment(&aws, &project.spec.target, stacks).await?;
    let by_url = aws.endpoint_url().map(|url| format!(" at {url}")).unwrap_or_default();
    ctx.ui.note(&format!("→ AWS account {}, {}{by_url}", environment.account, environment.region));
    Ok(environment)
}
