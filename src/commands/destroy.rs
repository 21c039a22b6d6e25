//! `ecsws destroy`: deletes stacks, in reverse order, after asking.

use clap::Args;
use jiff::tz::TimeZone;

use super::approve::{check_target, declined};
use super::{Outcome, shapes};
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops;
use crate::render::DeployView;

/// Delete stacks and everything in them
///
/// All stacks of the project in reverse order, or those that are named. With --sandbox nothing is asked where nobody could answer. Log groups stay, as the template asks for (DeletionPolicy: Retain).
#[derive(Debug, Args)]
#[command(after_long_help = shapes::EVENTS)]
pub struct DestroyArgs {
    /// The stacks; all when left out
    #[arg(value_name = "STACK", add = complete::stacks())]
    stacks: Vec<String>,
}

pub async fn run(args: DestroyArgs, ctx: &mut Context) -> Result<Outcome, CliError> {
    let project = ctx.project()?;
    let stacks = project.stacks(&args.stacks)?;
    let aws = ctx.aws(Some(&project)).await?;
    check_target(&project, &aws, ctx).await?;

    let mut existing = Vec::new();
    for stack in stacks.iter().rev() {
        match aws.stack(&stack.name).await? {
            Some(_) => existing.push(stack.name.clone()),
            None => ctx.ui.note(&format!("there is no stack {}", stack.name)),
        }
    }
    if existing.is_empty() {
        return Ok(Outcome::Done);
    }
    let question = format!("Delete {} and everything in them?", existing.join(", "));
    let needed = !ctx.settings.sandbox || ctx.ui.can_ask();
    if needed && !ctx.ui.confirm(&question, "--yes").await? {
        return Err(declined(&existing.join(", ")));
    }
    let mut view = DeployView::new(&ctx.ui, TimeZone::system());
    for name in existing {
        let ui = &mut ctx.ui;
        let mut show = |event| view.show(ui, &event);
        let stopped = || {
            CliError::new(Exit::Interrupted, format!("interrupted; CloudFormation goes on deleting {name}"))
                .hint("`ecsws destroy` follows it and goes on")
        };
        ctx.interrupts.during(ops::destroy(&aws, &name, &mut show)).await.ok_or_else(stopped)??;
    }
    view.end();
    Ok(Outcome::Done)
}
