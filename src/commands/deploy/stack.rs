//! Deploys one stack: compare, change set, approval, execution.

use std::collections::BTreeMap;

use tokio::time::timeout;

use super::approval::Compared;
use super::drift::warn_of_resets;
use super::local::hand_over_images;
use super::options::Method;
use super::preflight;
use super::request::Wanted;
use super::stage::{Shared, Stage, Underway};
use crate::error::{CliError, FOLLOWS};
use crate::exit::Exit;
use crate::hint::{Hint, Repetition};
use crate::model::{Stack, StackRequest};
use crate::ops::{self, DeployEvent, Execution, Found, Operation, Prepared, Ready, StackUpdate};
use crate::render::StackEnd;
use crate::stack::{ProjectStack, Template, TemplateDiff};

/// The change set's name; one left over from an interrupted deploy is replaced.
pub const CHANGE_SET: &str = "ecsws-deploy";

/// A stack that is as it shall be.
#[derive(Debug, Clone)]
pub struct Deployed {
    pub stack: Stack,
    /// What it was deployed from.
    pub template: Template,
    pub end: StackEnd,
}

/// Deploys a stack. `known` is what was just seen of it, if anything was.
pub async fn deploy_stack(
    shared: &Shared<'_>,
    stack: &ProjectStack,
    known: Option<Stack>,
) -> Result<Deployed, CliError> {
    let ended = Box::pin(steps(shared, stack, known)).await;
    shared.is(&stack.name, None);
    match (ended, stack.service_key()) {
        (Err(error), Some(key)) if shared.stage().await.project.spec.services.len() > 1 => Err(error.for_service(key)),
        (ended, _) => ended,
    }
}

async fn steps(shared: &Shared<'_>, stack: &ProjectStack, known: Option<Stack>) -> Result<Deployed, CliError> {
    let (name, aws) = (&stack.name, shared.aws);
    let template = synthesised(shared, stack).await?;
    let existing = settled(shared, name, known).await?;
    let deployed = match &existing {
        Some(stack) => ops::deployed_template(aws, stack).await?.unwrap_or_default(),
        None => Template::default(),
    };
    let template = template.with_cdk_metadata_of(&deployed);
    let wanted = Wanted::new(shared, stack, &template, &deployed, existing.as_ref())?;
    if let Some(existing) = existing.as_ref().filter(|existing| wanted.is_there_already(shared, existing, &deployed)) {
        return Ok(no_changes(shared, existing.clone(), template));
    }
    preflight::check_all(shared).await?;
    let diff = wanted.diff(&deployed, existing.as_ref());
    first_look(shared, name, &diff, existing.is_none()).await?;
    let request = wanted.request(shared, name);
    let service_key = stack.service_key();
    let update =
        StackUpdate { stack: name, service_key, existing: existing.as_ref(), deployed: &deployed, desired: &template };
    let compared = Compared { stack, existing: existing.as_ref(), deployed: &deployed };
    let begun = match shared.options.method {
        Method::Direct => directly(shared, &request, compared, &diff).await?,
        Method::PrepareChangeSet => match prepared(shared, &request, &update).await? {
            Some(ready) => {
                let change_set = ready.change_set.arn.clone();
                shared.show(DeployEvent::Prepared { stack: name.clone(), change_set });
                return Ok(Deployed { stack: ready.stack, template, end: StackEnd::Prepared });
            }
            None => None,
        },
        Method::ChangeSet => match prepared(shared, &request, &update).await? {
            Some(ready) => Some(approved(shared, compared, &ready, diff, &template).await?),
            None => None,
        },
    };
    let Some(mut execution) = begun else { return Ok(no_changes(shared, existing.unwrap_or_default(), template)) };
    shared.show(DeployEvent::Started { stack: name.clone(), operation: execution.operation() });
    let paths = paths(&deployed, &template);
    let mut emit = |event| shared.show(with_path(event, &paths));
    let stack = execution.follow(aws, shared.follow.limits(), &mut emit).await?;
    if !shared.follow.no_wait_services {
        shared.is(name, Some(Underway::Settling));
        execution.until_steady(aws, shared.follow.limits(), &mut emit).await?;
    }
    emit(execution.finished(&stack));
    Ok(Deployed { stack, template, end: StackEnd::Done(execution.operation(), execution.seconds()) })
}

