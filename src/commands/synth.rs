//! `ecsws synth`: the CloudFormation template of a stack.

use std::io;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::choose::choose_stack;
use super::templates::{preview_synthesiser, template};
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::project::Project;
use crate::render;
use crate::stack::{ProjectStack, Template};

/// Print the CloudFormation template of a stack
///
/// Only templates are printed to stdout. Look-ups (a VPC by its name, availability zones) are made once and pinned in ecsws.lock.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ecsws synth > template.yaml
  ecsws synth ecsworkshop-base --json
  ecsws synth --all --out templates")]
pub(super) struct SynthArgs {
    /// Stack, or a service by its key; optional if there is only one
    #[arg(add = complete::stacks())]
    stack: Option<String>,
    /// All stacks: one YAML document each, or a JSON object by name
    #[arg(long, conflicts_with = "stack")]
    all: bool,
    /// Print JSON instead of YAML
    #[arg(long)]
    json: bool,
    /// Write a file for each stack (NAME.yaml or NAME.json) into this folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Repeat the look-ups and update ecsws.lock
    #[arg(long)]
    refresh: bool,
}

pub(super) async fn run(args: SynthArgs, ctx: &mut Context) -> Result<Exit, CliError> {
    let SynthArgs { stack, all, json, out, refresh } = args;
    let json = json || ctx.ui.is_json();
    let mut project = ctx.project()?;
    let stacks: Vec<ProjectStack> = match (&stack, all || out.is_some()) {
        (None, true) => project.stacks(&[])?,
        (name, _) => vec![choose_stack(&project, name.as_deref(), &mut ctx.ui).await?],
    };
    let templates = templates(&mut project, &stacks, refresh, ctx).await?;
    match out {
        Some(folder) => write_files(&folder, &templates, json, ctx)?,
        None if json && all => render::templates_by_name(&mut ctx.ui, &templates)?,
        None => render::templates(&mut ctx.ui, &templates, json)?,
    }
    Ok(Exit::Done)
}

async fn templates(
    project: &mut Project,
    stacks: &[ProjectStack],
    refresh: bool,
    ctx: &mut Context,
) -> Result<Vec<(String, Template)>, CliError> {
    let mut synthesiser = preview_synthesiser(project, refresh, ctx).await?;
    let mut templates = Vec::new();
    for stack in stacks {
        let template = template(&mut synthesiser, project, &stack.name, ctx).await?;
        templates.push((stack.name.clone(), template));
    }
    Ok(templates)
}

fn write_files(
    folder: &std::path::Path,
    templates: &[(String, Template)],
    json: bool,
    ctx: &mut Context,
) -> Result<(), CliError> {
    let folder = ctx.settings.working_dir.join(folder);
    let failed =
        |error: io::Error| CliError::failed(format!("cannot write to {}: {error}", folder.display())).source(error);
    std::fs::create_dir_all(&folder).map_err(failed)?;
    for (name, template) in templates {
        let (extension, text) = if json { ("json", template.to_json()) } else { ("yaml", template.to_yaml()) };
        let file = folder.join(format!("{name}.{extension}"));
        #[expect(clippy::disallowed_methods, reason = "--out asks for files")]
        std::fs::write(&file, text).map_err(failed)?;
        ctx.ui.note(&format!("wrote {}", file.display()));
    }
    Ok(())
}
