//! Watches one service during its rollout: polls ECS, folds the observations, and reads the logs of failed containers.

use std::collections::HashMap;

use jiff::Timestamp;

use tokio::time::Instant;

use super::rollout::{Observation, Rollout, RolloutEvent, RolloutState};
use crate::aws::{Aws, AwsError};
use crate::model::{LogDestination, ServiceArn, ServiceName, ServiceState, StackEvent, Task};
use crate::ops::retry::RETRY_BUDGET;
use crate::ops::{DeployEvent, Reporter, StoppedTasks};
use crate::waits::Wait;

/// How many log lines of a failed container are reported.
const LOG_LINES: u16 = 20;
/// How often the log of a failed container is read: lines reach CloudWatch some seconds after they are printed.
const LOG_ATTEMPTS: u32 = 8;

#[derive(Debug)]
pub(in crate::ops) struct ServiceWatch {
    name: ServiceName,
    rollout: Rollout,
    /// Events of the stack that are not folded in yet. Kept here because a poll may be dropped halfway.
    new_events: Vec<StackEvent>,
    /// While the service cannot be read: since when, and the wait with the last error.
    failing: Option<(Instant, Wait)>,
    /// An error that is not transient was reported while CloudFormation was followed.
    is_unreadable: bool,
    /// Whether an error of reading the service was reported, and one of listing its stopped tasks.
    reported_errors: ReportedErrors,
    /// Whether a stack operation is in progress, which the user can cancel.
    is_cancellable: bool,
    /// Log destinations of containers, by task definition.
    log_destinations: HashMap<String, Vec<LogDestination>>,
    stopped_tasks: Vec<StoppedTaskGroup>,
}

#[derive(Debug, Default)]
struct ReportedErrors {
    service: bool,
    stopped_tasks: bool,
}

/// Tasks that stopped for the same cause.
#[derive(Debug)]
struct StoppedTaskGroup {
    stopped_tasks: StoppedTasks,
    first: Task,
    /// How often the log of the first task was read.
    attempts: u32,
}

impl ServiceWatch {
    /// `previous_deployment_id` is the PRIMARY deployment from before the update, if known.
    pub(super) fn new(name: ServiceName, logical_id: &str, previous_deployment_id: Option<String>) -> Self {
        let rollout = Rollout::new(logical_id, previous_deployment_id);
        Self {
            name,
            rollout,
            new_events: Vec::new(),
            failing: None,
            reported_errors: ReportedErrors::default(),
            is_unreadable: false,
            is_cancellable: true,
            log_destinations: HashMap::new(),
            stopped_tasks: Vec::new(),
        }
    }

    /// Watches a change that was made in ECS.
    pub(super) fn outside_stack(name: ServiceName, rollout: Rollout) -> Self {
        Self { rollout, ..Self::new(name, "", None) }
    }

    /// Sets the start of the update, if no events of the stack show it.
    pub(super) fn start(&mut self, at: Timestamp) {
        self.rollout.start(at);
    }

    /// Reports from now on that no stack operation is in progress.
    pub(super) fn end_operation(&mut self) {
        self.is_cancellable = false;
    }

    /// The service and its cluster.
    pub(super) fn name(&self) -> &ServiceName {
        &self.name
    }

    /// The state of the rollout.
    pub(super) fn state(&self) -> &RolloutState {
        self.rollout.state()
    }

    /// Keeps an event of the stack for the next poll, unless it is about the service that this one replaces.
    pub(super) fn on_stack_event(&mut self, event: &StackEvent) {
        let is_about_another = event.resource_type == "AWS::ECS::Service"
            && ServiceArn::parse(&event.physical_id).is_some_and(|arn| !arn.matches(&self.name));
        if !is_about_another {
            self.new_events.push(event.clone());
        }
    }

    /// Reads the service and reports what is new. A transient error is shown until the next poll succeeds.
    ///
    /// # Errors
    /// When the error is not transient, or the service could not be read for [`RETRY_BUDGET`].
    pub(super) async fn poll<E>(&mut self, aws: &Aws, reporter: &Reporter<E>) -> Result<(), AwsError> {
        let start = Instant::now();
        let (service, stopped) = tokio::join!(aws.service_state(&self.name), aws.stopped_tasks(&self.name));
        let service = match service {
            Ok(service) => {
                self.failing = None;
                Some(service.unwrap_or_else(ServiceState::missing))
            }
            Err(error) => {
                let begin = || (start, aws.waits().begin_at(start, format!("service `{}`", self.name.service)));
                let (since, wait) = self.failing.get_or_insert_with(begin);
                wait.set_error(error.to_string());
                if !error.is_transient() || since.elapsed() >= RETRY_BUDGET {
                    return Err(error);
                }
                None
            }
        };
        if let Err(error) = &stopped
            && error.kind.is_access_denied()
            && !std::mem::replace(&mut self.reported_errors.stopped_tasks, true)
        {
            reporter.event(DeployEvent::note(format!("stopped tasks of {} are not shown: {error}", self.name.service)));
        }
        let events = std::mem::take(&mut self.new_events);
        let observation = Observation { events, service, stopped: stopped.unwrap_or_default() };
        for event in self.rollout.apply(&observation) {
            self.report(event, reporter);
        }
        for at in 0..self.stopped_tasks.len() {
            self.read_log(at, aws, reporter).await;
        }
        Ok(())
    }

