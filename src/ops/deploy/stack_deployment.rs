//! Deploys one stack: compare, change set, approval, execution.

use super::DeployContext;
use super::checks::{check_all, check_planned};
use super::deregistered::deregistered_task_definitions;
use super::desired_count_resets::warn_of_desired_count_resets;
use super::events::{DeployEvent, Operation};
use super::execution::Execution;
use super::initial_state::resolve_initial_state;
use super::messages::{Phase, ProposedChanges, Question};
use super::outcome::{DeployResult, Deployed, Failure};
use super::preflight::StackUpdate;
use super::prepared_change_set::{CHANGE_SET, PreparedChangeSet, prepare_change_set, to_planned_resources};
use super::request::{DeployMethod, DesiredStack, StackInputs};
use super::template_source::TemplateSource;
use crate::model::{Stack, StackRequest, StackResource};
use crate::ops::OpsError;
use crate::stack::{Template, TemplateDiff};

pub(super) type Result<T, S> = std::result::Result<T, Failure<<S as TemplateSource>::Error>>;

/// Deploys a stack whose dependencies are deployed.
pub(super) async fn deploy_stack<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    inputs: &StackInputs<'_>,
) -> Result<Deployed, S> {
    let result = Box::pin(deploy_steps(deploy, inputs)).await;
    deploy.reporter.phase(&inputs.stack.name, Phase::Idle);
    result
}

async fn deploy_steps<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    inputs: &StackInputs<'_>,
) -> Result<Deployed, S> {
    let (stack, aws, reporter) = (inputs.stack, deploy.aws, &deploy.reporter);
    let name = &stack.name;
    reporter.activity(format!("{name}: comparing …"));
    let template = deploy.source.template(stack).await.map_err(Failure::Failed)?;
    let existing = resolve_initial_state(deploy, inputs).await?;
    let clean_up = async {
        let existing = existing.as_ref()?;
        deploy.request.temporary_change_sets.delete_abandoned(deploy.aws, existing).await
    };
    let (deployed, unexecuted) = tokio::join!(deploy.deployed_template(existing.as_ref()), clean_up);
    let deployed = deployed?;
    let template = template.with_additions_of(&deployed);
    let desired = DesiredStack::new(deploy.request, inputs, &template, &deployed, existing.as_ref())?;
    if let Some(existing) = existing.as_ref().filter(|existing| desired.is_deployed(existing, &deployed)) {
        // One that changes the stack replaces it.
        if let Some(note) = unexecuted {
            reporter.warn(note);
        }
        return Ok(unchanged(deploy, existing.clone(), template));
    }
    let template = with_registered_task_definitions(deploy, existing.as_ref(), template, &deployed).await?;
    let desired = DesiredStack::new(deploy.request, inputs, &template, &deployed, existing.as_ref())?;
    check_all(deploy).await?;
    let diff = desired.diff(&deployed, existing.as_ref());
    let gateways = diff.added("AWS::EC2::NatGateway");
    if gateways > 0 && deploy.request.warn_of_costs {
        reporter.warn(format!("{name} creates {gateways} NAT gateways; each is billed by the hour"));
    }
    if existing.is_none() {
        approve_creation(deploy, name, false).await?;
    }
    let service_key = stack.service_key();
    let update =
        StackUpdate { stack: name, service_key, existing: existing.as_ref(), deployed: &deployed, desired: &template };
    let request = desired.request();
    let started = match deploy.request.method {
        DeployMethod::Direct => deploy_directly(deploy, &request, &update, diff).await?,
        DeployMethod::PrepareChangeSet => match create_and_check_change_set(deploy, &request, &update).await? {
            Some(prepared) => {
                let change_set = prepared.change_set.arn.clone();
                reporter.event(DeployEvent::ChangeSetPrepared { stack: name.clone(), change_set });
                return Ok(Deployed { stack: prepared.stack, template, result: DeployResult::ChangeSetPrepared });
            }
            None => None,
        },
        DeployMethod::ChangeSet => match create_and_check_change_set(deploy, &request, &update).await? {
            Some(prepared) => Some(approve_and_execute(deploy, &update, &prepared, diff).await?),
            None => None,
        },
    };
    let Some(mut execution) = started else { return Ok(unchanged(deploy, existing.unwrap_or_default(), template)) };
    reporter.event(DeployEvent::Started { stack: name.clone(), operation: execution.operation() });
    execution.set_construct_paths(deployed.short_paths().into_iter().chain(template.short_paths()).collect());
    let followed = execution.follow(aws, deploy.request.timeout, reporter).await;
    deploy.reads.discard();
    let stack = followed?;
    deploy.reads.discard_after(&stack);
    if deploy.request.wait_for_services {
        reporter.phase(name, Phase::WaitingForServices);
        execution.until_steady(aws, deploy.request.timeout, reporter).await?;
    }
    reporter.event(execution.finished(&stack));
    Ok(Deployed { stack, template, result: DeployResult::Done(execution.operation(), execution.seconds()) })
}