/// What is said and asked before anything is made.
async fn first_look(shared: &Shared<'_>, name: &str, diff: &TemplateDiff, is_new: bool) -> Result<(), CliError> {
    let mut stage = shared.stage().await;
    let Stage { ctx, view, .. } = &mut *stage;
    let gateways = diff.added("AWS::EC2::NatGateway");
    if gateways > 0 && !ctx.settings.sandbox {
        view.end();
        ctx.ui.warn(&format!("{name} makes {gateways} NAT gateways, which are billed by the hour, each"));
    }
    if is_new {
        view.end();
        drop(stage);
        creation(shared, name, None).await?;
    }
    Ok(())
}

async fn creation(shared: &Shared<'_>, name: &str, remains: Option<&Stack>) -> Result<(), CliError> {
    let mut stage = shared.stage().await;
    stage.view.end();
    let approved = shared.approval.creation(name, shared.aws.region(), remains, &mut stage).await?;
    if approved { Ok(()) } else { Err(shared.decline(name)) }
}

/// Makes the change set and checks what it changes; none when nothing would change.
async fn prepared(
    shared: &Shared<'_>,
    request: &StackRequest<'_>,
    update: &StackUpdate<'_>,
) -> Result<Option<Box<Ready>>, CliError> {
    shared.go_on(request.stack)?;
    shared.stage().await.view.busy(&format!("{}: making the change set …", request.stack));
    shared.is(request.stack, Some(Underway::Preparing));
    let Prepared::Ready(ready) = ops::prepare(shared.aws, request, CHANGE_SET, update.existing).await? else {
        return Ok(None);
    };
    if let Err(error) = preflight::check_planned(shared, update, &ready.change_set.changes).await {
        // The rejection is reported; an error of the clean-up would hide it.
        drop(ready.discard(shared.aws).await);
        return Err(error);
    }
    Ok(Some(ready))
}

/// Asks, and executes the change set. What is not executed is taken back.
async fn approved(
    shared: &Shared<'_>,
    compared: Compared<'_>,
    ready: &Ready,
    diff: TemplateDiff,
    template: &Template,
) -> Result<Execution, CliError> {
    let diff = diff.refined_with(&ops::planned(&ready.change_set.changes), compared.deployed, template);
    let executed = execute(shared, compared, ready, &diff).await;
    if executed.is_err() {
        // Why it is not executed is told; that tidying up goes wrong too would hide it.
        drop(ready.discard(shared.aws).await);
    }
    executed
}

async fn execute(
    shared: &Shared<'_>,
    compared: Compared<'_>,
    ready: &Ready,
    diff: &TemplateDiff,
) -> Result<Execution, CliError> {
    let name = &compared.stack.name;
    if let Some(error) = replacement_without_rollback(shared, name, ready) {
        return Err(error);
    }
    {
        let mut stage = shared.stage().await;
        stage.view.end();
        warn_of_resets(shared.aws, compared, diff, &ready.change_set.changes, &mut stage).await;
    }
    approve(shared, compared, diff).await?;
    let execution = Execution::of(shared.aws, ready).await?;
    shared.go_on(name)?;
    // From here on an interruption must not take it for something that has not begun.
    shared.is(name, Some(Underway::Running(execution.operation(), execution.arn().to_owned())));
    execution.execute(shared.aws, ready, shared.follow.no_rollback).await?;
    Ok(execution)
}

/// Creates or updates without a change set; none when there is nothing to update.
async fn directly(
    shared: &Shared<'_>,
    request: &StackRequest<'_>,
    compared: Compared<'_>,
    diff: &TemplateDiff,
) -> Result<Option<Execution>, CliError> {
    let (name, aws, keep_failed) = (request.stack, shared.aws, shared.follow.no_rollback);
    approve(shared, compared, diff).await?;
    shared.go_on(name)?;
    let Some(existing) = compared.existing else {
        shared.is(name, Some(Underway::Running(Operation::Create, name.to_owned())));
        return Ok(Some(Execution::create(aws, request, keep_failed).await?));
    };
    let execution = Execution::of_update(aws, existing).await?;
    shared.is(name, Some(Underway::Running(Operation::Update, existing.arn.clone())));
    Ok(execution.update(aws, request, keep_failed).await?.then_some(execution))
}

/// The template, with the sandbox told what runs in place of its images.
async fn synthesised(shared: &Shared<'_>, stack: &ProjectStack) -> Result<Template, CliError> {
    let mut stage = shared.stage().await;
    let Stage { project, ctx, synthesiser, view } = &mut *stage;
    view.busy(&format!("{}: comparing …", stack.name));
    let template = synthesiser.template(project, &stack.name, ctx).await?;
    if ctx.settings.sandbox {
        hand_over_images(project, stack, ctx).await?;
    }
    Ok(template)
}

