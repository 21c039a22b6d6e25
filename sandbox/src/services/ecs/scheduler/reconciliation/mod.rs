//! Reconciles services: which tasks to start and stop, the state of the deployments, and the events.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::failures;
use super::task_counts::{TaskChanges, TaskCounts, task_changes};
use crate::services::ecs::State;
use crate::services::ecs::lookups::{key, store_service};
use crate::services::ecs::model::{Deployment, HealthStatus, RolloutState, Service, ServiceStatus, Task, TaskStatus};
use crate::services::ecs::tasks_of;
use crate::store::States;

mod service_tasks;

/// How long a task without health checks has to run before it counts as ready, if none failed before it: enough for a broken one to
/// exit.
const MIN_RUNNING_TIME: Duration = Duration::from_millis(250);

/// A start this far in the future means that the clock was set back.
const CLOCK_SET_BACK: Duration = Duration::from_mins(1);

/// Tasks that may run at the same time on this machine, for all services. It corresponds to AWS's quota "Fargate On-Demand
/// resource count".
const MAX_RUNNING_TASKS: usize = 500;

/// AWS's reason when that many run already (developer guide, "service event messages").
pub(in crate::services::ecs) const AT_LIMIT: &str =
    "You've reached the limit on the number of tasks you can run concurrently";

/// Whether a service has to be reconciled now, and after how long the next one may have to be.
pub(super) fn next_reconciliation(states: &States, now: Timestamp) -> (bool, Option<Duration>) {
    let services: Vec<ServiceReconciliation<'_>> = reconciliations(states, now).collect();
    let next_wake_at = services.iter().filter_map(|service| service.next_wake_at).min();
    (
        services.iter().any(|service| service.changed),
        next_wake_at.map(|next_wake_at| next_wake_at.duration_since(now).unsigned_abs()),
    )
}

/// Updates the rows of every service that has to be reconciled.
pub(super) fn reconcile(states: &mut States, now: Timestamp) {
    let changes: Vec<_> = reconciliations(states, now)
        .filter(|service| service.changed)
        .map(ServiceReconciliation::into_changes)
        .collect();
    for (service, tasks) in changes {
        for task in tasks {
            states.of_mut::<State>().tasks.insert(key(&task.cluster, &task.id), task);
        }
        store_service(states, service, now);
    }
}

fn reconciliations(states: &States, now: Timestamp) -> impl Iterator<Item = ServiceReconciliation<'_>> {
    let services = states.of::<State>().services.values().filter(|service| service.status != ServiceStatus::Inactive);
    let mut free_task_slots = free_task_slots(states);
    services.map(move |service| {
        let mut reconciliation = ServiceReconciliation::new(states, service, now);
        let started = reconciliation.run(free_task_slots);
        free_task_slots = free_task_slots.saturating_sub(started);
        reconciliation
    })
}

/// How many more tasks may run.
pub(in crate::services::ecs) fn free_task_slots(states: &States) -> usize {
    let open = states.of::<State>().tasks.values().filter(|task| task.last_status != TaskStatus::Stopped);
    MAX_RUNNING_TASKS.saturating_sub(open.count())
}

/// A service, its tasks, and the changes to make.
struct ServiceReconciliation<'a> {
    states: &'a States,
    now: Timestamp,
    service: Service,
    tasks: Vec<&'a Task>,
    /// New tasks, and changed ones.
    changed_tasks: Vec<Task>,
    next_wake_at: Option<Timestamp>,
    changed: bool,
}

impl<'a> ServiceReconciliation<'a> {
    fn new(states: &'a States, service: &Service, now: Timestamp) -> Self {
        let tasks = tasks_of(states, service);
        Self {
            states,
            now,
            service: service.clone(),
            tasks,
            changed_tasks: Vec::new(),
            next_wake_at: None,
            changed: false,
        }
    }

    fn into_changes(self) -> (Service, Vec<Task>) {
        (self.service, self.changed_tasks)
    }

    fn add_event(&mut self, text: &str) {
        self.service.add_event(self.now, text);
        self.changed = true;
    }

    /// Records an event, unless it repeats the last one.
    fn add_event_once(&mut self, text: &str) {
        let message = format!("(service {}) {text}", self.service.name);
        if self.service.events.first().is_none_or(|last| last.message != message) {
            self.add_event(text);
        }
    }

    /// Reconciles the service. Starts at most `free_task_slots` tasks, and returns how many it started.
    fn run(&mut self, free_task_slots: usize) -> usize {
        if self.service.deployments.is_empty() {
            return 0;
        }
        self.changed |= failures::apply_circuit_breaker(&mut self.service, self.now);
        self.stop_unhealthy();
        let counts = self.counts();
        let configuration = &self.service.deployment_configuration;
        let TaskChanges { start, stop_primary, stop_old } =
            task_changes(counts, configuration.minimum_healthy_percent, configuration.maximum_percent);
        self.stop(true, stop_primary);
        self.stop(false, stop_old);
        let started = self.start(start, free_task_slots);
        self.finish(counts);
        started
    }

