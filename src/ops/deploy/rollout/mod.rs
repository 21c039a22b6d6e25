//! The state of one service's rollout, folded from observations. No calls and no clock, so that tests can replay any sequence.
//!
//! The PRIMARY deployment is tracked once the service's update starts. When it disappears, is replaced or FAILED, the rollout has failed, even if
//! the service looks healthy by then, as it does after a rollback. Sources: ECS's DescribeServices (`deployments`,
//! `rolloutState`) and its guide to the deployment circuit breaker.

mod expected_count;
mod rollout_events;
mod stopped_tasks;

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::model::{Deployment, ServiceState, StackEvent, Task};
use expected_count::{CountCheck, ExpectedCount};
pub use rollout_events::{RolloutEvent, RolloutState};
use stopped_tasks::StoppedTaskGroups;
pub(crate) use stopped_tasks::without_ids;

/// CloudFormation's event of an update may come shortly before or after ECS creates the deployment for it.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(2);

/// The events, service and stopped tasks that one poll returned.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Observation {
    /// Events of the stack that are new, oldest first.
    pub events: Vec<StackEvent>,
    /// The service; `None` when it was not looked at, [`ServiceState::missing`] when there is none.
    pub service: Option<ServiceState>,
    /// Its tasks that stopped; ECS lists them for an hour.
    pub stopped: Vec<Task>,
}

/// Folds observations of one service.
#[derive(Debug)]
pub struct Rollout {
    logical_id: String,
    /// The PRIMARY deployment from before the update, if known.
    previous_deployment_id: Option<String>,
    started: Option<Timestamp>,
    tracked: Option<TrackedDeployment>,
    state: RolloutState,
    /// When the stack's rollback or the service's deletion started: tasks that stop later are expected to.
    rollback_started: Option<Timestamp>,
    /// The service is being deleted, so its deployments say nothing about the update.
    is_deleting: bool,
    /// The service is new, and so are all its deployments.
    is_new: bool,
    /// The desired count that was set in ECS directly.
    expected_count: Option<ExpectedCount>,
    /// The PRIMARY deployment from before is not the one that has to succeed.
    needs_new_deployment: bool,
    deployments: Vec<Deployment>,
    seen_event_ids: HashSet<String>,
    stopped_tasks: StoppedTaskGroups,
}

/// The deployment that has to succeed.
#[derive(Debug)]
struct TrackedDeployment {
    id: String,
    /// Whether it certainly belongs to the update, and is not the one from before.
    is_certain: bool,
}

impl Rollout {
    /// A rollout without observations. `previous_deployment_id` is the PRIMARY deployment from before the update, if known.
    pub fn new(logical_id: impl Into<String>, previous_deployment_id: Option<String>) -> Self {
        Self {
            logical_id: logical_id.into(),
            previous_deployment_id,
            started: None,
            tracked: None,
            state: RolloutState::Waiting,
            rollback_started: None,
            is_deleting: false,
            is_new: false,
            expected_count: None,
            needs_new_deployment: false,
            deployments: Vec::new(),
            seen_event_ids: HashSet::new(),
            stopped_tasks: StoppedTaskGroups::default(),
        }
    }

    /// A change in ECS, without a stack operation: of the desired count to `count`, or a new deployment. Events and tasks in `initial`, which
    /// was observed before the change, are not reported again.
    pub fn outside_stack(count: Option<u32>, initial: &Observation) -> Self {
        let primary = initial.service.as_ref().and_then(ServiceState::primary_deployment);
        let mut rollout = Self::new("", primary.map(|primary| primary.id.clone()));
        rollout.expected_count = count.map(ExpectedCount::new);
        rollout.needs_new_deployment = count.is_none();
        let events = initial.service.iter().flat_map(|service| &service.events);
        rollout.seen_event_ids = events.map(|event| event.id.clone()).collect();
        rollout.stopped_tasks = StoppedTaskGroups::without(&initial.stopped);
        rollout.start(Timestamp::MIN);
        rollout
    }

    pub fn state(&self) -> &RolloutState {
        &self.state
    }

    /// The update starts; in a stack CloudFormation's events say so.
    pub fn start(&mut self, at: Timestamp) {
        self.started.get_or_insert(at);
        if self.state == RolloutState::Waiting {
            self.state = RolloutState::Rolling;
        }
    }

    /// Folds in an observation. Returns what is new in it.
    pub fn apply(&mut self, observation: &Observation) -> Vec<RolloutEvent> {
        for event in &observation.events {
            self.on_stack_event(event);
        }
        let Some(started) = self.started else { return Vec::new() };
        let mut events = Vec::new();
        if let Some(service) = &observation.service {
            self.evaluate(service);
            events.extend(self.new_events(service, started));
        }
        for task in &observation.stopped {
            if self.is_during_rollout(task, started) {
                events.extend(self.stopped_tasks.add(task));
            }
        }
        if let Some(expected) = &mut self.expected_count {
            let has_stopped_tasks = events.iter().any(|event| matches!(event, RolloutEvent::Stopped { .. }));
            let is_done = self.state == RolloutState::Done;
            if !expected.is_steady(is_done, has_stopped_tasks) && is_done {
                self.state = RolloutState::Rolling;
            }
        }
        events
    }

    /// Whether a task stopped after the update started, and before it was rolled back.
    fn is_during_rollout(&self, task: &Task, started: Timestamp) -> bool {
        let end = self.rollback_started.unwrap_or(Timestamp::MAX);
        task.stopped.is_none_or(|stopped| (started..=end).contains(&stopped))
    }

