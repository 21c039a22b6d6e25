//! Watches the services of a stack: finds them by the stack's events, polls each, and waits until all are steady.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep};

use super::rollout::Rollout;
use super::service_watch::ServiceWatch;
use crate::aws::Aws;
use crate::model::{ServiceArn, ServiceName, ServiceState, StackEvent, StackResource};
use crate::ops::locate::{is_existing_service, name_of, service_name};
use crate::ops::retry::retry_transient;
use crate::ops::{DeployEvent, OpsError, Reporter, Result, RolloutState, StoppedTasks};

/// The poll interval of ECS.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long services may take to become steady by default.
const STEADY_TIMEOUT: Duration = Duration::from_mins(15);
/// The first poll interval: a change of the count may be complete at once.
const FIRST_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long services may take to become steady.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SteadyLimit {
    /// The time left.
    remaining: Duration,
    /// The whole time, of which the stack's operation may have used a part.
    total: Duration,
    /// Whether the user has set it.
    is_requested: bool,
}

impl SteadyLimit {
    /// The limit set by the user, or the default one, which starts after the stack's operation. `elapsed` is the time since the user's limit
    /// started.
    pub(crate) fn new(requested: Option<Duration>, elapsed: Duration) -> Self {
        match requested {
            Some(total) => Self { remaining: total.saturating_sub(elapsed), total, is_requested: true },
            None => Self { remaining: STEADY_TIMEOUT, total: STEADY_TIMEOUT, is_requested: false },
        }
    }
}

/// The watched services of one stack, or one service outside a stack.
#[derive(Debug, Default)]
pub(in crate::ops) struct ServiceWatches {
    /// The ARN of their stack; empty for a service outside a stack.
    stack: String,
    /// PRIMARY deployments from before the operation, by the logical id of the service.
    previous_deployment_ids: HashMap<String, String>,
    /// Events of the stack; `None` for a service outside a stack.
    stack_events: Option<UnboundedReceiver<StackEvent>>,
    /// A replaced resource has two: the old service and the new one.
    watches: Vec<ServiceWatch>,
}

impl ServiceWatches {
    /// The services of the stack with this ARN, none of which is in progress yet. `stack_events` receives the stack's events.
    pub(crate) fn for_stack(stack: &str, stack_events: UnboundedReceiver<StackEvent>) -> Self {
        Self { stack: stack.to_owned(), stack_events: Some(stack_events), ..Self::default() }
    }

    /// Records the PRIMARY deployments of the stack's services, before the operation starts. `resources` are those of the stack.
    pub(crate) async fn remember_deployments(&mut self, aws: &Aws, resources: &[StackResource]) -> Result<()> {
        for resource in resources.iter().filter(|resource| is_existing_service(resource)) {
            let Some(name) = service_name(aws, &self.stack, resource).await? else { continue };
            // The deployments of a service that cannot be described now are distinguished by their creation times.
            let state = aws.service_state(&name).await.ok().flatten();
            let primary = state.as_ref().and_then(ServiceState::primary_deployment);
            self.previous_deployment_ids
                .extend(primary.map(|primary| (resource.logical_id.clone(), primary.id.clone())));
        }
        Ok(())
    }

    /// Watches every service of a stack that was created or updated at `since`, if no events say which services are concerned.
    pub(crate) async fn watch_all(&mut self, aws: &Aws, since: Timestamp) -> Result<()> {
        let resources = retry_transient(aws, async || aws.stack_resources(&self.stack).await).await?;
        for resource in resources.into_iter().filter(is_existing_service) {
            let Some(name) = service_name(aws, &self.stack, &resource).await? else { continue };
            let previous_deployment_id = self.previous_deployment_ids.remove(&resource.logical_id);
            let mut watch = ServiceWatch::new(name, &resource.logical_id, previous_deployment_id);
            watch.start(since);
            self.watches.push(watch);
        }
        Ok(())
    }

    /// Polls every service in progress until dropped.
    pub(crate) async fn run<E>(&mut self, aws: &Aws, reporter: &Reporter<E>) -> Infallible {
        let mut pause = FIRST_POLL_INTERVAL;
        loop {
            self.poll(aws, reporter).await;
            sleep(pause).await;
            pause = (pause * 2).min(POLL_INTERVAL);
        }
    }

    /// Folds in new events of the stack, and polls every service once.
    pub(crate) async fn poll<E>(&mut self, aws: &Aws, reporter: &Reporter<E>) {
        while let Some(event) = self.stack_events.as_mut().and_then(|events| events.try_recv().ok()) {
            self.on_stack_event(aws, &event, reporter).await;
        }
        for watch in &mut self.watches {
            watch.poll_if_readable(aws, reporter).await;
        }
    }

    /// Starts to watch a service when its creation or update starts. The replacement of a service is watched separately.
    async fn on_stack_event<E>(&mut self, aws: &Aws, event: &StackEvent, reporter: &Reporter<E>) {
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
                Err(error) => {
                    reporter.event(DeployEvent::note(format!("cannot follow service {}: {error}", event.logical_id)));
                }
            }
        }
        self.watches.iter_mut().for_each(|watch| watch.on_stack_event(event));
    }

    /// The tasks that stopped, by cause.
    pub(crate) async fn stopped_tasks<E>(&mut self, aws: &Aws, reporter: &Reporter<E>) -> Vec<StoppedTasks> {
        let mut stopped_tasks = Vec::new();
        for watch in &mut self.watches {
            stopped_tasks.extend(watch.stopped_tasks(aws, reporter).await);
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

    /// One service that was changed in ECS.
    pub(crate) fn outside_stack(name: ServiceName, rollout: Rollout) -> Self {
        Self { watches: vec![ServiceWatch::outside_stack(name, rollout)], ..Self::default() }
    }

    /// Polls the services until every rollout is complete, after the stack operation.
    ///
    /// # Errors
    /// When a rollout fails, a service cannot be read, or the limit has passed.
    pub(crate) async fn until_steady<E>(
        &mut self,
        aws: &Aws,
        limit: SteadyLimit,
        reporter: &Reporter<E>,
    ) -> Result<()> {
        self.watches.iter_mut().for_each(ServiceWatch::end_operation);
        let names: Vec<&str> = self.watches.iter().map(|watch| watch.name().service.as_str()).collect();
        let _wait = aws.waits().begin(format!("{} to become steady", names.join(", ")));
        let (start, mut pause) = (Instant::now(), FIRST_POLL_INTERVAL);
        loop {
            for watch in self.watches.iter_mut().filter(|watch| !watch.is_done()) {
                if let Err(error) = watch.poll(aws, reporter).await {
                    let (service, error) = (watch.name().service.clone(), Box::new(error));
                    return Err(OpsError::UnreadableService { service, error });
                }
                let is_late = start.elapsed() >= limit.remaining && !watch.is_done();
                let state = watch.state().clone();
                if !is_late && !matches!(state, RolloutState::Failed(_)) {
                    continue;
                }
                let (service, stopped_tasks) = (watch.name().service.clone(), watch.stopped_tasks(aws, reporter).await);
                return Err(match state {
                    RolloutState::Failed(reason) => OpsError::RolloutFailed { service, reason, stopped_tasks },
                    _ => OpsError::NotSteady {
                        service,
                        limit: limit.total,
                        is_requested: limit.is_requested,
                        stopped_tasks,
                    },
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
