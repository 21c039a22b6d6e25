//! `ecsws ls`: the stacks of the project.

use clap::Args;
use futures_util::future::try_join_all;

use super::json_help;
use super::status::with_url;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops;
use crate::render::{self, ListedStack};
use crate::stack::stacks;

/// List the stacks of the project with their state and services
#[derive(Debug, Args)]
#[command(after_long_help = json_help::LS)]
pub(super) struct LsArgs {}

pub(super) async fn run(_: &LsArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let project = ctx.project()?;
    let aws = ctx.aws(Some(&project)).await?;
    let stacks = stacks(&project.spec);
    let names = stacks.iter().map(|stack| stack.name.as_str());
    let deployed = ops::describe_stacks(&aws, names).await?;
    let shared: &Context = ctx;
    let listed = stacks.iter().zip(deployed).map(async |(stack, deployed)| {
        let service = match stack.service_key() {
            Some(key) if deployed.is_some() => {
                let report = ops::service_status(&aws, key, &stack.name, Context::now).await?;
                Some((key.to_owned(), with_url(report, shared).await))
            }
            _ => None,
        };
        Ok::<_, CliError>(ListedStack { name: stack.name.clone(), deployed, service })
    });
    let listed = try_join_all(listed).await?;
    render::stack_list(&mut ctx.ui, &listed, Context::now())?;
    Ok(Exit::Done)
}
