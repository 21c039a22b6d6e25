//! ECS tasks, their containers and log destinations.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A task as DescribeTasks returns it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Task {
    /// The task's id: the last part of its ARN.
    pub id: String,
    pub last_status: String,
    /// `HEALTHY`, `UNHEALTHY` or `UNKNOWN`.
    pub health: String,
    /// The task definition's family and revision.
    pub task_definition: String,
    /// When its containers started.
    #[serde(serialize_with = "super::json_time::serialize_optional_time")]
    pub started: Option<Timestamp>,
    /// When it stopped or started stopping.
    #[serde(serialize_with = "super::json_time::serialize_optional_time")]
    pub stopped: Option<Timestamp>,
    /// The address of its network interface.
    pub private_ip: Option<String>,
    pub stopped_reason: Option<String>,
    pub containers: Vec<Container>,
}

/// A container of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Container {
    pub name: String,
    pub last_status: String,
    /// The exit code; `None` before the container has exited.
    pub exit_code: Option<i32>,
    /// Why it exited or did not start.
    pub reason: Option<String>,
}

/// Where the `awslogs` driver writes a container's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogDestination {
    pub container: String,
    /// `awslogs-group`.
    pub group: String,
    /// `awslogs-stream-prefix`.
    pub prefix: String,
}

impl LogDestination {
    /// The stream of the container in one task.
    pub fn stream(&self, task: &str) -> String {
        format!("{}/{}/{task}", self.prefix, self.container)
    }
}

impl Task {
    /// The container that stopped the task: the first with a non-zero exit code, or else the first that exited.
    pub fn failed_container(&self) -> Option<&Container> {
        let failed = self.containers.iter().find(|container| container.exit_code.is_some_and(|code| code != 0));
        failed.or_else(|| self.containers.iter().find(|container| container.exit_code.is_some()))
    }

    /// Whether ECS stopped it because the service scales in or moves to another deployment.
    pub(crate) fn was_stopped_on_purpose(&self) -> bool {
        self.stopped_reason.as_deref().is_some_and(|reason| reason.starts_with("Scaling activity initiated by"))
    }

    /// Why the task stopped: ECS's reason, and the exit code and reason of each container.
    pub fn stop_cause(&self) -> String {
        let mut cause = self.stopped_reason.clone().unwrap_or_else(|| "ECS reported no reason".to_owned());
        for container in &self.containers {
            let code = container.exit_code.map(|code| format!("exit code {code}"));
            let parts: Vec<String> = code.into_iter().chain(container.reason.clone()).collect();
            if !parts.is_empty() {
                cause.extend(["; container ", &container.name, ": ", &parts.join(", ")]);
            }
        }
        cause
    }
}