    fn primary(&self) -> &Deployment {
        &self.service.deployments[0]
    }

    fn primary_mut(&mut self) -> &mut Deployment {
        self.changed = true;
        &mut self.service.deployments[0]
    }

    /// The tasks whose desired status is `RUNNING`, of the primary deployment or of all others.
    fn tasks_to_run(&self, primary: bool) -> impl Iterator<Item = &'a Task> {
        let id = self.primary().id.clone();
        let ending: BTreeSet<String> = self.changed_tasks.iter().map(|task| task.id.clone()).collect();
        let to_run = self.tasks.clone().into_iter().filter(|task| task.desired_status == TaskStatus::Running);
        let to_run = to_run.filter(move |task| !ending.contains(&task.id));
        to_run.filter(move |task| (task.started_by.as_ref() == Some(&id)) == primary)
    }

    /// When a task counts as ready: if it has health checks, once they pass, or else after a minimum running time, which is longer
    /// after failures, so that a task that keeps exiting never counts.
    fn ready_at(&self, task: &Task) -> Option<Timestamp> {
        let started = task.started_at.filter(|_| task.last_status == TaskStatus::Running)?;
        if task.is_checked() {
            return (task.health() == HealthStatus::Healthy).then_some(started);
        }
        let deployment =
            self.service.deployments.iter().find(|deployment| task.started_by.as_ref() == Some(&deployment.id));
        let failures = deployment.map_or(0, |deployment| deployment.failed_tasks);
        if started.duration_since(self.now) > CLOCK_SET_BACK.try_into().unwrap_or_default() {
            // Its running time is unknown, and the clock may take long to get there again.
            return Some(self.now);
        }
        started.checked_add(MIN_RUNNING_TIME.saturating_mul(1 << (2 * failures.min(3)))).ok()
    }

    fn is_ready(&self, task: &Task) -> bool {
        self.ready_at(task).is_some_and(|ready| ready <= self.now)
    }

    fn wake_at(&mut self, time: Timestamp) {
        if time > self.now {
            self.next_wake_at = Some(self.next_wake_at.map_or(time, |next_wake_at| next_wake_at.min(time)));
        }
    }

    fn counts(&mut self) -> TaskCounts {
        let mut counts = TaskCounts { desired: self.primary().desired_count.into(), ..TaskCounts::default() };
        for primary in [true, false] {
            let tasks: Vec<&Task> = self.tasks_to_run(primary).collect();
            for task in tasks {
                let ready = self.is_ready(task);
                if let Some(time) = self.ready_at(task) {
                    self.wake_at(time);
                }
                let runs = task.last_status == TaskStatus::Running;
                *match (primary, ready) {
                    (true, true) => &mut counts.primary_ready,
                    (true, false) => &mut counts.primary_starting,
                    (false, true) => &mut counts.old_ready,
                    (false, false) if runs => &mut counts.old_starting,
                    (false, false) => &mut counts.old_pending,
                } += 1;
            }
        }
        counts
    }

    /// Records that the rollout is complete, that the service is steady, or that a deleted service has no tasks left.
    fn finish(&mut self, counts: TaskCounts) {
        let primary = self.primary().id.clone();
        let ended = |task: &&&Task| task.last_status == TaskStatus::Stopped;
        if self.service.status == ServiceStatus::Draining {
            if self.tasks.iter().filter(ended).count() == self.tasks.len() && self.changed_tasks.is_empty() {
                self.service.status = ServiceStatus::Inactive;
                self.service.inactive_at = Some(self.now);
                self.service.deployments.clear();
                self.changed = true;
            }
            return;
        }
        let others = self.tasks.iter().filter(|task| task.started_by.as_ref() != Some(&primary));
        let is_alone = others.clone().filter(ended).count() == others.count();
        let running = self.tasks.iter().filter(|task| task.last_status == TaskStatus::Running).count();
        let all_ready = counts.primary_ready == counts.desired && counts.primary_starting == 0;
        if !all_ready || !is_alone || running as u64 != counts.desired {
            return;
        }
        if self.primary().rollout_state == RolloutState::InProgress || self.service.deployments.len() > 1 {
            self.complete(&primary);
        }
        if !self.service.steady {
            self.service.steady = true;
            self.add_event("has reached a steady state.");
        }
    }

    fn complete(&mut self, id: &str) {
        let now = self.now;
        self.service.deployments.truncate(1);
        let primary = self.primary_mut();
        if primary.rollout_state == RolloutState::InProgress {
            primary.rollout_state = RolloutState::Completed;
            primary.rollout_state_reason = format!("ECS deployment {id} completed.");
            primary.failed_tasks = 0;
            primary.retry_at = None;
            primary.updated_at = now;
            self.add_event(&format!("(deployment {id}) deployment completed."));
        }
    }
}
