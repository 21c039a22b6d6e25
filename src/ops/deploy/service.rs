//! Watches a service while its stack is created or updated: asks ECS, folds the answers, and reads what failed containers printed.

use std::collections::HashMap;

use jiff::Timestamp;

use super::rollout::{Observation, Rollout, RolloutEvent, RolloutState};
use crate::aws::{Aws, AwsErrorKind};
use crate::model::{LogDestination, ServiceArn, ServiceName, ServiceState, StackEvent, Task};
use crate::ops::{DeployEvent, StoppedTasks};

/// How many lines of a failed container's log are reported.
const LOG_LINES: u16 = 20;
/// Lines reach CloudWatch some seconds after they are printed; this is how often they are read.
const LOG_ATTEMPTS: u32 = 8;

/// A service in progress.
#[derive(Debug)]
pub(in crate::ops) struct ServiceWatch {
    name: ServiceName,
    rollout: Rollout,
    /// Events of the stack that are not folded in yet: looking may be given up in between, and none may be lost.
    new_events: Vec<StackEvent>,
    /// Calls to ECS are denied.
    refused: bool,
    /// Where containers log, by task definition.
    places: HashMap<String, Vec<LogDestination>>,
    stopped_tasks: Vec<Group>,
}

/// Tasks that stopped for one cause, and the first of them.
#[derive(Debug)]
struct Group {
    stopped_tasks: StoppedTasks,
    first: Task,
    attempts: u32,
}

impl ServiceWatch {
    /// `before` is the PRIMARY deployment from before the update, if known.
    pub fn new(name: ServiceName, logical_id: &str, before: Option<String>) -> Self {
        let rollout = Rollout::new(logical_id, before);
        Self {
            name,
            rollout,
            new_events: Vec::new(),
            refused: false,
            places: HashMap::new(),
            stopped_tasks: Vec::new(),
        }
    }

    /// Watches a change of the desired count in ECS; see [`Rollout::of_count`].
    pub fn of_count(name: ServiceName, count: u32, before: &Observation) -> Self {
        Self { rollout: Rollout::of_count(count, before), ..Self::new(name, "", None) }
    }

    /// The update began at this time, where no events of the stack say so.
    pub fn begin(&mut self, at: Timestamp) {
        self.rollout.begin(at);
    }

    /// The service and its cluster.
    pub fn name(&self) -> &ServiceName {
        &self.name
    }

    /// How its rollout stands.
    pub fn state(&self) -> &RolloutState {
        self.rollout.state()
    }

    /// Hears an event of the stack, for the next look. What happens to the service that this one replaces is not about this one.
    pub fn on_stack_event(&mut self, event: &StackEvent) {
        let of_another = event.resource_type == "AWS::ECS::Service"
            && ServiceArn::parse(&event.physical_id).is_some_and(|arn| !arn.matches(&self.name));
        if !of_another {
            self.new_events.push(event.clone());
        }
    }

    /// Reads the service and reports what is new. Throttling does not end the watch; a denied call is reported once and ends it.
    pub async fn look(&mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) {
        if self.refused {
            return;
        }
        let (service, stopped) = tokio::join!(aws.service_state(&self.name), aws.stopped_tasks(&self.name));
        let denied = [service.as_ref().err(), stopped.as_ref().err()].into_iter().flatten();
        if let Some(error) = denied.into_iter().find(|error| matches!(error.kind, AwsErrorKind::AccessDenied(_))) {
            self.refused = true;
            emit(DeployEvent::note(format!("{} is not watched: {error}", self.name.service)));
            return;
        }
        let service = service.ok().map(|service| service.unwrap_or_else(ServiceState::missing));
        let events = std::mem::take(&mut self.new_events);
        let observation = Observation { events, service, stopped: stopped.unwrap_or_default() };
        for progress in self.rollout.apply(&observation) {
            self.report(progress, emit);
        }
        for at in 0..self.stopped_tasks.len() {
            self.read_log(at, aws, emit).await;
        }
    }

    /// Whether there is nothing more to wait for: its rollout is complete, or calls to ECS are denied.
    pub fn is_done(&self) -> bool {
        self.refused || *self.rollout.state() == RolloutState::Done
    }

    fn report(&mut self, progress: RolloutEvent, emit: &mut dyn FnMut(DeployEvent)) {
        let service = self.name.service.clone();
        emit(match progress {
            RolloutEvent::Deployments(deployments) => DeployEvent::Rollout { service, deployments },
            RolloutEvent::ServiceEvent(event) => {
                DeployEvent::ServiceEvent { service, timestamp: event.timestamp, message: event.message }
            }
            RolloutEvent::Stuck { cause } => DeployEvent::Stuck { service, cause, cancellable: true },
            RolloutEvent::Stopped { task, count, cause } => {
                let event = DeployEvent::TaskStopped { service, task: task.id.clone(), cause: cause.clone(), count };
                match self.stopped_tasks.iter_mut().find(|group| group.stopped_tasks.cause == cause) {
                    Some(group) => group.stopped_tasks.count = count,
                    None => self.stopped_tasks.push(Group {
                        stopped_tasks: StoppedTasks { service: self.name.service.clone(), cause, count, log: None },
                        first: task,
                        attempts: 0,
                    }),
                }
                event
            }
        });
    }

    /// Reads the log of the container that ended the first task of a group, until there is something in it.
    async fn read_log(&mut self, at: usize, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) {
        let Group { stopped_tasks, first, attempts } = &mut self.stopped_tasks[at];
        let Some(container) =
            first.failed_container().filter(|_| stopped_tasks.log.is_none() && *attempts < LOG_ATTEMPTS)
        else {
            return;
        };
        *attempts += 1;
        let definition = first.task_definition.clone();
        if !self.places.contains_key(&definition) {
            let Ok(places) = aws.log_destinations(&definition).await else { return };
            self.places.insert(definition.clone(), places);
        }
        let places = self.places.get(&definition).into_iter().flatten();
        let Some(place) = places.into_iter().find(|place| place.container == container.name) else {
            *attempts = LOG_ATTEMPTS;
            return;
        };
        let lines = aws.last_log_lines(&place.group, &place.stream(&first.id), LOG_LINES).await.unwrap_or_default();
        if !lines.is_empty() {
            let (service, task, container) = (self.name.service.clone(), first.id.clone(), container.name.clone());
            stopped_tasks.log = Some((container.clone(), lines.clone()));
            emit(DeployEvent::TaskLog { service, task, container, lines });
        }
    }

    /// What stopped, cause by cause; asks once more for logs that were not there yet.
    pub async fn stopped_tasks(&mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) -> Vec<StoppedTasks> {
        for at in 0..self.stopped_tasks.len() {
            self.stopped_tasks[at].attempts = 0;
            self.read_log(at, aws, emit).await;
        }
        self.stopped_tasks.iter().map(|group| group.stopped_tasks.clone()).collect()
    }
}
