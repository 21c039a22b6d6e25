//! `ecsws sandbox status`: what runs in the sandbox, and what it uses of this machine.

use std::path::PathBuf;

use ecsws_sandbox::lifecycle::Endpoint;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::context::Context;
use crate::error::CliError;
use crate::render::{self, SandboxSession, SandboxStack, SandboxStatus, SandboxTask, SandboxTasks};

/// The response of the control call.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusResponse {
    state_dir: PathBuf,
    memory_bytes: u64,
    disk_bytes: u64,
    log_bytes: u64,
    max_log_bytes: u64,
    stacks: Vec<SandboxStack>,
    services: Vec<SandboxTasks>,
    tasks: Vec<Task>,
    sessions: Vec<SandboxSession>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    cluster: String,
    id: String,
    group: String,
    last_status: String,
    started_at: Option<Timestamp>,
    processes: Vec<i32>,
    memory_bytes: u64,
}

/// Reads and prints the status.
pub(super) async fn show(endpoint: &Endpoint, ctx: &mut Context) -> Result<(), CliError> {
    let now = Context::now();
    let answer: Value = endpoint.call("Status", &json!({ "detail": true }), now).await?;
    let report: StatusResponse = serde_json::from_value(answer)
        .map_err(|error| CliError::failed(format!("the sandbox is of another version: {error}")).source(error))?;
    let Endpoint { url, account, region, pid, started_at, version, .. } = endpoint.clone();
    let tasks = report.tasks.into_iter().map(|task| {
        let Task { cluster, id, group, last_status, started_at, processes, memory_bytes } = task;
        SandboxTask { cluster, id, group, status: last_status, started_at, processes, memory_bytes }
    });
    let status = SandboxStatus {
        running: true,
        url,
        account,
        region,
        pid,
        started_at,
        version,
        memory_bytes: report.memory_bytes,
        disk_bytes: report.disk_bytes,
        log_bytes: report.log_bytes,
        max_log_bytes: report.max_log_bytes,
        state_dir: report.state_dir,
        stacks: report.stacks,
        services: report.services,
        tasks: tasks.collect(),
        sessions: report.sessions,
    };
    Ok(render::sandbox_status(&mut ctx.ui, &status, now)?)
}