    /// As [`ServiceWatch::poll`] while CloudFormation is followed, which does not depend on it: reports the first error, and stops polling
    /// after one that is not transient.
    pub(super) async fn poll_if_readable<E>(&mut self, aws: &Aws, reporter: &Reporter<E>) {
        if self.is_unreadable {
            return;
        }
        let Err(error) = self.poll(aws, reporter).await else { return };
        if !error.is_transient() {
            (self.is_unreadable, self.failing) = (true, None);
        }
        if !std::mem::replace(&mut self.reported_errors.service, true) {
            reporter.event(DeployEvent::note(format!("cannot follow service {}: {error}", self.name.service)));
        }
    }

    /// Whether the rollout is complete.
    pub(super) fn is_done(&self) -> bool {
        *self.rollout.state() == RolloutState::Done
    }

    fn report<E>(&mut self, event: RolloutEvent, reporter: &Reporter<E>) {
        let service = self.name.service.clone();
        reporter.event(match event {
            RolloutEvent::Deployments(deployments) => DeployEvent::Rollout { service, deployments },
            RolloutEvent::ServiceEvent(event) => {
                DeployEvent::ServiceEvent { service, timestamp: event.timestamp, message: event.message }
            }
            RolloutEvent::Stuck { cause } => DeployEvent::Stuck { service, cause, cancellable: self.is_cancellable },
            RolloutEvent::Stopped { task, count, cause } => {
                let event = DeployEvent::TaskStopped { service, task: task.id.clone(), cause: cause.clone(), count };
                match self.stopped_tasks.iter_mut().find(|group| group.stopped_tasks.cause == cause) {
                    Some(group) => group.stopped_tasks.count = count,
                    None => self.stopped_tasks.push(StoppedTaskGroup {
                        stopped_tasks: StoppedTasks { service: self.name.service.clone(), cause, count, log: None },
                        first: task,
                        attempts: 0,
                    }),
                }
                event
            }
        });
    }

    /// Reads the log of the container that stopped the first task of a group, unless it was found before.
    async fn read_log<E>(&mut self, at: usize, aws: &Aws, reporter: &Reporter<E>) {
        let StoppedTaskGroup { stopped_tasks, first, attempts } = &mut self.stopped_tasks[at];
        let Some(container) =
            first.failed_container().filter(|_| stopped_tasks.log.is_none() && *attempts < LOG_ATTEMPTS)
        else {
            return;
        };
        *attempts += 1;
        let definition = first.task_definition.clone();
        if !self.log_destinations.contains_key(&definition) {
            let Ok(destinations) = aws.log_destinations(&definition).await else { return };
            self.log_destinations.insert(definition.clone(), destinations);
        }
        let mut destinations = self.log_destinations.get(&definition).into_iter().flatten();
        let Some(destination) = destinations.find(|destination| destination.container == container.name) else {
            *attempts = LOG_ATTEMPTS;
            return;
        };
        let lines = aws.last_log_lines(&destination.group, &destination.stream(&first.id), LOG_LINES).await;
        let lines = lines.unwrap_or_default();
        if !lines.is_empty() {
            let (service, task, container) = (self.name.service.clone(), first.id.clone(), container.name.clone());
            stopped_tasks.log = Some((container.clone(), lines.clone()));
            reporter.event(DeployEvent::TaskLog { service, task, container, lines });
        }
    }

    /// The tasks that stopped, by cause. Reads logs once more that were not available yet.
    pub(super) async fn stopped_tasks<E>(&mut self, aws: &Aws, reporter: &Reporter<E>) -> Vec<StoppedTasks> {
        for at in 0..self.stopped_tasks.len() {
            self.stopped_tasks[at].attempts = 0;
            self.read_log(at, aws, reporter).await;
        }
        self.stopped_tasks.iter().map(|group| group.stopped_tasks.clone()).collect()
    }
}