    fn on_stack_event(&mut self, event: &StackEvent) {
        let status = event.status.as_str();
        if event.resource_type == "AWS::CloudFormation::Stack" {
            if matches!(status, "ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS") {
                self.rollback_started.get_or_insert(event.timestamp);
                if self.started.is_some() {
                    self.set_failed(event.reason.as_deref().unwrap_or("CloudFormation rolls the stack back"));
                }
            }
            return;
        }
        if event.logical_id != self.logical_id {
            return;
        }
        match status {
            "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" if self.rollback_started.is_none() => {
                self.is_new |= status == "CREATE_IN_PROGRESS";
                self.start(event.timestamp);
            }
            "CREATE_FAILED" | "UPDATE_FAILED" => {
                self.set_failed(event.reason.as_deref().unwrap_or("no reason reported"));
            }
            "DELETE_IN_PROGRESS" => {
                self.is_deleting = true;
                self.rollback_started.get_or_insert(event.timestamp);
            }
            "DELETE_COMPLETE" if !matches!(self.state, RolloutState::Failed(_)) => self.state = RolloutState::Done,
            _ => {}
        }
    }

    /// The first cause is the one that counts.
    fn set_failed(&mut self, cause: &str) {
        if !matches!(self.state, RolloutState::Failed(_)) {
            self.state = RolloutState::Failed(cause.to_owned());
        }
    }

    /// Decides the state from the service's deployments.
    fn evaluate(&mut self, service: &ServiceState) {
        if self.is_deleting || matches!(self.state, RolloutState::Failed(_)) {
            return;
        }
        let has_expected_count = service.status != "ACTIVE" || self.has_expected_count(service.desired);
        if matches!(self.state, RolloutState::Failed(_)) {
            return;
        }
        let Some(primary) = service.primary_deployment() else {
            let is_known = self.tracked.is_some() || self.expected_count.is_some();
            if is_known && service.status != "ACTIVE" {
                self.set_failed(&format!("the service is {}", service.status));
            } else if service.status == "ACTIVE"
                && service.deployments.is_empty()
                && has_expected_count
                && runs_all(service)
            {
                // With CODE_DEPLOY or EXTERNAL there are task sets in place of deployments.
                self.state = RolloutState::Done;
            }
            return;
        };
        let is_certain = match &self.tracked {
            Some(TrackedDeployment { is_certain: true, .. }) if self.state == RolloutState::Done => return,
            Some(TrackedDeployment { id, is_certain: true }) if *id != primary.id => {
                return self.set_failed(&replacement_cause(id, primary, service));
            }
            Some(TrackedDeployment { id, is_certain }) if *id == primary.id => *is_certain,
            _ => {
                let is_certain = !self.is_from_before(primary);
                self.tracked = Some(TrackedDeployment { id: primary.id.clone(), is_certain });
                is_certain
            }
        };
        if self.needs_new_deployment && !is_certain {
            return;
        }
        let reason = primary.rollout_reason.as_deref().unwrap_or_default();
        match primary.rollout_state.as_deref() {
            Some("FAILED") => self.set_failed(if reason.is_empty() { "its deployment failed" } else { reason }),
            _ if is_certain && is_rollback(reason) => self.set_failed(reason),
            _ if !has_expected_count => self.state = RolloutState::Rolling,
            Some("COMPLETED") if (is_certain && self.expected_count.is_none()) || runs_all(service) => {
                self.state = RolloutState::Done;
            }
            None if runs_all(service) && primary.running >= primary.desired => self.state = RolloutState::Done,
            _ => self.state = RolloutState::Rolling,
        }
    }

    /// Whether this is the desired count that was set, if one was. Fails once it has been another for too long.
    fn has_expected_count(&mut self, desired: u32) -> bool {
        let check = self.expected_count.as_mut().map_or(CountCheck::Expected, |expected| expected.check(desired));
        if check == CountCheck::Overridden {
            self.set_failed(&format!("its desired count is {desired}, set by something else"));
        }
        check == CountCheck::Expected
    }

    fn is_from_before(&self, deployment: &Deployment) -> bool {
        match (&self.previous_deployment_id, self.started, deployment.created) {
            _ if self.is_new => false,
            (Some(previous), ..) => *previous == deployment.id,
            (None, Some(started), Some(created)) => {
                created < started.saturating_sub(CLOCK_TOLERANCE).unwrap_or(started)
            }
            (None, ..) => false,
        }
    }

    fn new_events(&mut self, service: &ServiceState, started: Timestamp) -> Vec<RolloutEvent> {
        let mut events = Vec::new();
        if self.deployments != service.deployments {
            self.deployments.clone_from(&service.deployments);
            events.push(RolloutEvent::Deployments(service.deployments.clone()));
        }
        for event in service.events.iter().rev() {
            let is_new = event.timestamp.is_none_or(|timestamp| timestamp >= started);
            if self.seen_event_ids.insert(event.id.clone()) && is_new {
                events.push(RolloutEvent::ServiceEvent(event.clone()));
            }
        }
        events
    }
}

/// Why another deployment has replaced the tracked one: a rollback, or another user's deployment.
fn replacement_cause(tracked: &str, primary: &Deployment, service: &ServiceState) -> String {
    let own = service.deployments.iter().find(|deployment| deployment.id == tracked);
    let own = own.and_then(|own| own.rollout_reason.clone());
    let rollback = primary.rollout_reason.clone().filter(|reason| is_rollback(reason));
    match own.into_iter().chain(rollback).collect::<Vec<_>>().join(" ") {
        reasons if reasons.is_empty() => format!("deployment {tracked} was replaced by {}", primary.id),
        reasons => reasons,
    }
}

/// Whether this is the rollback reason set by a circuit breaker or alarm.
fn is_rollback(reason: &str) -> bool {
    reason.contains("rolling back to")
}

fn runs_all(service: &ServiceState) -> bool {
    service.running == service.desired && service.pending == 0
}
