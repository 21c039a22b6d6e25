//! Watches the services of a stack: finds them by the stack's events, polls each, and waits until all are steady.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::rollout::Observation;
use super::service_watch::ServiceWatch;
use crate::aws::Aws;
use crate::model::{ServiceArn, ServiceName, StackEvent};
use crate::ops::locate::{is_existing_service, name_of, service_name};
use crate::ops::{DeployEvent, OpsError, Result, RolloutState, StoppedTasks};

/// The poll interval of ECS.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The first poll interval: a change of the count may be complete at once.
const FIRST_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The services in progress.
#[derive(Debug, Default)]
pub(in crate::ops) struct ServiceWatches {
    /// The ARN of their stack; empty for a service outside a stack.
    stack: String,
    /// PRIMARY deployments from before the operation, by the logical id of the service.
    previous_deployment_ids: HashMap<String, String>,
    /// A replaced resource has two: the old service and the new one.
    watches: Vec<ServiceWatch>,
}

impl ServiceWatches {
    /// The services of the stack with this ARN; none is in progress yet.
    pub(crate) fn for_stack(stack: &str) -> Self {
        Self { stack: stack.to_owned(), ..Self::default() }
    }

    /// Records the PRIMARY deployments of the stack's services, before the operation starts.
    pub(crate) async fn remember_deployments(&mut self, aws: &Aws) -> Result<()> {
        for resource in aws.stack_resources(&self.stack).await?.into_iter().filter(is_existing_service) {
            let Some(name) = service_name(aws, &self.stack, &resource).await? else { continue };
            // The deployments of a service that cannot be described now are distinguished by their creation times.
            let state = aws.service_state(&name).await.ok().flatten();
            let primary = state.and_then(|state| state.deployments.into_iter().find(|one| one.status == "PRIMARY"));
            self.previous_deployment_ids.extend(primary.map(|primary| (resource.logical_id, primary.id)));
        }
        Ok(())
    }

    /// Watches every service of a stack that was created or updated at `since`, if no events say which services are concerned.
    pub(crate) async fn watch_all(&mut self, aws: &Aws, since: Timestamp) -> Result<()> {
        for resource in aws.stack_resources(&self.stack).await?.into_iter().filter(is_existing_service) {
            let Some(name) = service_name(aws, &self.stack, &resource).await? else { continue };
            let previous_deployment_id = self.previous_deployment_ids.remove(&resource.logical_id);
            let mut watch = ServiceWatch::new(name, &resource.logical_id, previous_deployment_id);
            watch.start(since);
            self.watches.push(watch);
        }
        Ok(())
    }

    /// Polls every service in progress until dropped.
    pub(crate) async fn run(
        &mut self,
        aws: &Aws,
        new_events: &RefCell<Vec<StackEvent>>,
        emit: &mut dyn FnMut(DeployEvent),
    ) -> Infallible {
        let mut pause = FIRST_POLL_INTERVAL;
        loop {
            self.poll(aws, new_events, emit).await;
            sleep(pause).await;
            pause = (pause * 2).min(POLL_INTERVAL);
        }
    }

    /// Folds in new events of the stack, and polls every service once.
    pub(crate) async fn poll(
        &mut self,
        aws: &Aws,
        new_events: &RefCell<Vec<StackEvent>>,
        emit: &mut dyn FnMut(DeployEvent),
    ) {
        for event in new_events.take() {
            self.on_stack_event(aws, &event, emit).await;
        }
        for watch in &mut self.watches {
            watch.poll(aws, emit).await;
        }
    }

    /// Starts to watch a service when its creation or update starts. The replacement of a service is watched separately.
    async fn on_stack_event(&mut self, aws: &Aws, event: &StackEvent, emit: &mut dyn FnMut(DeployEvent)) {
        let is_start = matches!(event.status.as_str(), "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS");
        if event.resource_type == "AWS::ECS::Service"
            && is_start
            && let Some(arn) = ServiceArn::parse(&event.physical_id)
            && !self.watches.iter().any(|watch| arn.matches(watch.name()))
        {
            match name_of(aws, &self.stack, &event.logical_id, arn).await {
                Ok(name) => {
                    let previous_deployment_id = self.previous_deployment_ids.remove(&event.logical_id);
                    self.watches.push(ServiceWatch::new(name, &event.logical_id, previous_deployment_id));
                }
                Err(error) => emit(DeployEvent::note(format!("cannot follow service {}: {error}", event.logical_id))),
            }
        }
        self.watches.iter_mut().for_each(|watch| watch.on_stack_event(event));
    }

    /// The tasks that stopped, by cause.
    pub(crate) async fn stopped_tasks(&mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) -> Vec<StoppedTasks> {
        let mut stopped_tasks = Vec::new();
        for watch in &mut self.watches {
            stopped_tasks.extend(watch.stopped_tasks(aws, emit).await);
        }
        stopped_tasks
    }

    /// The services with failed rollouts, and the causes.
    pub(crate) fn failed(&self) -> Vec<(String, String)> {
        let failed = self.watches.iter().filter_map(|watch| match watch.state() {
            RolloutState::Failed(cause) => Some((watch.name().service.clone(), cause.clone())),
            _ => None,
        });
        failed.collect()
    }

    /// One service whose desired count is changed in ECS directly.
    pub(crate) fn for_desired_count(name: ServiceName, count: u32, initial: &Observation) -> Self {
        Self { watches: vec![ServiceWatch::for_desired_count(name, count, initial)], ..Self::default() }
    }

    /// Polls the services until every rollout is complete, after the stack operation.
    ///
    /// # Errors
    /// When a rollout fails, or `limit` has passed.
    pub(crate) async fn until_steady(
        &mut self,
        aws: &Aws,
        limit: Duration,
        emit: &mut dyn FnMut(DeployEvent),
    ) -> Result<()> {
        let emit = &mut |event: DeployEvent| emit(event.without_operation());
        let (start, mut pause) = (Instant::now(), FIRST_POLL_INTERVAL);
        loop {
            for watch in self.watches.iter_mut().filter(|watch| !watch.is_done()) {
                watch.poll(aws, emit).await;
                let is_late = start.elapsed() >= limit && !watch.is_done();
                let state = watch.state().clone();
                if !is_late && !matches!(state, RolloutState::Failed(_)) {
                    continue;
                }
                let (service, stopped_tasks) = (watch.name().service.clone(), watch.stopped_tasks(aws, emit).await);
                return Err(match state {
                    RolloutState::Failed(reason) => OpsError::RolloutFailed { service, reason, stopped_tasks },
                    _ => OpsError::NotSteady { service, seconds: limit.as_secs(), stopped_tasks },
                });
            }
            if self.watches.iter().all(ServiceWatch::is_done) {
                return Ok(());
            }
            sleep(pause).await;
            pause = (pause * 2).min(POLL_INTERVAL);
        }
    }
}
