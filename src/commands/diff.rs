//! `ecsws diff`: what deploy would change.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum, ValueHint};

use super::deploy::InputOptions;
use super::interrupted_diffs::temporary_change_sets;
use super::json_help;
use super::templates::{known_look_ups, preview_synthesiser, template};
use crate::complete;
use crate::context::Context;
use crate::diagnostic::Diagnostic;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops::{self, DiffInputs, Purpose, ReadCache, StackDiff, Synthesiser};
use crate::project::Project;
use crate::render;
use crate::stack::{ProjectStack, TemplateDiff, parse_template};

/// Show what deploy would change, as `cdk diff` shows it
///
/// For stacks that exist, a temporary change set shows which resources are replaced. Warnings list what templates do not show: a count or a
/// task definition that was changed outside the stack, a stack that must be repaired, and what deploy would reject.
#[derive(Debug, Args)]
#[command(after_long_help = json_help::DIFF)]
pub(super) struct DiffArgs {
    /// Stacks, or services by their keys [default: all]
    #[arg(value_name = "STACK", add = complete::stacks())]
    stacks: Vec<String>,
    /// Exit with 5 when there are differences
    #[arg(long)]
    fail: bool,
    /// How to find out which resources are replaced
    #[arg(long, value_enum, default_value_t)]
    method: DiffMethod,
    /// Compare with the template in this file instead of the deployed one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["parameters", "tags"])]
    template: Option<PathBuf>,
    #[command(flatten)]
    inputs: InputOptions,
}

/// How exact a diff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum DiffMethod {
    /// Create a temporary change set.
    #[default]
    ChangeSet,
    /// Compare the templates only.
    Template,
}

pub(super) async fn run(args: DiffArgs, ctx: &mut Context) -> Result<Exit, CliError> {
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
    Ok(if fail && different { Exit::CheckFailed } else { Exit::Done })
}

/// Compares the only chosen stack with a file.
#[expect(clippy::disallowed_methods, reason = "the user names the file")]
async fn with_file(
    project: &mut Project,
    stacks: &[ProjectStack],
    file: &std::path::Path,
    ctx: &mut Context,
) -> Result<StackDiff, CliError> {
    let [stack] = stacks else {
        let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
        return Err(CliError::usage("--template compares one stack").hint(format!("name one of {}", names.join(", "))));
    };
    let unreadable =
        |error: anyhow::Error| CliError::usage(format!("cannot read {}: {error}", file.display())).source(error);
    let path = ctx.settings.working_dir.join(file);
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.into()))?;
    let old = parse_template(&text).map_err(|error| unreadable(error.into()))?;
    let mut synthesiser = preview_synthesiser(project, false, ctx).await?;
    let new = template(&mut synthesiser, project, &stack.name, ctx).await?;
    Ok(StackDiff { name: stack.name.clone(), diff: TemplateDiff::between(&old, &new), notes: Vec::new() })
}

/// Compares stacks with what is deployed.
async fn with_deployed(
    project: &mut Project,
    stacks: &[ProjectStack],
    method: DiffMethod,
    inputs: &InputOptions,
    ctx: &mut Context,
) -> Result<Vec<StackDiff>, CliError> {
    let aws = ctx.aws(Some(project)).await?;
    let environment = if ctx.settings.sandbox {
        ctx.sandbox_environment(Some(project))
    } else {
        ops::target_environment(&aws, &project.spec.target, &[]).await?
    };
    let look_ups = known_look_ups(project, &environment, ctx);
    let mut synthesiser = Synthesiser::new(environment, Purpose::Show, look_ups);
    let mut templates = Vec::new();
    for stack in stacks {
        templates.push(template(&mut synthesiser, project, &stack.name, ctx).await?);
    }
    let inputs: Vec<_> =
        stacks.iter().map(|stack| (inputs.tags_of(stack), inputs.parameters_of(&stack.name))).collect();
    let desired = stacks.iter().zip(&templates).zip(&inputs).map(|((stack, template), (tags, parameters))| {
        DiffInputs { stack: &stack.name, service_key: stack.service_key(), template, tags, parameters }
    });
    let desired: Vec<DiffInputs<'_>> = desired.collect();
    let change_sets = (method == DiffMethod::ChangeSet).then(temporary_change_sets);
    let reads = ReadCache::new(Arc::clone(&aws));
    let comparison = ops::compare_stacks(&reads, &project.spec, stacks, &desired, change_sets.as_ref());
    let mut interrupts = ctx.interrupts.listen();
    let diffs = tokio::select! {
        diffs = comparison => Some(diffs),
        _ = interrupts.next() => None,
    };
    let interrupted = || CliError::new(Exit::Interrupted, "interrupted; nothing has changed");
    let Some(change_sets) = change_sets.filter(|_| !matches!(diffs, Some(Ok(_)))) else {
        return Ok(diffs.ok_or_else(interrupted)??);
    };
    let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
    let clean_up = async {
        let failures = change_sets.delete_own(&aws, &names).await.into_iter();
        failures.flat_map(|failure| CliError::from(failure).diagnostics).collect()
    };
    if let Some(result) = diffs {
        // Errors of the clean-up would hide the first error.
        drop(interrupts.clean_up(clean_up).await);
        return Ok(result?);
    }
    ctx.ui.note("interrupted; deleting the temporary change sets …");
    let mut error = interrupted();
    let failures = interrupts.clean_up(clean_up).await.unwrap_or_else(|| {
        let (names, change_set) = (names.join(", "), change_sets.name());
        let message = format!("{names}: the change set `{change_set}` may be left; the next diff deletes it");
        vec![Diagnostic::new(message)]
    });
    error.diagnostics.extend(failures);
    Err(error)
}
