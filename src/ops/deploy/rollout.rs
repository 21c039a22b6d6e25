//! The state of one service's rollout, folded from observations. No calls and no clock, so that tests can replay any sequence.
//!
//! The PRIMARY deployment is remembered once the service's update begins. When that one is gone, is replaced or FAILED, the rollout has
//! failed, whatever the service looks like by then: after a rollback it looks well. Sources: ECS's DescribeServices (`deployments`,
//! `rolloutState`) and its guide to the deployment circuit breaker.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::model::{Deployment, ServiceEvent, ServiceState, StackEvent, Task};

/// So many tasks that stop for the same cause are no accident.
const STUCK_AFTER: usize = 3;
/// CloudFormation's event of an update can come shortly before or after ECS creates the deployment for it.
const SLACK: SignedDuration = SignedDuration::from_secs(2);
/// How many observations in a row have to show another desired count than the expected one before it counts as changed by something else:
/// DescribeServices is eventually consistent, and until then may still answer the old count.
const OVERRIDDEN_AFTER: usize = 60;
/// How many observations in a row have to show the expected count running, without a task that stopped: one that ends right after its start
/// is RUNNING for a moment.
const STEADY_AFTER: usize = 3;

/// The events, service and stopped tasks that one poll returned.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Observation {
    /// Events of the stack that are new, oldest first.
    pub events: Vec<StackEvent>,
    /// The service; `None` when it was not looked at, [`ServiceState::missing`] when there is none.
    pub service: Option<ServiceState>,
    /// Its tasks that stopped, as long as ECS remembers them.
    pub stopped: Vec<Task>,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutState {
    /// CloudFormation has not begun with the service.
    Waiting,
    /// Tasks start and stop.
    Rolling,
    /// The deployment is complete, or the service is deleted.
    Done,
    /// It failed, with the cause.
    Failed(String),
}

/// What is new since the previous observation.
#[derive(Debug, Clone, PartialEq)]
pub enum RolloutEvent {
    /// The deployments have other counts or states.
    Deployments(Vec<Deployment>),
    /// ECS says something.
    ServiceEvent(ServiceEvent),
    /// A task stopped that should have gone on.
    Stopped {
        /// The task.
        task: Task,
        /// Why, in the words of the first that stopped for this cause.
        cause: String,
        /// How many have stopped for it by now.
        count: usize,
    },
    /// Tasks stop for the same cause again and again.
    Stuck {
        /// The cause.
        cause: String,
    },
}

/// The fold.
#[derive(Debug)]
pub struct Rollout {
    logical_id: String,
    /// The PRIMARY deployment from before the update, if known.
    before: Option<String>,
    began: Option<Timestamp>,
    /// The deployment that has to succeed; not certain while it is the one from before.
    ours: Option<(String, bool)>,
    state: RolloutState,
    /// Whether stopping tasks is expected: the stack is being rolled back, or the service deleted.
    taken_back: Option<Timestamp>,
    /// The service is deleted: nothing of it is judged any more.
    leaving: bool,
    /// It is new, so each of its deployments is.
    created: bool,
    /// The desired count that was requested in ECS itself: nothing else is a success.
    expected_count: Option<u32>,
    /// Observations in a row with another desired count.
    other_counts: usize,
    /// Observations in a row with the expected count running.
    steady_counts: usize,
    deployments: Vec<Deployment>,
    seen_event_ids: HashSet<String>,
    stopped: HashSet<String>,
    /// By what is the same in each: the words of the first, and how many.
    causes: BTreeMap<String, (String, usize)>,
}

impl Rollout {
    /// Nothing has been seen yet. `before` is the id of the PRIMARY deployment before anything began, where it is known.
    pub fn new(logical_id: impl Into<String>, before: Option<String>) -> Self {
        Self {
            logical_id: logical_id.into(),
            before,
            began: None,
            ours: None,
            state: RolloutState::Waiting,
            taken_back: None,
            leaving: false,
            created: false,
            expected_count: None,
            other_counts: 0,
            steady_counts: 0,
            deployments: Vec::new(),
            seen_event_ids: HashSet::new(),
            stopped: HashSet::new(),
            causes: BTreeMap::new(),
        }
    }

