//! Tasks and their containers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Tag, TaskDefinition};
use crate::sandbox::world::ids;

/// Where a task is in its life, as far as the sandbox passes through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskStatus {
    /// It is recorded.
    Provisioning,
    /// Its containers are being started.
    Pending,
    /// They run, and it is being registered for discovery.
    Activating,
    /// It does its work.
    Running,
    /// It is being deregistered.
    Deactivating,
    /// Its containers are being ended.
    Stopping,
    /// What was made for it is taken away.
    Deprovisioning,
    /// Nothing of it is left.
    Stopped,
}

/// Why a task stopped, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopCode {
    /// It never ran.
    TaskFailedToStart,
    /// A container that it cannot be without ended.
    EssentialContainerExited,
    /// StopTask.
    UserInitiated,
    /// The service scheduler.
    ServiceSchedulerInitiated,
    /// The sandbox ended.
    InfrastructureHealth,
}

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// Thirty-two hexadecimal digits.
    pub id: String,
    /// The name of its cluster.
    pub cluster: String,
    /// The service that it belongs to.
    pub service: Option<String>,
    /// `family:revision`.
    pub task_definition: String,
    /// `service:NAME` or `family:NAME`.
    pub group: String,
    /// The deployment's id, or what RunTask said.
    pub started_by: Option<String>,
    /// Where it is.
    pub last_status: TaskStatus,
    /// Where it should be: `Running` or `Stopped`.
    pub desired_status: TaskStatus,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When its containers ran.
    pub started_at: Option<Timestamp>,
    /// When its end began.
    pub stopping_at: Option<Timestamp>,
    /// When its end was over.
    pub stopped_at: Option<Timestamp>,
    /// Why, for people.
    pub stopped_reason: Option<String>,
    /// Why, for programs.
    pub stop_code: Option<StopCode>,
    /// Its containers.
    pub containers: Vec<Container>,
    /// The subnet that it is to be put in.
    pub subnet_id: Option<String>,
    /// Its place in the network, once it has one.
    pub network: Option<NetworkInterface>,
    /// The zone that it says it runs in.
    pub zone: String,
    /// `FARGATE`, `EC2`.
    pub launch_type: String,
    /// What RunTask overrode, as it was given.
    pub overrides: Option<Value>,
    /// Whether ECS Exec is on.
    pub enable_execute_command: bool,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Counts its changes.
    pub version: u32,
}

/// A container of a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Container {
    /// The last part of its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// `PENDING`, `RUNNING` or `STOPPED`.
    pub last_status: TaskStatus,
    /// How its process ended.
    pub exit_code: Option<i32>,
    /// Why it did not start.
    pub reason: Option<String>,
    /// The task's id and a number, as on Fargate.
    pub runtime_id: Option<String>,
    /// The port in its definition and the real one on this machine.
    pub ports: Option<(u16, u16)>,
    /// CPU units of its definition.
    pub cpu: u32,
    /// MiB of its definition.
    pub memory: Option<u32>,
}

/// An elastic network interface, as far as it shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// The attachment's id, a UUID.
    pub attachment_id: String,
    /// `eni-…`.
    pub id: String,
    /// The subnet that it is in.
    pub subnet_id: String,
    /// Its address in the subnet.
    pub private_ip: String,
    /// Its MAC address.
    pub mac: String,
}

impl Task {
    /// A task that nothing is done for yet.
    pub fn new(cluster: String, definition: &TaskDefinition, now: Timestamp) -> Self {
        let containers = definition.containers().into_iter().map(|container| Container {
            id: ids::uuid(),
            name: container.name,
            image: container.image,
            last_status: TaskStatus::Pending,
            exit_code: None,
            reason: None,
            runtime_id: None,
            ports: None,
            cpu: container.cpu,
            memory: container.memory,
        });
        Self {
            id: ids::hex(32),
            cluster,
            service: None,
            task_definition: definition.name(),
            group: format!("family:{}", definition.family),
            started_by: None,
            last_status: TaskStatus::Provisioning,
            desired_status: TaskStatus::Running,
            created_at: now,
            started_at: None,
            stopping_at: None,
            stopped_at: None,
            stopped_reason: None,
            stop_code: None,
            containers: containers.collect(),
            subnet_id: None,
            network: None,
            zone: String::new(),
            launch_type: "EC2".to_owned(),
            overrides: None,
            enable_execute_command: false,
            tags: Vec::new(),
            version: 1,
        }
    }

    /// Records that the task is to end; a first reason stays.
    pub fn ask_to_stop(&mut self, code: StopCode, reason: String, now: Timestamp) {
        if self.desired_status == TaskStatus::Stopped {
            return;
        }
        self.desired_status = TaskStatus::Stopped;
        self.stop_code = Some(code);
        self.stopped_reason = Some(reason);
        self.stopping_at = Some(now);
        self.version += 1;
    }
}

impl NetworkInterface {
    /// As EC2 names addresses: `ip-10-0-0-7.ec2.internal`.
    pub fn private_dns_name(&self) -> String {
        format!("ip-{}.ec2.internal", self.private_ip.replace('.', "-"))
    }
}
