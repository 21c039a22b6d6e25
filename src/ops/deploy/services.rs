//! The services of a stack that is created or updated: which there are, a look at each, and the wait for all.

use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::rollout::Observation;
use super::service::ServiceWatch;
use crate::aws::Aws;
use crate::model::{ServiceArn, ServiceName, StackEvent};
use crate::ops::locate::{name_of, service_name};
use crate::ops::{DeployEvent, OpsError, Result, RolloutState, StoppedTasks};

/// How often ECS is polled.
const PAUSE: Duration = Duration::from_secs(1);
/// A change of the count may be done at once.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The services in progress.
#[derive(Debug, Default)]
pub(in crate::ops) struct Services {
    /// The ARN of their stack; empty for a service outside a stack.
    stack: String,
    /// PRIMARY deployments from before, by the service's logical id.
    before: HashMap<String, String>,
    /// Of a resource that is replaced there are two.
    watches: Vec<ServiceWatch>,
}

impl Services {
    /// None is in progress in the stack of this ARN yet.
    pub fn of_stack(stack: &str) -> Self {
        Self { stack: stack.to_owned(), ..Self::default() }
    }

    /// Remembers the PRIMARY deployments of the services of a stack, before anything begins.
    pub async fn remember_deployments(&mut self, aws: &Aws) -> Result<()> {
        for resource in aws.stack_resources(&self.stack).await? {
            if resource.resource_type != "AWS::ECS::Service" || !resource.exists() {
                continue;
            }
            let Some(name) = service_name(aws, &self.stack, &resource).await? else { continue };
            // A service that cannot be described now is judged by the times of its deployments.
            let state = aws.service_state(&name).await.ok().flatten();
            let primary = state.and_then(|state| state.deployments.into_iter().find(|one| one.status == "PRIMARY"));
            self.before.extend(primary.map(|primary| (resource.logical_id, primary.id)));
        }
        Ok(())
    }

    /// Watches every service of the stack, which was created or updated at `since`, where no events say which of them that concerns.
    pub async fn watch_all(&mut self, aws: &Aws, since: Timestamp) -> Result<()> {
        for resource in aws.stack_resources(&self.stack).await? {
            if resource.resource_type != "AWS::ECS::Service" || !resource.exists() {
                continue;
            }
            let Some(name) = service_name(aws, &self.stack, &resource).await? else { continue };
            let before = self.before.remove(&resource.logical_id);
            let mut watch = ServiceWatch::new(name, &resource.logical_id, before);
            watch.begin(since);
            self.watches.push(watch);
        }
        Ok(())
    }

    /// Looks at every service in progress, again and again.
    pub async fn run(
        &mut self,
        aws: &Aws,
        new_events: &RefCell<Vec<StackEvent>>,
        emit: &mut dyn FnMut(DeployEvent),
    ) -> Infallible {
        let mut pause = FIRST_PAUSE;
        loop {
            self.look(aws, new_events, emit).await;
            sleep(pause).await;
            pause = (pause * 2).min(PAUSE);
        }
    }

    /// Takes in what was new_events, and looks at every service once.
    pub async fn look(&mut self, aws: &Aws, new_events: &RefCell<Vec<StackEvent>>, emit: &mut dyn FnMut(DeployEvent)) {
        for event in new_events.take() {
            self.on_stack_event(aws, &event, emit).await;
        }
        for watch in &mut self.watches {
            watch.look(aws, emit).await;
        }
    }

    /// Learns from an event which services are in progress. One that takes the place of another is a service of its own.
    async fn on_stack_event(&mut self, aws: &Aws, event: &StackEvent, emit: &mut dyn FnMut(DeployEvent)) {
        let begins = matches!(event.status.as_str(), "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS");
        if event.resource_type == "AWS::ECS::Service"
            && begins
            && let Some(arn) = ServiceArn::parse(&event.physical_id)
            && !self.watches.iter().any(|watch| arn.matches(watch.name()))
        {
            match name_of(aws, &self.stack, &event.logical_id, arn).await {
                Ok(name) => {
                    let before = self.before.remove(&event.logical_id);
                    self.watches.push(ServiceWatch::new(name, &event.logical_id, before));
                }
                Err(error) => emit(DeployEvent::note(format!("{} is not watched: {error}", event.logical_id))),
            }
        }
        self.watches.iter_mut().for_each(|watch| watch.on_stack_event(event));
    }

    /// The tasks that stopped, cause by cause.
    pub async fn stopped_tasks(&mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) -> Vec<StoppedTasks> {
        let mut stopped_tasks = Vec::new();
        for watch in &mut self.watches {
            stopped_tasks.extend(watch.stopped_tasks(aws, emit).await);
        }
        stopped_tasks
    }

    /// The services whose rollout failed, with the cause.
    pub fn failed(&self) -> Vec<(String, String)> {
        let failed = self.watches.iter().filter_map(|watch| match watch.state() {
            RolloutState::Failed(cause) => Some((watch.name().service.clone(), cause.clone())),
            _ => None,
        });
        failed.collect()
    }

    /// One service, whose desired count is changed in ECS.
    pub fn of_count(name: ServiceName, count: u32, before: &Observation) -> Self {
        Self { watches: vec![ServiceWatch::of_count(name, count, before)], ..Self::default() }
    }

    /// Looks at the services until every rollout is complete, or `limit` has passed. The first that fails is the failure. No stack operation
    /// is in progress any more.
    pub async fn until_steady(&mut self, aws: &Aws, limit: Duration, emit: &mut dyn FnMut(DeployEvent)) -> Result<()> {
        let emit = &mut |event: DeployEvent| emit(event.without_operation());
        let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
        loop {
            for watch in self.watches.iter_mut().filter(|watch| !watch.is_done()) {
                watch.look(aws, emit).await;
                let late = begun.elapsed() >= limit && !watch.is_done();
                let state = watch.state().clone();
                if !late && !matches!(state, RolloutState::Failed(_)) {
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
            pause = (pause * 2).min(PAUSE);
        }
    }
}