/// The template with new revisions in place of task definitions that were deregistered.
async fn with_registered_task_definitions<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    existing: Option<&Stack>,
    mut template: Template,
    deployed: &Template,
) -> Result<Template, S> {
    let Some(stack) = existing else { return Ok(template) };
    for resource in deregistered_task_definitions(deploy.reads, stack).await? {
        let (name, revision) = (&stack.name, &resource.physical_id);
        deploy
            .reporter
            .warn(format!("{name}: task definition {revision} was deregistered; a new revision is registered"));
        template = template.with_new_revision(&resource.logical_id, deployed);
    }
    Ok(template)
}

fn unchanged<S: TemplateSource>(deploy: &DeployContext<'_, S>, stack: Stack, template: Template) -> Deployed {
    deploy.reporter.event(DeployEvent::NoChanges { stack: stack.name.clone() });
    Deployed { stack, template, result: DeployResult::NoChanges }
}

/// Creates the change set and checks what it changes; none when nothing would change.
async fn create_and_check_change_set<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    request: &StackRequest<'_>,
    update: &StackUpdate<'_>,
) -> Result<Option<Box<PreparedChangeSet>>, S> {
    deploy.check_cancelled(request.stack)?;
    deploy.reporter.activity(format!("{}: creating the change set …", request.stack));
    deploy.reporter.phase(request.stack, Phase::ChangeSet);
    let Some(prepared) = prepare_change_set(deploy.aws, request, CHANGE_SET, update.existing).await? else {
        return Ok(None);
    };
    if let Err(error) = check_planned(deploy, update, &prepared.change_set.changes).await {
        // An error of the clean-up would hide the rejection.
        drop(prepared.discard(deploy.aws).await);
        return Err(error);
    }
    Ok(Some(prepared))
}

/// Executes the change set if the user approves it; deletes it otherwise.
async fn approve_and_execute<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    update: &StackUpdate<'_>,
    prepared: &PreparedChangeSet,
    diff: TemplateDiff,
) -> Result<Execution, S> {
    let planned = to_planned_resources(&prepared.change_set.changes);
    let executed =
        execute(deploy, update, prepared, diff.refined_with(&planned, update.deployed, update.desired)).await;
    if executed.is_err() {
        // An error of the clean-up would hide the first error.
        drop(prepared.discard(deploy.aws).await);
    }
    executed
}

async fn execute<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    update: &StackUpdate<'_>,
    prepared: &PreparedChangeSet,
    diff: TemplateDiff,
) -> Result<Execution, S> {
    let (name, aws) = (update.stack, deploy.aws);
    let replaced = prepared.replaced();
    if deploy.request.no_rollback && !replaced.is_empty() {
        let resources = replaced.into_iter().map(ToOwned::to_owned).collect();
        return Err(OpsError::ReplacementWithoutRollback { stack: name.to_owned(), resources }.into());
    }
    warn_of_desired_count_resets(deploy.reads, update, &diff, &prepared.change_set.changes, &deploy.reporter).await;
    approve_changes(deploy, update, diff).await?;
    let resources = existing_resources(deploy, update).await?;
    let execution = Execution::for_change_set(aws, prepared, &resources).await?;
    deploy.check_cancelled(name)?;
    // From here on an interruption must not discard the change set.
    deploy.start_operation(name, execution.operation(), execution.arn());
    execution.execute(aws, prepared, deploy.request.no_rollback).await?;
    Ok(execution)
}

/// Creates or updates without a change set; none when there is nothing to update.
async fn deploy_directly<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    request: &StackRequest<'_>,
    update: &StackUpdate<'_>,
    diff: TemplateDiff,
) -> Result<Option<Execution>, S> {
    let (name, aws, keep_failed) = (request.stack, deploy.aws, deploy.request.no_rollback);
    approve_changes(deploy, update, diff).await?;
    deploy.check_cancelled(name)?;
    let Some(existing) = update.existing else {
        deploy.start_operation(name, Operation::Create, name);
        return Ok(Some(Execution::create(aws, request, keep_failed).await?));
    };
    let resources = existing_resources(deploy, update).await?;
    let execution = Execution::for_update(aws, existing, &resources).await?;
    deploy.start_operation(name, Operation::Update, &existing.arn);
    Ok(execution.update(aws, request, keep_failed).await?.then_some(execution))
}

pub(super) async fn approve_creation<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    name: &str,
    replaces_failed_creation: bool,
) -> Result<(), S> {
    let region = deploy.aws.region().to_owned();
    deploy.ask(name, Question::CreateStack { stack: name.to_owned(), region, replaces_failed_creation }).await
}

/// Asks for approval of the changes, right before they are made.
async fn approve_changes<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    update: &StackUpdate<'_>,
    diff: TemplateDiff,
) -> Result<(), S> {
    let StackUpdate { stack, existing, deployed, .. } = *update;
    let changes =
        ProposedChanges { stack: stack.to_owned(), exists: existing.is_some(), deployed: deployed.clone(), diff };
    deploy.ask(stack, Question::ApplyChanges(Box::new(changes))).await
}

/// The resources of a stack that is updated; empty for one that is created.
async fn existing_resources<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    update: &StackUpdate<'_>,
) -> Result<Vec<StackResource>, S> {
    match update.existing {
        Some(stack) => Ok(deploy.reads.resources(stack).await.map_err(OpsError::from)?),
        None => Ok(Vec::new()),
    }
}
