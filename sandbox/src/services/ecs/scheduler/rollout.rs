//! One service at one moment: which tasks to start and stop, how far its deployments are, and what is said about it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::super::model::{Deployment, HealthStatus, RolloutState, Service, ServiceStatus, StopCode, Task, TaskStatus};
use super::super::names::{keep_service, key, task_definition};
use super::super::{capacity, network, tasks_of};
use super::failures;
use super::plan::{Counts, Moves, moves};
use crate::base::ids;
use crate::base::tags::Tag;
use crate::services::ecs::State;
use crate::store::World;

/// How long a task has to run before it counts, when none failed before it: enough for a broken one to exit.
const SETTLE: Duration = Duration::from_millis(250);

/// A task that started so long after now did so before the clock went back.
const CLOCK_WENT_BACK: Duration = Duration::from_mins(1);
/// The reason of tasks that are stopped because of their health.
const UNHEALTHY: &str = "Task failed container health checks";

/// Tasks of a service that start at the same time. More would only wait for their permits, and their rows would make
/// every look at the service slow.
const MAX_STARTING: u64 = 64;

/// Tasks that may run at the same time on this machine, all services together. AWS has such a quota too: "Fargate On-Demand
/// resource count".
const MAX_RUNNING_TASKS: usize = 500;

/// The reason of AWS when that many run already (developer guide, "service event messages").
pub(in super::super) const AT_LIMIT: &str = "You've reached the limit on the number of tasks you can run concurrently";

/// What is said when a task would need a container instance (developer guide, "service event messages").
const NO_INSTANCES: &str = "was unable to place a task because no container instance met all of its requirements. Reason: No \
 Container Instances were found in your cluster. For more information, see the Troubleshooting section of the Amazon ECS \
 Developer Guide.";

/// Whether any service is not as its row says it should be, and after how long that will be looked at again.
pub(super) fn due(world: &World, now: Timestamp) -> (bool, Option<Duration>) {
    let moments: Vec<Moment<'_>> = moments(world, now).collect();
    let wake = moments.iter().filter_map(|moment| moment.wake).min();
    (moments.iter().any(|moment| moment.changed), wake.map(|wake| wake.duration_since(now).unsigned_abs()))
}

/// Makes every service's rows as they should be.
pub(super) fn reconcile(world: &mut World, now: Timestamp) {
    let changes: Vec<_> = moments(world, now).filter(|moment| moment.changed).map(Moment::into_changes).collect();
    for (service, tasks) in changes {
        for task in tasks {
            world.of_mut::<State>().tasks.insert(key(&task.cluster, &task.id), task);
        }
        keep_service(world, service, now);
    }
}

fn moments(world: &World, now: Timestamp) -> impl Iterator<Item = Moment<'_>> {
    let services = world.of::<State>().services.values().filter(|service| service.status != ServiceStatus::Inactive);
    let mut room = room(world);
    services.map(move |service| {
        let mut moment = Moment::new(world, service, now);
        let started = moment.decide(room);
        room = room.saturating_sub(started);
        moment
    })
}

/// How many more tasks may run.
pub(in super::super) fn room(world: &World) -> usize {
    let open = world.of::<State>().tasks.values().filter(|task| task.last_status != TaskStatus::Stopped);
    MAX_RUNNING_TASKS.saturating_sub(open.count())
}

/// A service at a moment, and what is to change about it.
struct Moment<'a> {
    world: &'a World,
    now: Timestamp,
    service: Service,
    tasks: Vec<&'a Task>,
    new_tasks: Vec<Task>,
    wake: Option<Timestamp>,
    changed: bool,
}

impl<'a> Moment<'a> {
    fn new(world: &'a World, service: &Service, now: Timestamp) -> Self {
        let tasks = tasks_of(world, service);
        Self { world, now, service: service.clone(), tasks, new_tasks: Vec::new(), wake: None, changed: false }
    }

    fn into_changes(self) -> (Service, Vec<Task>) {
        (self.service, self.new_tasks)
    }

    fn say(&mut self, what: &str) {
        self.service.say(self.now, what);
        self.changed = true;
    }

    /// Records an event, unless it is the last one already.
    fn say_once(&mut self, what: &str) {
        let message = format!("(service {}) {what}", self.service.name);
        if self.service.events.first().is_none_or(|last| last.message != message) {
            self.say(what);
        }
    }