    /// A change of the desired count in ECS, without a stack operation. `before` is what was observed before it: what that contains is not
    /// news later, whatever the clocks say.
    pub fn of_count(count: u32, before: &Observation) -> Self {
        let service = before.service.iter();
        let mut primary =
            service.clone().flat_map(|service| &service.deployments).filter(|one| one.status == "PRIMARY");
        let mut rollout = Self::new("", primary.next().map(|primary| primary.id.clone()));
        rollout.expected_count = Some(count);
        rollout.seen_event_ids = service.flat_map(|service| &service.events).map(|event| event.id.clone()).collect();
        rollout.stopped = before.stopped.iter().map(|task| task.id.clone()).collect();
        rollout.begin(Timestamp::MIN);
        rollout
    }

    /// How it stands.
    pub fn state(&self) -> &RolloutState {
        &self.state
    }

    /// The update begins; in a stack CloudFormation's events say so.
    pub fn begin(&mut self, at: Timestamp) {
        self.began.get_or_insert(at);
        if self.state == RolloutState::Waiting {
            self.state = RolloutState::Rolling;
        }
    }

    /// Takes in what is seen, and says what is new in it.
    pub fn apply(&mut self, observation: &Observation) -> Vec<RolloutEvent> {
        for event in &observation.events {
            self.on_stack_event(event);
        }
        let Some(began) = self.began else { return Vec::new() };
        let mut progress = Vec::new();
        if let Some(service) = &observation.service {
            self.judge(service);
            progress.extend(self.news(service, began));
        }
        for task in &observation.stopped {
            progress.extend(self.casualty(task, began));
        }
        if self.expected_count.is_some() && self.state == RolloutState::Done {
            let has_failures = progress.iter().any(|progress| matches!(progress, RolloutEvent::Stopped { .. }));
            self.steady_counts = if has_failures { 0 } else { self.steady_counts + 1 };
            if self.steady_counts < STEADY_AFTER {
                self.state = RolloutState::Rolling;
            }
        } else {
            self.steady_counts = 0;
        }
        progress
    }

    fn on_stack_event(&mut self, event: &StackEvent) {
        let status = event.status.as_str();
        if event.resource_type == "AWS::CloudFormation::Stack" {
            if matches!(status, "ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS") {
                self.taken_back.get_or_insert(event.timestamp);
                if self.began.is_some() {
                    self.fail(event.reason.as_deref().unwrap_or("CloudFormation rolls the stack back"));
                }
            }
            return;
        }
        if event.logical_id != self.logical_id {
            return;
        }
        match status {
            "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" if self.taken_back.is_none() => {
                self.created |= status == "CREATE_IN_PROGRESS";
                self.begin(event.timestamp);
            }
            "CREATE_FAILED" | "UPDATE_FAILED" => {
                self.fail(event.reason.as_deref().unwrap_or("CloudFormation gives no reason"));
            }
            "DELETE_IN_PROGRESS" => {
                self.leaving = true;
                self.taken_back.get_or_insert(event.timestamp);
            }
            "DELETE_COMPLETE" if !matches!(self.state, RolloutState::Failed(_)) => self.state = RolloutState::Done,
            _ => {}
        }
    }

    /// The first cause is the one that counts.
    fn fail(&mut self, cause: &str) {
        if !matches!(self.state, RolloutState::Failed(_)) {
            self.state = RolloutState::Failed(cause.to_owned());
        }
    }

    fn judge(&mut self, service: &ServiceState) {
        if self.leaving || matches!(self.state, RolloutState::Failed(_)) {
            return;
        }
        let is_counted = service.status != "ACTIVE" || self.has_expected_count(service.desired);
        if matches!(self.state, RolloutState::Failed(_)) {
            return;
        }
        let Some(primary) = service.deployments.iter().find(|deployment| deployment.status == "PRIMARY") else {
            let is_known = self.ours.is_some() || self.expected_count.is_some();
            if is_known && service.status != "ACTIVE" {
                self.fail(&format!("the service is {}", service.status));
            } else if service.status == "ACTIVE" && service.deployments.is_empty() && is_counted && runs_all(service) {
                // With CODE_DEPLOY or EXTERNAL there are task sets in place of deployments.
                self.state = RolloutState::Done;
            }
            return;
        };
        match &self.ours {
            Some((_, true)) if self.state == RolloutState::Done => return,
            Some((ours, true)) if *ours != primary.id => return self.lost(&ours.clone(), primary, service),
            Some((ours, _)) if *ours == primary.id => {}
            _ => self.ours = Some((primary.id.clone(), !self.is_from_before(primary))),
        }
        let certain = self.ours.as_ref().is_some_and(|(_, certain)| *certain);
        let reason = primary.rollout_reason.as_deref().unwrap_or_default();
        match primary.rollout_state.as_deref() {
            Some("FAILED") => self.fail(if reason.is_empty() { "its deployment failed" } else { reason }),
            _ if certain && is_rollback(reason) => self.fail(reason),
            _ if !is_counted => self.state = RolloutState::Rolling,
            Some("COMPLETED") if (certain && self.expected_count.is_none()) || runs_all(service) => {
                self.state = RolloutState::Done;
            }
            None if runs_all(service) && primary.running >= primary.desired => self.state = RolloutState::Done,
            _ => self.state = RolloutState::Rolling,
        }
    }