/// The stack, with nothing going on. What goes on is followed; what failed and was left so is taken back, if the user wants that.
async fn settled(shared: &Shared<'_>, name: &str, mut known: Option<Stack>) -> Result<Option<Stack>, CliError> {
    let (aws, mut emit) = (shared.aws, |event| shared.show(event));
    loop {
        let (stack, question) = match ops::find(aws, name, known.take()).await? {
            Found::Absent => return Ok(None),
            Found::Updatable(stack) => return Ok(Some(stack)),
            // What failed can be updated where it stands, but then it must not be rolled back.
            Found::Failed(stack) if shared.follow.no_rollback => return Ok(Some(stack)),
            Found::Busy(stack, operation) => {
                shared.is(name, Some(Underway::Running(operation, stack.arn.clone())));
                let attached = ops::attach(aws, &stack, operation, &mut emit);
                match shared.follow.timeout {
                    Some(limit) => timeout(limit, attached).await.map_err(|_| still_going_on(name))??,
                    None => attached.await?,
                }
                shared.is(name, None);
                shared.go_on(name)?;
                continue;
            }
            Found::Leftover(stack) => {
                // What would make the next creation fail as well leaves it as it is.
                preflight::check_all(shared).await?;
                creation(shared, name, Some(&stack)).await?;
                shared.is(name, Some(Underway::Running(Operation::Delete, stack.arn.clone())));
                ops::clear_away(aws, &stack, &mut emit).await?;
                shared.is(name, None);
                continue;
            }
            Found::Failed(stack) => {
                let question = format!("Stack {name} is {}: roll it back first?", stack.status);
                (stack, question)
            }
            Found::Stuck(stack, resources) => {
                let resources = resources.join("\n  ");
                let status = &stack.status;
                let question =
                    format!("Stack {name} is {status}, stuck at\n  {resources}\nGo on with its rollback first?");
                (stack, question)
            }
        };
        let mut stage = shared.stage().await;
        stage.view.end();
        if !stage.ctx.ui.confirm(&question, "--yes").await? {
            return Err(shared.decline(name));
        }
        drop(stage);
        shared.is(name, Some(Underway::Running(Operation::RollBack, stack.arn.clone())));
        ops::roll_back(aws, &stack, &mut emit).await?;
        shared.is(name, None);
    }
}

/// What somebody else has begun is not ours to cancel.
fn still_going_on(name: &str) -> CliError {
    CliError::new(Exit::TimedOut, format!("stack `{name}` is still busy with what was begun before; it is left alone"))
        .hint(Hint::repeat(Repetition::deploy([name]).without_timeout()).text(FOLLOWS))
}

fn no_changes(shared: &Shared<'_>, stack: Stack, template: Template) -> Deployed {
    shared.show(DeployEvent::NoChanges { stack: stack.name.clone() });
    Deployed { stack, template, end: StackEnd::NoChanges }
}

/// Shows what is asked about, and asks if it is needed. From here on the stack changes.
async fn approve(shared: &Shared<'_>, compared: Compared<'_>, diff: &TemplateDiff) -> Result<(), CliError> {
    let mut stage = shared.stage().await;
    stage.view.end();
    let approved = shared.approval.changes(compared, diff, &mut stage).await?;
    if approved { Ok(()) } else { Err(shared.decline(&compared.stack.name)) }
}

/// CloudFormation cannot replace a resource when it must not roll back.
fn replacement_without_rollback(shared: &Shared<'_>, name: &str, ready: &Ready) -> Option<CliError> {
    let replaced = ready.replaced();
    let refused = shared.follow.no_rollback && !replaced.is_empty();
    refused.then(|| {
        let message =
            format!("{name}: {} would be replaced, which needs a rollback to be possible", replaced.join(", "));
        CliError::usage(message).hint("leave --no-rollback out")
    })
}

fn paths(deployed: &Template, template: &Template) -> BTreeMap<String, String> {
    deployed.short_paths().into_iter().chain(template.short_paths()).collect()
}

fn with_path(mut event: DeployEvent, paths: &BTreeMap<String, String>) -> DeployEvent {
    if let DeployEvent::Resource { resource, .. } = &mut event {
        resource.path = paths.get(&resource.logical_id).cloned();
    }
    event
}