    /// Decides what is to be done; starts at most `room` tasks, and gives how many those are.
    fn decide(&mut self, room: usize) -> usize {
        if self.service.deployments.is_empty() {
            return 0;
        }
        self.changed |= failures::break_circuit(&mut self.service, self.now);
        self.stop_unhealthy();
        let counts = self.counts();
        let configuration = &self.service.deployment_configuration;
        let Moves { start, stop_primary, stop_old } =
            moves(counts, configuration.minimum_healthy_percent, configuration.maximum_percent);
        self.stop(true, stop_primary);
        self.stop(false, stop_old);
        let started = self.start(start, room);
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

    /// Tasks whose health checks fail are replaced, those of every deployment.
    fn stop_unhealthy(&mut self) {
        let fails = |task: &Task| task.health() == HealthStatus::Unhealthy && task.last_status == TaskStatus::Running;
        let unhealthy: Vec<&Task> = [true, false].into_iter().flat_map(|primary| self.wanted(primary)).collect();
        for task in unhealthy.into_iter().filter(|task| fails(task)) {
            let mut task = task.clone();
            task.ask_to_stop(StopCode::ServiceSchedulerInitiated, UNHEALTHY.to_owned(), self.now);
            self.say(&format!("(task {}) failed container health checks.", task.id));
            self.say(&format!("has stopped 1 running tasks: (task {}).", task.id));
            self.service.steady = false;
            self.new_tasks.push(task);
        }
    }

    /// Tasks that are to run, of the primary deployment or of all others.
    fn wanted(&self, primary: bool) -> impl Iterator<Item = &'a Task> {
        let id = self.primary().id.clone();
        let ending: BTreeSet<String> = self.new_tasks.iter().map(|task| task.id.clone()).collect();
        let to_run = self.tasks.clone().into_iter().filter(|task| task.desired_status == TaskStatus::Running);
        let to_run = to_run.filter(move |task| !ending.contains(&task.id));
        to_run.filter(move |task| (task.started_by.as_ref() == Some(&id)) == primary)
    }

    /// Since when a task counts as ready: when its health checks pass, or else when it has run for a moment, which is longer
    /// after failures, so that one that exits again and again never counts.
    fn ready_at(&self, task: &Task) -> Option<Timestamp> {
        let started = task.started_at.filter(|_| task.last_status == TaskStatus::Running)?;
        if task.is_checked() {
            return (task.health() == HealthStatus::Healthy).then_some(started);
        }
        let deployment = self.service.deployments.iter().find(|one| task.started_by.as_ref() == Some(&one.id));
        let failures = deployment.map_or(0, |deployment| deployment.failed_tasks);
        if started.duration_since(self.now) > CLOCK_WENT_BACK.try_into().unwrap_or_default() {
            // How long it has run is not known, and it may be long until the clock gets there again.
            return Some(self.now);
        }
        started.checked_add(SETTLE.saturating_mul(1 << (2 * failures.min(3)))).ok()
    }

    fn is_ready(&self, task: &Task) -> bool {
        self.ready_at(task).is_some_and(|ready| ready <= self.now)
    }

    fn wake_at(&mut self, time: Timestamp) {
        if time > self.now {
            self.wake = Some(self.wake.map_or(time, |wake| wake.min(time)));
        }
    }

