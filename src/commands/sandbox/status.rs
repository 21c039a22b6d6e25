//! `ecsws sandbox status`: what runs in the sandbox, and what it uses of this machine.

use ecsws_sandbox::lifecycle::Endpoint;
use ecsws_sandbox::messages::{ServiceSummary, SessionSummary, StackSummary, TaskSummary, Usage};

use crate::context::Context;
use crate::error::CliError;
use crate::render::{self, SandboxSession, SandboxStack, SandboxStatus, SandboxTask, SandboxTasks};

/// Reads and prints the status.
pub(super) async fn show(endpoint: &Endpoint, ctx: &mut Context) -> Result<(), CliError> {
    let now = Context::now();
    let status = endpoint.status_with_usage(now).await?;
    let Some(usage) = status.usage else {
        return Err(CliError::failed("the running sandbox is of another version, which does not report what it uses"));
    };
    let Usage { memory_bytes, disk_bytes, log_bytes, max_log_bytes, stacks, services, tasks, sessions } = usage;
    let status = SandboxStatus {
        running: true,
        url: endpoint.url.clone(),
        account: status.account,
        region: status.region,
        pid: status.pid,
        started_at: status.started_at,
        version: status.version,
        memory_bytes,
        disk_bytes,
        log_bytes,
        max_log_bytes,
        state_dir: status.state_dir,
        stacks: stacks.into_iter().map(|StackSummary { name, status }| SandboxStack { name, status }).collect(),
        services: services.into_iter().map(service).collect(),
        tasks: tasks.into_iter().map(task).collect(),
        sessions: sessions.into_iter().map(session).collect(),
    };
    Ok(render::sandbox_status(&mut ctx.ui, &status, now)?)
}

fn service(ServiceSummary { cluster, name, desired, running }: ServiceSummary) -> SandboxTasks {
    SandboxTasks { cluster, name, desired, running }
}

fn task(task: TaskSummary) -> SandboxTask {
    let TaskSummary { cluster, id, group, last_status, started_at, processes, memory_bytes } = task;
    SandboxTask { cluster, id, group, status: last_status, started_at, processes, memory_bytes }
}

fn session(SessionSummary { id, target, since }: SessionSummary) -> SandboxSession {
    SandboxSession { id, target, since }
}
