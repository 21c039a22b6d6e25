//! Starting and stopping a service's tasks.

use serde_json::json;

use super::{AT_LIMIT, ServiceReconciliation};
use crate::base::ids;
use crate::base::tags::Tag;
use crate::services::ecs::lookups::task_definition;
use crate::services::ecs::model::{HealthStatus, RolloutState, ServiceStatus, StopCode, Task, TaskStatus};
use crate::services::ecs::{capacity_providers, task_placement};

/// The reason of tasks that are stopped because of their health.
const UNHEALTHY: &str = "Task failed container health checks";

/// Tasks of a service that start at the same time. More would only wait for their permits, and their rows would slow down every
/// reconciliation.
const MAX_STARTING: u64 = 64;

/// The event when a task would need a container instance (developer guide, "service event messages").
const NO_INSTANCES: &str = "was unable to place a task because no container instance met all of its requirements. Reason: No \
 Container Instances were found in your cluster. For more information, see the Troubleshooting section of the Amazon ECS \
 Developer Guide.";

impl ServiceReconciliation<'_> {
    /// Stops the tasks of all deployments whose health checks fail.
    pub(super) fn stop_unhealthy(&mut self) {
        let fails = |task: &Task| task.health() == HealthStatus::Unhealthy && task.last_status == TaskStatus::Running;
        let unhealthy: Vec<&Task> = [true, false].into_iter().flat_map(|primary| self.tasks_to_run(primary)).collect();
        for task in unhealthy.into_iter().filter(|task| fails(task)) {
            let mut task = task.clone();
            task.request_stop(StopCode::ServiceSchedulerInitiated, UNHEALTHY.to_owned(), self.now);
            self.add_event(&format!("(task {}) failed container health checks.", task.id));
            self.add_event(&format!("has stopped 1 running tasks: (task {}).", task.id));
            self.service.steady = false;
            self.changed_tasks.push(task);
        }
    }

    /// Starts up to `count` tasks, within `free_task_slots` and the limit of tasks that start at the same time. Returns how many.
    pub(super) fn start(&mut self, count: u64, free_task_slots: usize) -> usize {
        let Some(definition) = task_definition(self.states, &self.primary().task_definition) else { return 0 };
        if count == 0 || self.primary().rollout_state == RolloutState::Failed {
            return 0;
        }
        if let Some(retry_at) = self.primary().retry_at.filter(|time| *time > self.now) {
            self.wake_at(retry_at);
            return 0;
        }
        if self.service.needs_instances() {
            self.add_event_once(NO_INSTANCES);
            return 0;
        }
        let starting = self.tasks_to_run(true).filter(|task| task.last_status < TaskStatus::Running).count();
        let count = count.min(MAX_STARTING.saturating_sub(starting as u64));
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > free_task_slots {
            self.add_event_once(&format!(
                "was unable to place a task. Reason: {AT_LIMIT}. For more information, see the Troubleshooting section."
            ));
        }
        let count = count.min(free_task_slots);
        if count == 0 {
            return 0;
        }
        let member = |name: &str| self.service.content.get(name);
        // After the clock was set back, the tasks must not appear to belong to an earlier service of this name.
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
            let managed_tags =
                [("aws:ecs:clusterName", &self.service.cluster), ("aws:ecs:serviceName", &self.service.name)];
            template.tags.extend(managed_tags.map(|(key, value)| Tag { key: key.to_owned(), value: value.clone() }));
        }
        let before = self.tasks_to_run(true).count();
        let network = self.primary().network_configuration.as_ref();
        let has = |provider: &str| {
            self.tasks_to_run(true).filter(|task| task.capacity_provider.as_deref() == Some(provider)).count()
        };
        let providers = capacity_providers::choose(member("capacityProviderStrategy"), has, count);
        let tasks: Vec<Task> = providers
            .into_iter()
            .enumerate()
            .map(|(index, capacity_provider)| Task {
                id: ids::hex(32),
                subnet_id: task_placement::subnet(network, before + index),
                capacity_provider,
                ..template.clone()
            })
            .collect();
        let names: Vec<String> = tasks.iter().map(|task| format!("(task {})", task.id)).collect();
        self.changed_tasks.extend(tasks);
        self.add_event(&format!("has started {count} tasks: {}.", names.join(" ")));
        self.service.steady = false;
        count
    }

    /// Stops up to `count` unprotected tasks of the primary deployment or of all others.
    pub(super) fn stop(&mut self, primary: bool, count: u64) {
        if count == 0 {
            return;
        }
        let mut tasks: Vec<&Task> = self.tasks_to_run(primary).collect();
        // First tasks that are not ready, then the newest if there are too many, or the oldest of replaced deployments.
        tasks.sort_by_key(|task| task.created_at);
        if primary {
            tasks.reverse();
        }
        tasks.sort_by_key(|task| (self.is_ready(task), task.last_status == TaskStatus::Running));
        // Protection applies to scaling in and deployments, not to the deletion of the service.
        let ends = self.service.status != ServiceStatus::Active;
        tasks.retain(|task| ends || task.protected_until.is_none_or(|until| until <= self.now));
        if tasks.is_empty() {
            return;
        }
        let reason = format!("Scaling activity initiated by (deployment {})", self.primary().id);
        let mut names = Vec::new();
        for task in tasks.into_iter().take(usize::try_from(count).unwrap_or(usize::MAX)) {
            let mut task = task.clone();
            task.request_stop(StopCode::ServiceSchedulerInitiated, reason.clone(), self.now);
            names.push(format!("(task {})", task.id));
            self.changed_tasks.push(task);
        }
        self.add_event(&format!("has stopped {} running tasks: {}.", names.len(), names.join(" ")));
    }
}
