//! `ecsws diff`: what deploy would change.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use futures_util::future::try_join_all;

use super::approve::guard;
use super::deploy::planned;
use super::wanted::{Purpose, Synthesiser, template_of};
use super::{Outcome, shapes};
use crate::aws::{Aws, StackRequest};
use crate::complete;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::ops::{self, Planning};
use crate::project::Project;
use crate::render::{self, StackDiff};
use crate::stack::{ProjectStack, Template, TemplateDiff, read_template};

/// Show what deploy would change, as `cdk diff` shows it
///
/// Where stacks exist, a change set makes exact what is replaced; it is deleted again. What deploy cannot see (a count or a task definition
/// that was changed past the stack, a stack that has to be repaired) is said too.
#[derive(Debug, Args)]
#[command(after_long_help = shapes::DIFF)]
pub struct DiffArgs {
    /// The stacks; all when left out
    #[arg(value_name = "STACK", add = complete::stacks())]
    stacks: Vec<String>,
    /// Exit with 5 when there are differences
    #[arg(long)]
    fail: bool,
    /// Whether CloudFormation is asked what is replaced
    #[arg(long, value_enum, default_value_t)]
    method: Method,
    /// Compare with the template in this file instead of the deployed one, without any call to AWS
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    template: Option<PathBuf>,
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
    let DiffArgs { stacks, fail, method, template } = args;
    let mut project = ctx.project()?;
    let stacks = project.stacks(&stacks)?;
    let diffs = match template {
        Some(file) => vec![with_file(&mut project, &stacks, &file, ctx).await?],
        None => with_deployed(&mut project, &stacks, method, ctx).await?,
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
    let old = read_template(&text).map_err(|error| cannot(&error))?;
    let mut synthesiser = Synthesiser::new(Purpose::Offline);
    let new = synthesiser.template(project, &stack.name, ctx).await?;
    Ok(StackDiff { name: stack.name.clone(), diff: TemplateDiff::between(&old, &new), notes: Vec::new() })
}

/// Every stack against what is deployed, side by side.
async fn with_deployed(
    project: &mut Project,
    stacks: &[ProjectStack],
    method: Method,
    ctx: &mut Context,
) -> Result<Vec<StackDiff>, CliError> {
    let aws = ctx.aws(Some(project)).await?;
    if !ctx.settings.sandbox {
        guard(project, &aws).await?;
    }
    let mut synthesiser = Synthesiser::new(Purpose::Show { refresh: false });
    let mut templates = Vec::new();
    for stack in stacks {
        templates.push(synthesiser.template(project, &stack.name, ctx).await?);
    }
    // Of its own, so that diffs that run at the same time leave each other's alone.
    let plan = (method == Method::ChangeSet).then(|| format!("ecsws-diff-{:08x}", rand::random::<u32>()));
    let compared =
        stacks.iter().zip(&templates).map(|(stack, template)| compare(&aws, stack, template, plan.as_deref()));
    let compared = ctx.interrupts.during(try_join_all(compared)).await;
    if let Some(plan) = plan.filter(|_| !matches!(compared, Some(Ok(_)))) {
        // Interrupted, or one of them failed while the others were at work. Why is told; that tidying up goes wrong too would hide it.
        for stack in stacks {
            drop(ops::delete_change_set(&aws, &stack.name, &plan).await);
        }
    }
    compared.ok_or_else(|| CliError::new(Exit::Interrupted, "interrupted; nothing has changed"))?
}

async fn compare(
    aws: &Aws,
    stack: &ProjectStack,
    template: &Template,
    plan: Option<&str>,
) -> Result<StackDiff, CliError> {
    let name = stack.name.clone();
    let Some(existing) = aws.stack(&name).await? else {
        let diff = TemplateDiff::between(&Template::default(), template);
        return Ok(StackDiff { name, diff, notes: Vec::new() });
    };
    let deployed = template_of(aws, &existing).await?.unwrap_or_default();
    let wanted = template.with_cdk_housekeeping_of(&deployed);
    let diff = TemplateDiff::between(&deployed, &wanted);
    let mut notes = ops::unseen(aws, &existing, &deployed).await?;
    let Some(plan) = plan.filter(|_| !diff.resources.is_empty()) else {
        return Ok(StackDiff { name, diff, notes });
    };
    let tags: Vec<(String, String)> = stack.tags.clone().into_iter().collect();
    let request = StackRequest {
        stack: &name,
        template: &wanted.to_body(),
        tags: &tags,
        parameters: &wanted.parameters_to_send(&BTreeMap::new(), &existing.parameters, &deployed),
        capabilities: &wanted.capabilities(),
        role_arn: None,
        notification_arns: None,
    };
    let diff = match ops::plan(aws, &request, plan, &existing).await? {
        Planning::Changes(changes) => diff.made_exact(&planned(&changes)),
        Planning::Without(reason) => {
            notes.push(format!("{name} is compared without a change set: {reason}"));
            diff
        }
    };
    Ok(StackDiff { name, diff, notes })
}