    /// Whether this is the desired count that was requested, if one was. Fails once it has been another for a while.
    fn has_expected_count(&mut self, desired: u32) -> bool {
        if self.expected_count.is_none_or(|expected| expected == desired) {
            self.other_counts = 0;
            return true;
        }
        self.other_counts += 1;
        if self.other_counts >= OVERRIDDEN_AFTER {
            self.fail(&format!("its desired count is {desired}, set by something else"));
        }
        false
    }

    fn is_from_before(&self, deployment: &Deployment) -> bool {
        match (&self.before, self.began, deployment.created) {
            _ if self.created => false,
            (Some(before), ..) => *before == deployment.id,
            (None, Some(began), Some(created)) => created < began.saturating_sub(SLACK).unwrap_or(began),
            (None, ..) => false,
        }
    }

    /// Another deployment has replaced this one: a rollback, or another user's deployment.
    fn lost(&mut self, ours: &str, primary: &Deployment, service: &ServiceState) {
        let own = service.deployments.iter().find(|deployment| deployment.id == ours);
        let own = own.and_then(|own| own.rollout_reason.clone());
        let rollback = primary.rollout_reason.clone().filter(|reason| is_rollback(reason));
        let reasons = own.into_iter().chain(rollback).collect::<Vec<_>>().join(" ");
        self.fail(&match reasons.as_str() {
            "" => format!("deployment {ours} was replaced by {}", primary.id),
            reasons => reasons.to_owned(),
        });
    }

    fn news(&mut self, service: &ServiceState, began: Timestamp) -> Vec<RolloutEvent> {
        let mut progress = Vec::new();
        if self.deployments != service.deployments {
            self.deployments.clone_from(&service.deployments);
            progress.push(RolloutEvent::Deployments(service.deployments.clone()));
        }
        for event in service.events.iter().rev() {
            let is_new = event.timestamp.is_none_or(|timestamp| timestamp >= began);
            if self.seen_event_ids.insert(event.id.clone()) && is_new {
                progress.push(RolloutEvent::ServiceEvent(event.clone()));
            }
        }
        progress
    }

    fn casualty(&mut self, task: &Task, began: Timestamp) -> Vec<RolloutEvent> {
        let until = self.taken_back.unwrap_or(Timestamp::MAX);
        let is_ours = task.stopped.is_none_or(|stopped| began <= stopped && stopped <= until);
        if !is_ours || is_wanted(task) || !self.stopped.insert(task.id.clone()) {
            return Vec::new();
        }
        let cause = task.stop_cause();
        let (cause, count) = self.causes.entry(without_ids(&cause)).or_insert((cause, 0));
        *count += 1;
        let stopped = RolloutEvent::Stopped { task: task.clone(), cause: cause.clone(), count: *count };
        let stuck = (*count == STUCK_AFTER).then(|| RolloutEvent::Stuck { cause: cause.clone() });
        std::iter::once(stopped).chain(stuck).collect()
    }
}

/// The reason of the deployment that a circuit breaker or an alarm makes in place of ours.
fn is_rollback(reason: &str) -> bool {
    reason.contains("rolling back to")
}

fn runs_all(service: &ServiceState) -> bool {
    service.running == service.desired && service.pending == 0
}

/// ECS stops tasks of its own accord when a service scales in or moves to another deployment.
fn is_wanted(task: &Task) -> bool {
    task.stopped_reason.as_deref().is_some_and(|reason| reason.starts_with("Scaling activity initiated by"))
}

/// A cause without what is different in each task: ids of tasks, requests and network interfaces.
fn without_ids(cause: &str) -> String {
    let is_id = |word: &str| {
        word.len() >= 8
            && word.contains(|c: char| c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
    };
    cause.split(|c: char| !(c.is_alphanumeric() || c == '-')).filter(|word| !is_id(word)).collect::<Vec<_>>().join(" ")
}
