//! Deploys one stack: compare, change set, approval, execution.

use super::DeployContext;
use super::checks::{check_all, check_planned};
use super::desired_count_resets::warn_of_desired_count_resets;
use super::events::{DeployEvent, Operation};
use super::execution::Execution;
use super::messages::{Phase, ProposedChanges, Question};
use super::outcome::{DeployResult, Deployed, Failure};
use super::preflight::StackUpdate;
use super::prepared_change_set::{PreparedChangeSet, prepare_change_set, to_planned_resources};
use super::request::{DeployMethod, DesiredStack, StackInputs};
use super::state::{FailedResource, delete_failed_creation, end_running_operation, failed_resources, roll_back};
use super::template_source::TemplateSource;
use crate::diagnostic::Diagnostic;
use crate::model::{Stack, StackRequest, StackResource, StackState};
use crate::ops::OpsError;
use crate::stack::{Template, TemplateDiff};

/// The name of a deploy's change set. One from an interrupted deploy is replaced.
pub(super) const CHANGE_SET: &str = "ecsws-deploy";

type Result<T, S> = std::result::Result<T, Failure<<S as TemplateSource>::Error>>;

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
    let deployed = deploy.deployed_template(existing.as_ref()).await?;
    let template = template.with_cdk_metadata_of(&deployed);
    let desired = DesiredStack::new(deploy.request, inputs, &template, &deployed, existing.as_ref())?;
    if let Some(existing) = existing.as_ref().filter(|existing| desired.is_deployed(existing, &deployed)) {
        return Ok(unchanged(deploy, existing.clone(), template));
    }
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
    let preparation = prepare_change_set(deploy.aws, request, CHANGE_SET, update.existing);
    let clean_up = async {
        if let Some(existing) = update.existing {
            deploy.request.temporary_change_sets.delete_abandoned(deploy.aws, &existing.arn).await;
        }
    };
    let Some(prepared) = tokio::join!(preparation, clean_up).0? else { return Ok(None) };
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

/// The stack in a state that can be updated, or `None` if there is none. Follows an operation in progress to its end; rolls back or deletes a
/// failed stack if the user approves.
async fn resolve_initial_state<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    inputs: &StackInputs<'_>,
) -> Result<Option<Stack>, S> {
    let (name, aws, reporter) = (&inputs.stack.name, deploy.aws, &deploy.reporter);
    loop {
        let Some(stack) = deploy.reads.stack(name).await? else { return Ok(None) };
        match stack.status.state() {
            StackState::InReview => return Ok(None),
            StackState::Updatable => return Ok(Some(stack)),
            // Without rollback, an update continues from what failed.
            StackState::Failed if deploy.request.no_rollback => return Ok(Some(stack)),
            StackState::Failed | StackState::RollbackFailed => roll_back_failed_stack(deploy, &stack).await?,
            StackState::DeleteFailed => {
                let resources = failed_resources(deploy.reads, &stack, "DELETE_FAILED").await?;
                let reasons = resources.into_iter().map(|resource| resource.description).collect();
                let (stack, status) = (stack.name, stack.status);
                return Err(OpsError::StackFailed { stack, status, reasons, stopped_tasks: Vec::new() }.into());
            }
            StackState::InProgress => {
                deploy.follow_operation(name);
                let (limit, cancels) = (deploy.request.timeout.duration, deploy.request.cancel_running);
                end_running_operation(aws, &stack, limit, cancels, reporter).await?;
                deploy.end_operation(name);
                deploy.check_cancelled(name)?;
            }
            StackState::FailedCreation => {
                // Keep it if the next creation would fail as well.
                check_all(deploy).await?;
                approve_creation(deploy, name, true).await?;
                deploy.start_operation(name, Operation::Delete, &stack.arn);
                delete_failed_creation(aws, &stack, reporter).await?;
                deploy.end_operation(name);
            }
        }
    }
}

/// Rolls back a failed stack, or continues its failed rollback, if the user approves.
async fn roll_back_failed_stack<S: TemplateSource>(deploy: &DeployContext<'_, S>, stack: &Stack) -> Result<(), S> {
    let name = &stack.name;
    let stuck = match stack.status.state() {
        StackState::RollbackFailed => failed_resources(deploy.reads, stack, "UPDATE_FAILED").await?,
        _ => Vec::new(),
    };
    let stuck_resources = stuck.iter().map(|resource| resource.description.clone()).collect();
    deploy.ask(name, Question::RollBack { stack: name.clone(), status: stack.status.clone(), stuck_resources }).await?;
    let skipped = resources_to_skip(deploy, name, stuck).await?;
    deploy.start_operation(name, Operation::RollBack, &stack.arn);
    roll_back(deploy.aws, stack, &skipped, &deploy.reporter).await?;
    deploy.end_operation(name);
    Ok(())
}

/// The logical ids of the resources that the user wants to skip, out of those at which the rollback is stuck.
async fn resources_to_skip<S: TemplateSource>(
    deploy: &DeployContext<'_, S>,
    name: &str,
    stuck: Vec<FailedResource>,
) -> Result<Vec<String>, S> {
    let requested = deploy.request.skipped_resources;
    let stuck: Vec<String> = stuck.into_iter().map(|resource| resource.logical_id).collect();
    if let Some(unknown) = requested.iter().find(|id| !stuck.contains(id)) {
        let message = format!("the rollback of {name} is not stuck at `{unknown}`, so it cannot be skipped");
        return Err(OpsError::Rejected { rejections: vec![Diagnostic::new(message)] }.into());
    }
    if stuck.is_empty() || !requested.is_empty() {
        return Ok(requested.to_vec());
    }
    let question = Question::SkipResources { stack: name.to_owned(), resources: stuck.clone() };
    let skips = deploy.reporter.ask(question).await.map_err(Failure::Failed)?;
    Ok(if skips { stuck } else { Vec::new() })
}

async fn approve_creation<S: TemplateSource>(
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