    fn counts(&mut self) -> Counts {
        let mut counts = Counts { desired: self.primary().desired_count.into(), ..Counts::default() };
        for primary in [true, false] {
            let tasks: Vec<&Task> = self.wanted(primary).collect();
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

    /// Starts up to `count` tasks, as many as may start at once and as there is `room` for; gives how many.
    fn start(&mut self, count: u64, room: usize) -> usize {
        let Some(definition) = task_definition(self.world, &self.primary().task_definition) else { return 0 };
        if count == 0 || self.primary().rollout_state == RolloutState::Failed {
            return 0;
        }
        if let Some(retry_at) = self.primary().retry_at.filter(|time| *time > self.now) {
            self.wake_at(retry_at);
            return 0;
        }
        if self.service.needs_instances() {
            self.say_once(NO_INSTANCES);
            return 0;
        }
        let starting = self.wanted(true).filter(|task| task.last_status < TaskStatus::Running).count();
        let count = count.min(MAX_STARTING.saturating_sub(starting as u64));
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > room {
            self.say_once(&format!(
                "was unable to place a task. Reason: {AT_LIMIT}. For more information, see the Troubleshooting section."
            ));
        }
        let count = count.min(room);
        if count == 0 {
            return 0;
        }
        let member = |name: &str| self.service.content.get(name);
        // A clock that went back must not make tasks that seem to be of an earlier service of this name.
        let created_at = self.now.max(self.service.created_at);
        let mut template = Task::new(self.service.cluster.clone(), definition, created_at);
        template.service = Some(self.service.name.clone());
        template.group = format!("service:{}", self.service.name);
        template.started_by = Some(self.primary().id.clone());
        template.enable_execute_command = member("enableExecuteCommand") == Some(&json!(true));
        template.tags = match self.service.text("propagateTags") {
            Some("SERVICE") => self.service.tags.clone(),
            Some("TASK_DEFINITION") => definition.tags.clone(),
            _ => Vec::new(),
        };
        if member("enableECSManagedTags") == Some(&json!(true)) {
            let own = [("aws:ecs:clusterName", &self.service.cluster), ("aws:ecs:serviceName", &self.service.name)];
            template.tags.extend(own.map(|(key, value)| Tag { key: key.to_owned(), value: value.clone() }));
        }
        let before = self.wanted(true).count();
        let place = self.primary().network_configuration.as_ref();
        let has = |provider: &str| {
            self.wanted(true).filter(|task| task.capacity_provider.as_deref() == Some(provider)).count()
        };
        let providers = capacity::choose(member("capacityProviderStrategy"), has, count);
        let tasks: Vec<Task> = providers
            .into_iter()
            .enumerate()
            .map(|(turn, capacity_provider)| Task {
                id: ids::hex(32),
                subnet_id: network::subnet(place, before + turn),
                capacity_provider,
                ..template.clone()
            })
            .collect();
        let names: Vec<String> = tasks.iter().map(|task| format!("(task {})", task.id)).collect();
        self.new_tasks.extend(tasks);
        self.say(&format!("has started {count} tasks: {}.", names.join(" ")));
        self.service.steady = false;
        count
    }

    fn stop(&mut self, primary: bool, count: u64) {
        if count == 0 {
            return;
        }
        let mut tasks: Vec<&Task> = self.wanted(primary).collect();
        // First those that do not count yet, then the newest of what is too much, or the oldest of what is replaced.
        tasks.sort_by_key(|task| task.created_at);
        if primary {
            tasks.reverse();
        }
        tasks.sort_by_key(|task| (self.is_ready(task), task.last_status == TaskStatus::Running));
        // Protection is from scaling in and from deployments, not from the end of the service.
        let ends = self.service.status != ServiceStatus::Active;
        tasks.retain(|task| ends || task.protected_until.is_none_or(|until| until <= self.now));
        if tasks.is_empty() {
            return;
        }
        let reason = format!("Scaling activity initiated by (deployment {})", self.primary().id);
        let mut names = Vec::new();
        for task in tasks.into_iter().take(usize::try_from(count).unwrap_or(usize::MAX)) {
            let mut task = task.clone();
            task.ask_to_stop(StopCode::ServiceSchedulerInitiated, reason.clone(), self.now);
            names.push(format!("(task {})", task.id));
            self.new_tasks.push(task);
        }
        self.say(&format!("has stopped {} running tasks: {}.", names.len(), names.join(" ")));
    }

    /// Records that the rollout is over, that the service is steady, or that nothing of it is left.
    fn finish(&mut self, counts: Counts) {
        let primary = self.primary().id.clone();
        let ended = |task: &&&Task| task.last_status == TaskStatus::Stopped;
        if self.service.status == ServiceStatus::Draining {
            if self.tasks.iter().filter(ended).count() == self.tasks.len() && self.new_tasks.is_empty() {
                self.service.status = ServiceStatus::Inactive;
                self.service.inactive_at = Some(self.now);
                self.service.deployments.clear();
                self.changed = true;
            }
            return;
        }
        let others = self.tasks.iter().filter(|task| task.started_by.as_ref() != Some(&primary));
        let alone = others.clone().filter(ended).count() == others.count();
        let running = self.tasks.iter().filter(|task| task.last_status == TaskStatus::Running).count();
        let all_ready = counts.primary_ready == counts.desired && counts.primary_starting == 0;
        if !all_ready || !alone || running as u64 != counts.desired {
            return;
        }
        if self.primary().rollout_state == RolloutState::InProgress || self.service.deployments.len() > 1 {
            self.complete(&primary);
        }
        if !self.service.steady {
            self.service.steady = true;
            self.say("has reached a steady state.");
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
            self.say(&format!("(deployment {id}) deployment completed."));
        }
    }
}
