//! Operations on service deployments and service revisions, the history of a service's deployments.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::arns::Arns as _;
use super::clusters::{limit, missing};
use super::faults::{self, invalid};
use super::lookups::{self, key, last_part};
use super::model::{DeploymentFailure, RolloutState, ServiceDeployment, ServiceDeploymentStatus};
use super::{responses, tasks_of};
use crate::base::clock::epoch_seconds;
use crate::base::paging;
use crate::core::OperationResult;
use crate::services::ecs::State;
use crate::store::States;
use crate::{Config, Fault, Sandbox};

mod history;

pub(super) use history::{current, update};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeServiceDeploymentsInput {
    service_deployment_arns: Vec<String>,
}

pub(super) fn describe(
    sandbox: &Arc<Sandbox>,
    DescribeServiceDeploymentsInput { service_deployment_arns: arns }: DescribeServiceDeploymentsInput,
) -> OperationResult {
    let config = &sandbox.config;
    check_number(&arns, "serviceDeploymentArns")?;
    sandbox.store.read(|states| {
        let (mut described, mut failures) = (Vec::new(), Vec::new());
        for arn in &arns {
            match states.of::<State>().service_deployments.get(key_of_arn(arn, "service-deployment")?) {
                Some(deployment) => described.push(to_output(config, states, deployment)),
                None => failures.push(missing(arn)),
            }
        }
        Ok(json!({ "serviceDeployments": described, "failures": failures }))
    })
}

