//! `ecsws diff`: what deploy would change.

use std::fs;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use futures_util::future::try_join_all;

use super::approve::guard;
use super::deploy::InputOptions;
use super::synthesiser::{Purpose, Synthesiser};
use super::{Outcome, shapes};
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops::{self, Comparison, Desired, Finding};
use crate::project::Project;
use crate::render::{self, StackDiff};
use crate::stack::{Environment, ProjectStack, TemplateDiff, parse_template};

/// Show what deploy would change, as `cdk diff` shows it
///
/// For stacks that exist, a temporary change set shows which resources are replaced. Warnings list what templates do not show: a count or a
/// task definition that was changed outside the stack, a stack that must be repaired, and what deploy would reject.
#[derive(Debug, Args)]
#[command(after_long_help = shapes::DIFF)]
pub struct DiffArgs {
    /// The stacks, or services by their keys; all when left out
    #[arg(value_name = "STACK", add = complete::stacks())]
    stacks: Vec<String>,
    /// Exit with 5 when there are differences
    #[arg(long)]
    fail: bool,
    /// How to find out which resources are replaced
    #[arg(long, value_enum, default_value_t)]
    method: Method,
    /// Compare with the template in this file instead of the deployed one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["parameters", "tags"])]
    template: Option<PathBuf>,
    #[command(flatten)]
    inputs: InputOptions,
}

/// How exact a diff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Method {
    /// Make a change set, read it and delete it again.
    #[default]
    ChangeSet,
    /// Compare the templates alone.
    Template,
}

pub async fn run(args: DiffArgs, ctx: &mut Context) -> Result<Outcome, CliError> {
    let DiffArgs { stacks, fail, method, template, mut inputs } = args;
    let mut project = ctx.project()?;
    inputs.set_images(&mut project)?;
    inputs.resolve_stacks(&project.spec);
    let stacks = project.stacks(&stacks)?;
    inputs.check(&project.spec, &stacks)?;
    let diffs = match template {
        Some(file) => vec![with_file(&mut project, &stacks, &file, ctx).await?],
        None => with_deployed(&mut project, &stacks, method, &inputs, ctx).await?,
    };
    render::diffs(&mut ctx.ui, &diffs)?;
    let different = diffs.iter().any(|stack| !stack.diff.is_empty());
    Ok(if fail && different { Outcome::No } else { Outcome::Done })
}

/// The one stack against a file.
#[expect(clippy::disallowed_methods, reason = "the user names the file")]
async fn with_file(
    project: &mut Project,
    stacks: &[ProjectStack],
    file: &std::path::Path,
    ctx: &mut Context,
) -> Result<StackDiff, CliError> {
    let [stack] = stacks else {
        let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
        return Err(CliError::usage("--template is about one stack").hint(format!("name one of {}", names.join(", "))));
    };
    let cannot = |error: &dyn std::fmt::Display| CliError::usage(format!("cannot read {}: {error}", file.display()));
    let text = fs::read_to_string(ctx.settings.working_dir.join(file)).map_err(|error| cannot(&error))?;
    let old = parse_template(&text).map_err(|error| cannot(&error))?;
    let mut synthesiser = Synthesiser::new(Purpose::Show { refresh: false });
    let new = synthesiser.template(project, &stack.name, ctx).await?;
    Ok(StackDiff { name: stack.name.clone(), diff: TemplateDiff::between(&old, &new), notes: Vec::new() })
}

/// Every stack against what is deployed, side by side.
async fn with_deployed(
    project: &mut Project,
    stacks: &[ProjectStack],
    method: Method,
    inputs: &InputOptions,
    ctx: &mut Context,
) -> Result<Vec<StackDiff>, CliError> {
    let aws = ctx.aws(Some(project)).await?;
    let environment = if ctx.settings.sandbox {
        ctx.sandbox_environment(Some(project))
    } else {
        Environment { account: guard(project, &aws).await?, region: aws.region().to_owned() }
    };
    let purpose = Purpose::Show { refresh: false };
    let mut synthesiser = Synthesiser::for_environment(environment, purpose, project, ctx.settings.sandbox);
    let mut templates = Vec::new();
    for stack in stacks {
        templates.push(synthesiser.template(project, &stack.name, ctx).await?);
    }
    // Of its own, so that diffs that run at the same time leave each other's alone.
    let plan = (method == Method::ChangeSet).then(|| format!("ecsws-diff-{:08x}", rand::random::<u32>()));
    let compared = stacks.iter().zip(&templates).map(async |(stack, template)| {
        let name = stack.name.clone();
        let (tags, parameters) = (inputs.tags_of(stack), inputs.parameters_of(&name));
        let desired = Desired { service_key: stack.service_key(), template, tags: &tags, parameters: &parameters };
        let Comparison { diff, notes } = ops::compare(&aws, &name, &desired, plan.as_deref()).await?;
        Ok::<_, CliError>(StackDiff { name, diff, notes })
    });
    let compared = async {
        let mut diffs = try_join_all(compared).await?;
        // Deploy checks what services need once something changes, and then for all stacks.
        if let Some(first) = diffs.iter_mut().find(|stack| !stack.diff.is_empty()) {
            let findings = ops::requirements(&aws, &project.spec, stacks).await?;
            first.notes.extend(findings.iter().map(Finding::as_note));
        }
        Ok(diffs)
    };
    let compared = ctx.interrupts.during(compared).await;
    if let Some(plan) = plan.filter(|_| !matches!(compared, Some(Ok(_)))) {
        // Interrupted, or one of them failed. Errors of the clean-up are ignored: they would hide the first error.
        for stack in stacks {
            drop(ops::delete_change_set(&aws, &stack.name, &plan).await);
        }
    }
    compared.ok_or_else(|| CliError::new(Exit::Interrupted, "interrupted; nothing has changed"))?
}
