//! The status of the sandbox: its configuration and, on request, what runs in it and which resources that uses.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Sandbox;
use crate::cloudformation;
use crate::process::{ProcessUsage, resident_bytes};
use crate::services::ecs;
use crate::services::ecs::TaskProcesses;
use crate::services::ecs::{ServiceStatus, TaskStatus};
use crate::services::logs::quota;
use crate::session_channel::Sessions;
use crate::store::States;

#[derive(Deserialize)]
pub(super) struct StatusInput {
    /// Whether to include what runs, which needs a scan of all processes.
    #[serde(default)]
    detail: bool,
}

pub(super) fn run(sandbox: &Arc<Sandbox>, StatusInput { detail }: StatusInput) -> Value {
    let mut status = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "startedAt": sandbox.started_at.to_string(),
        "account": sandbox.config.account,
        "region": sandbox.config.region,
        "stateDir": sandbox.config.state_dir,
        "speed": sandbox.config.speed,
        "hostExec": sandbox.config.host_exec,
    });
    if detail {
        let processes = sandbox.in_memory::<TaskProcesses>().process_usage();
        status["memoryBytes"] = resident_bytes(std::process::id()).into();
        status["diskBytes"] = sandbox.store.database().bytes().into();
        status["maxLogBytes"] = quota::MAX_BYTES.into();
        let sessions = sandbox.in_memory::<Sessions>().list().into_iter().filter(|session| session.ended.is_none());
        status["sessions"] = sessions
            .map(|session| json!({ "id": session.id, "target": session.target, "since": session.started }))
            .collect();
        sandbox.store.read(|states| {
            status["logBytes"] = quota::stored_bytes(states).into();
            status["stacks"] = stacks(states);
            status["services"] = services(states);
            let tasks =
                states.of::<ecs::State>().tasks.iter().filter(|(_, task)| task.last_status != TaskStatus::Stopped);
            status["tasks"] = tasks
                .map(|(key, task)| {
                    let ProcessUsage { pids, resident_bytes } = processes.get(key).cloned().unwrap_or_default();
                    json!({
                        "cluster": task.cluster, "id": task.id, "group": task.group, "lastStatus": task.last_status,
                        "startedAt": task.started_at, "processes": pids, "memoryBytes": resident_bytes,
                    })
                })
                .collect();
        });
    }
    status
}

fn stacks(states: &States) -> Value {
    let stacks = states.of::<cloudformation::State>().stacks.values().filter(|stack| !stack.is_deleted());
    stacks.map(|stack| json!({ "name": stack.name, "status": stack.status })).collect()
}

fn services(states: &States) -> Value {
    let services =
        states.of::<ecs::State>().services.values().filter(|service| service.status == ServiceStatus::Active);
    let outputs = services.map(|service| {
        let own = states.of::<ecs::State>().tasks.values().filter(|task| {
            task.cluster == service.cluster && task.service.as_ref() == Some(&service.name)
        });
        let running = own.filter(|task| task.last_status == TaskStatus::Running).count();
        json!({ "cluster": service.cluster, "name": service.name, "desired": service.desired_count, "running": running })
    });
    outputs.collect()
}