fn to_output(config: &Config, states: &States, deployment: &ServiceDeployment) -> Value {
    let service = states.of::<State>().services.get(&deployment.service);
    let tasks = service.map(|service| tasks_of(states, service)).unwrap_or_default();
    let summary = |number: &str| {
        let requested = service
            .and_then(|service| service.deployments.iter().find(|deployment| deployment.number() == number))
            .map_or(0, |deployment| deployment.desired_count);
        responses::revision_summary(config, &deployment.service, number, requested, &tasks)
    };
    let (cluster, _) = deployment.service.split_once('/').unwrap_or_default();
    let breaker = &deployment.configuration["deploymentCircuitBreaker"];
    let monitoring = match deployment.status {
        _ if breaker["enable"] != true => "DISABLED",
        ServiceDeploymentStatus::InProgress => "MONITORING",
        ServiceDeploymentStatus::Successful => "MONITORING_COMPLETE",
        _ if deployment.failure_count >= deployment.threshold => "TRIGGERED",
        _ => "MONITORING_COMPLETE",
    };
    json!({
        "serviceDeploymentArn": config.service_deployment_arn(deployment),
        "serviceArn": config.arn("ecs", &format!("service/{}", deployment.service)),
        "clusterArn": config.cluster_arn(cluster),
        "createdAt": epoch_seconds(deployment.created_at),
        "startedAt": epoch_seconds(deployment.created_at),
        "finishedAt": deployment.finished_at.map(epoch_seconds),
        "stoppedAt": deployment.stopped_at.map(epoch_seconds),
        "updatedAt": epoch_seconds(deployment.updated_at),
        "sourceServiceRevisions": deployment.sources.iter().map(|number| summary(number)).collect::<Vec<_>>(),
        "targetServiceRevision": summary(&deployment.target),
        "status": deployment.status,
        "statusReason": deployment.status_reason,
        "deploymentConfiguration": deployment.configuration,
        "rollback": deployment.rollback.as_ref().map(|(number, reason, at)| json!({
            "reason": reason,
            "startedAt": epoch_seconds(*at),
            "serviceRevisionArn": config.service_revision_arn(&deployment.service, number),
        })),
        "deploymentCircuitBreaker": {
            "status": monitoring,
            "failureCount": deployment.failure_count,
            "threshold": deployment.threshold,
        },
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListServiceDeploymentsInput {
    service: String,
    cluster: Option<String>,
    #[serde(default)]
    status: Vec<String>,
    created_at: Option<CreatedAt>,
    next_token: Option<String>,
    max_results: Option<usize>,
}

#[derive(Debug, Deserialize)]
struct CreatedAt {
    before: Option<f64>,
    after: Option<f64>,
}

pub(super) fn list(sandbox: &Arc<Sandbox>, mut input: ListServiceDeploymentsInput) -> OperationResult {
    let next_token = input.next_token.take();
    let limit = limit(input.max_results)?;
    let query = format!("ListServiceDeployments {input:?}");
    let config = &sandbox.config;
    let page = sandbox.store.read(|states| {
        let service = lookups::service(states, input.cluster.as_deref(), &input.service)?;
        let prefix = format!("{}/", key(&service.cluster, &service.name));
        let seconds = |deployment: &ServiceDeployment| deployment.created_at.as_duration().as_secs_f64();
        let matches = |deployment: &ServiceDeployment| {
            let status = json!(deployment.status);
            let created = input.created_at.as_ref();
            (input.status.is_empty() || input.status.iter().any(|accepted| status == accepted.as_str()))
                && created.and_then(|created| created.before).is_none_or(|before| seconds(deployment) < before)
                && created.and_then(|created| created.after).is_none_or(|after| seconds(deployment) > after)
        };
        let mut rows: Vec<_> = states
            .of::<State>()
            .service_deployments
            .with_prefix(&prefix)
            .filter(|(_, deployment)| matches(deployment))
            .collect();
        rows.sort_by_key(|(_, deployment)| std::cmp::Reverse(deployment.created_at));
        let briefs = rows.into_iter().map(|(key, deployment)| {
            let brief = json!({
                "serviceDeploymentArn": config.service_deployment_arn(deployment),
                "serviceArn": config.service_arn(service),
                "clusterArn": config.cluster_arn(&service.cluster),
                "startedAt": epoch_seconds(deployment.created_at),
                "createdAt": epoch_seconds(deployment.created_at),
                "finishedAt": deployment.finished_at.map(epoch_seconds),
                "targetServiceRevisionArn": config.service_revision_arn(&deployment.service, &deployment.target),
                "status": deployment.status,
                "statusReason": deployment.status_reason,
            });
            (key.to_owned(), brief)
        });
        paging::page(briefs, &query, next_token.as_deref(), limit).map_err(|_| faults::bad_token())
    })?;
    Ok(json!({ "serviceDeployments": page.items, "nextToken": page.next_token }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeServiceRevisionsInput {
    service_revision_arns: Vec<String>,
}

pub(super) fn describe_revisions(
    sandbox: &Arc<Sandbox>,
    DescribeServiceRevisionsInput { service_revision_arns: arns }: DescribeServiceRevisionsInput,
) -> OperationResult {
    let config = &sandbox.config;
    check_number(&arns, "serviceRevisionArns")?;
    sandbox.store.read(|states| {
        let (mut described, mut failures) = (Vec::new(), Vec::new());
        for arn in &arns {
            match states.of::<State>().service_revisions.get(key_of_arn(arn, "service-revision")?) {
                Some(revision) => described.push(responses::service_revision(config, states, revision)),
                None => failures.push(missing(arn)),
            }
        }
        Ok(json!({ "serviceRevisions": described, "failures": failures }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StopServiceDeploymentInput {
    service_deployment_arn: String,
    stop_type: Option<String>,
}

const STOPPED_BY_USER: DeploymentFailure = DeploymentFailure {
    reason: "ECS deployment stopped by StopServiceDeployment.",
    event: "deployment stopped by user.",
    rolled_back_by: "ECS deployment stopped",
};

/// Rolls back to the last completed deployment. Stopping without a rollback (`ABORT`) is not served.
pub(super) fn stop(
    sandbox: &Arc<Sandbox>,
    StopServiceDeploymentInput { service_deployment_arn: arn, stop_type }: StopServiceDeploymentInput,
) -> OperationResult {
    if stop_type.is_some_and(|kind| kind != "ROLLBACK") {
        return Err(Fault::not_implemented("StopServiceDeployment with the stopType ABORT"));
    }
    let not_found = || Fault::not_found("ServiceDeploymentNotFoundException", "Service deployment not found.");
    let now = sandbox.clock.now();
    sandbox.store.write(|states| {
        let key_of_arn = key_of_arn(&arn, "service-deployment")?;
        let deployment = states.of::<State>().service_deployments.get(key_of_arn).cloned().ok_or_else(not_found)?;
        let mut service =
            states.of::<State>().services.get(&deployment.service).cloned().ok_or_else(lookups::no_such_service)?;
        let is_primary = service.deployments.first().is_some_and(|primary| primary.id == deployment.deployment);
        if deployment.status != ServiceDeploymentStatus::InProgress || !is_primary {
            let message = "The service deployment cannot be stopped because it is not in progress.";
            return Err(Fault::client("ConflictException", message));
        }
        if !service.deployments.iter().any(|deployment| deployment.rollout_state == RolloutState::Completed) {
            return Err(invalid(
                "The service deployment cannot be rolled back because there is no earlier deployment.",
            ));
        }
        states
            .of_mut::<State>()
            .service_deployments
            .insert(key_of_arn, ServiceDeployment { status: ServiceDeploymentStatus::StopRequested, ..deployment });
        service.fail_deployment(now, &STOPPED_BY_USER, true);
        service.steady = false;
        lookups::store_service(states, service, now);
        Ok(json!({ "serviceDeploymentArn": arn }))
    })
}

fn check_number(arns: &[String], member: &str) -> Result<(), Fault> {
    match arns.len() {
        0 => Err(invalid(format!("{member} cannot be empty."))),
        1..=20 => Ok(()),
        _ => Err(invalid(format!("{member} cannot have more than 20 elements."))),
    }
}

/// `cluster/service/id` of an ARN.
fn key_of_arn<'a>(arn: &'a str, kind: &str) -> Result<&'a str, Fault> {
    let rest = arn.split_once(&format!(":{kind}/")).map(|(_, rest)| rest);
    rest.filter(|rest| rest.split('/').count() == 3 && !last_part(rest).is_empty())
        .ok_or_else(|| invalid(format!("Invalid {kind} ARN: {arn}")))
}
