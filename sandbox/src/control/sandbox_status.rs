//! The status of the sandbox: its configuration and, on request, what runs in it and which resources that uses.

use std::sync::Arc;

use serde_json::{Value, json};

use super::messages::{ServiceSummary, SessionSummary, StackSummary, Status, StatusRequest, TaskSummary, Usage};
use crate::Sandbox;
use crate::cloudformation;
use crate::process::{ProcessUsage, resident_bytes};
use crate::services::ecs::{self, ServiceStatus, TaskProcesses, TaskStatus};
use crate::services::logs::storage_quota;
use crate::session_channel::Sessions;
use crate::store::States;

pub(super) fn run(sandbox: &Arc<Sandbox>, StatusRequest { detail }: StatusRequest) -> Value {
    let config = &sandbox.config;
    json!(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started_at: sandbox.started_at,
        account: config.account.clone(),
        region: config.region.clone(),
        state_dir: config.state_dir.clone(),
        speed: config.speed,
        host_exec: config.host_exec,
        usage: detail.then(|| usage(sandbox)),
    })
}

fn usage(sandbox: &Arc<Sandbox>) -> Usage {
    sandbox.store.read(|states| Usage {
        memory_bytes: resident_bytes(std::process::id()),
        disk_bytes: sandbox.store.database().bytes(),
        log_bytes: storage_quota::stored_bytes(states),
        max_log_bytes: storage_quota::MAX_BYTES,
        stacks: stacks(states),
        services: services(states),
        tasks: tasks(sandbox, states),
        sessions: sessions(sandbox),
    })
}

fn stacks(states: &States) -> Vec<StackSummary> {
    let stacks = states.of::<cloudformation::State>().stacks.values().filter(|stack| !stack.is_deleted());
    stacks.map(|stack| StackSummary { name: stack.name.clone(), status: stack.status.to_string() }).collect()
}

fn services(states: &States) -> Vec<ServiceSummary> {
    let ecs::State { services, tasks, .. } = states.of();
    let active = services.values().filter(|service| service.status == ServiceStatus::Active);
    let summary = |service: &ecs::Service| {
        let is_running = |task: &&ecs::Task| {
            task.cluster == service.cluster
                && task.service.as_ref() == Some(&service.name)
                && task.last_status == TaskStatus::Running
        };
        ServiceSummary {
            cluster: service.cluster.clone(),
            name: service.name.clone(),
            desired: service.desired_count,
            running: u32::try_from(tasks.values().filter(is_running).count()).unwrap_or(u32::MAX),
        }
    };
    active.map(summary).collect()
}

fn tasks(sandbox: &Arc<Sandbox>, states: &States) -> Vec<TaskSummary> {
    let processes = sandbox.in_memory::<TaskProcesses>().process_usage();
    let tasks = states.of::<ecs::State>().tasks.iter().filter(|(_, task)| task.last_status != TaskStatus::Stopped);
    let summary = |(key, task): (&str, &ecs::Task)| {
        let ProcessUsage { pids, resident_bytes } = processes.get(key).cloned().unwrap_or_default();
        TaskSummary {
            cluster: task.cluster.clone(),
            id: task.id.clone(),
            group: task.group.clone(),
            last_status: task.last_status.to_string(),
            started_at: task.started_at,
            processes: pids,
            memory_bytes: resident_bytes,
        }
    };
    tasks.map(summary).collect()
}

fn sessions(sandbox: &Arc<Sandbox>) -> Vec<SessionSummary> {
    let open = sandbox.in_memory::<Sessions>().list().into_iter().filter(|session| session.ended.is_none());
    open.map(|session| SessionSummary { id: session.id, target: session.target, since: session.started }).collect()
}
