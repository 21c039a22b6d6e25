//! `ecsws diff`: what deploy would change.

use clap::Args;

use super::approve::guard;
use super::wanted::{Purpose, Synthesiser, deployed_template};
use super::{Outcome, shapes};
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::render;
use crate::stack::TemplateDiff;

/// Show what deploy would change, as `cdk diff` shows it
#[derive(Debug, Args)]
#[command(after_long_help = shapes::DIFF)]
pub struct DiffArgs {
    /// The stacks; all when left out
    #[arg(value_name = "STACK", add = complete::stacks())]
    stacks: Vec<String>,
    /// Exit with 5 when there are differences
    #[arg(long)]
    fail: bool,
}

pub async fn run(args: DiffArgs, ctx: &mut Context) -> Result<Outcome, CliError> {
    let DiffArgs { stacks, fail } = args;
    let mut project = ctx.project()?;
    let stacks = project.stacks(&stacks)?;
    let aws = ctx.aws(Some(&project)).await?;
    if !ctx.settings.sandbox {
        guard(&project, &aws).await?;
    }
    let mut synthesiser = Synthesiser::new(Purpose::Show { refresh: false });
    let mut diffs: Vec<(String, TemplateDiff)> = Vec::new();
    for stack in &stacks {
        let template = synthesiser.template(&mut project, &stack.name, ctx).await?;
        let deployed = deployed_template(&aws, &stack.name).await?.unwrap_or_default();
        diffs.push((stack.name.clone(), TemplateDiff::between(&deployed, &template)));
    }
    render::diffs(&mut ctx.ui, &diffs)?;
    let different = diffs.iter().any(|(_, diff)| !diff.is_empty());
    Ok(if fail && different { Outcome::No } else { Outcome::Done })
}
