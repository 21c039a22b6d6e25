//! Prints the sandbox's status (its process, stacks, services, tasks and sessions) and its log.

use std::io;
use std::path::PathBuf;

use indicatif::HumanBytes;
use jiff::Timestamp;
use owo_colors::OwoColorize as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::status::age;
use super::{Ui, clean};
use crate::model::json_time;

/// The status of a running sandbox.
#[derive(Debug, Serialize)]
pub(crate) struct SandboxStatus {
    /// Always true, for readers of the JSON: a stopped sandbox has no other status.
    pub running: bool,
    /// Endpoint URL.
    pub url: String,
    /// Simulated account id.
    pub account: String,
    /// Simulated region.
    pub region: String,
    /// Process id.
    pub pid: u32,
    /// Start time.
    #[serde(serialize_with = "crate::model::serialize_time")]
    pub started_at: Timestamp,
    /// Version of its program.
    pub version: String,
    /// Resident memory of its process, without the tasks.
    pub memory_bytes: u64,
    /// Size of the state folder.
    pub disk_bytes: u64,
    /// Size of all log events, which are part of `disk_bytes`.
    pub log_bytes: u64,
    /// Maximum size of all log events; beyond it, the oldest are dropped.
    pub max_log_bytes: u64,
    /// The state folder.
    pub state_dir: PathBuf,
    /// Stacks, without deleted ones.
    pub stacks: Vec<SandboxStack>,
    pub services: Vec<SandboxTasks>,
    /// Tasks, without stopped ones.
    pub tasks: Vec<SandboxTask>,
    /// Open Session Manager sessions.
    pub sessions: Vec<SandboxSession>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SandboxStack {
    pub name: String,
    pub status: String,
}

/// The task counts of a service in the sandbox.
#[derive(Debug, Serialize)]
pub(crate) struct SandboxTasks {
    pub cluster: String,
    pub name: String,
    pub desired: u32,
    pub running: u32,
}

#[derive(Debug, Serialize)]
pub(crate) struct SandboxTask {
    /// Cluster name.
    pub cluster: String,
    /// Task id.
    pub id: String,
    /// `service:NAME` or `family:NAME`.
    pub group: String,
    /// lastStatus, such as `RUNNING`.
    pub status: String,
    /// Start time; `None` before it runs.
    #[serde(serialize_with = "crate::model::serialize_optional_time")]
    pub started_at: Option<Timestamp>,
    /// Process ids.
    pub processes: Vec<i32>,
    /// Resident memory of these processes.
    pub memory_bytes: u64,
}

/// An open Session Manager session in the sandbox.
#[derive(Debug, Serialize)]
pub(crate) struct SandboxSession {
    pub id: String,
    pub target: String,
    #[serde(serialize_with = "crate::model::serialize_time")]
    pub since: Timestamp,
}

/// Writes the status, as text or JSON.
pub(crate) fn sandbox_status(ui: &mut Ui, status: &SandboxStatus, now: Timestamp) -> io::Result<()> {
    if ui.is_json() {
        return ui.json_result(status);
    }
    for line in lines(status, now) {
        writeln!(ui.results(), "{}", line.trim_end())?;
    }
    ui.results().flush()
}

/// Writes the rules of fault injection: one line each, or one JSON object.
pub(crate) fn injected_faults(
    ui: &mut Ui,
    operations: &[Value],
    resources: &[Value],
    logs: &[Value],
) -> io::Result<()> {
    let lines = operations.iter().chain(resources).chain(logs).map(ToString::to_string);
    lines_or_json(ui, lines, &json!({ "operations": operations, "resources": resources, "logs": logs }))
}

/// Writes lines, or with JSON output one object.
pub(crate) fn lines_or_json(ui: &mut Ui, lines: impl IntoIterator<Item = String>, json: &Value) -> io::Result<()> {
    if ui.is_json() {
        return ui.json_result(json);
    }
    for line in lines {
        writeln!(ui.results(), "{line}")?;
    }
    ui.results().flush()
}

/// Writes lines of the sandbox's log.
pub(crate) fn sandbox_log(ui: &mut Ui, lines: &[String]) -> io::Result<()> {
    for line in lines {
        if ui.is_json() {
            let (timestamp, message) = line.split_once(' ').unwrap_or_default();
            let timestamp: Option<Timestamp> = timestamp.parse().ok();
            let message = if timestamp.is_some() { message } else { line };
            ui.json_line(
                &json!({ "event": "sandbox_log", "timestamp": timestamp.map(json_time), "message": message }),
            )?;
        } else {
            writeln!(ui.results(), "{}", clean(line, false))?;
        }
    }
    ui.results().flush()
}

fn lines(status: &SandboxStatus, now: Timestamp) -> Vec<String> {
    let SandboxStatus { url, account, region, pid, started_at, version, .. } = status;
    let processes: usize = status.tasks.iter().map(|task| task.processes.len()).sum();
    let in_tasks = status.tasks.iter().map(|task| task.memory_bytes).sum();
    let mut lines = vec![
        format!(
            "running since {started_at:.0} at {url} as account {account} in {region} (process {pid}, version {version})"
        ),
        format!(
            "  memory  {}, and {} in {} of {}",
            HumanBytes(status.memory_bytes),
            HumanBytes(in_tasks),
            count(processes, "process", "processes"),
            count(status.tasks.len(), "task", "tasks"),
        ),
        format!(
            "  disk    {} in {}",
            HumanBytes(status.disk_bytes),
            clean(&status.state_dir.display().to_string(), false)
        ),
        format!(
            "  logs    {} (oldest dropped beyond {})",
            HumanBytes(status.log_bytes),
            HumanBytes(status.max_log_bytes)
        ),
    ];
    if !status.stacks.is_empty() {
        lines.extend([String::new(), format!("  {:<46}{}", "STACK", "STATUS").bold().to_string()]);
    }
    for SandboxStack { name, status } in &status.stacks {
        lines.push(format!("  {name:<46}{status}"));
    }
    if !status.services.is_empty() {
        lines.extend([String::new(), format!("  {:<46}{}", "SERVICE", "RUNNING").bold().to_string()]);
    }
    for SandboxTasks { cluster, name, desired, running } in &status.services {
        lines.push(format!("  {:<46}{running} of {desired}", format!("{cluster}/{name}")));
    }
    if !status.tasks.is_empty() {
        let head = format!("  {:<34}{:<14}{:<10}{:<12}{}", "TASK", "STATUS", "AGE", "MEMORY", "PROCESSES");
        lines.extend([String::new(), head.bold().to_string()]);
    }
    for task in &status.tasks {
        let age = task.started_at.map(|started| age(started, now)).unwrap_or_default();
        let pids: Vec<String> = task.processes.iter().take(8).map(ToString::to_string).collect();
        let more = task.processes.len().checked_sub(pids.len()).filter(|more| *more > 0);
        let more = more.map(|more| format!(" and {more} more")).unwrap_or_default();
        let memory = HumanBytes(task.memory_bytes).to_string();
        lines.push(format!("  {:<34}{:<14}{age:<10}{memory:<12}{}{more}", task.id, task.status, pids.join(" ")));
    }
    if !status.sessions.is_empty() {
        lines.extend([String::new(), format!("  {:<46}{:<10}{}", "SESSION", "AGE", "TARGET").bold().to_string()]);
    }
    for SandboxSession { id, target, since } in &status.sessions {
        lines.push(format!("  {id:<46}{:<10}{target}", age(*since, now)));
    }
    lines
}

fn count(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_printed_as_tables() -> Result<(), jiff::Error> {
        let started_at: Timestamp = "2026-01-01T00:00:00Z".parse()?;
        let task = SandboxTask {
            cluster: "demo".to_owned(),
            id: "0ef42c6d892fd322873c53c8583b601b".to_owned(),
            group: "service:web".to_owned(),
            status: "RUNNING".to_owned(),
            started_at: Some(started_at),
            processes: vec![17, 18],
            memory_bytes: 5 << 20,
        };
        let status = SandboxStatus {
            running: true,
            url: "http://127.0.0.1:1".to_owned(),
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            pid: 7,
            started_at,
            version: "0.1.0".to_owned(),
            memory_bytes: 30 << 20,
            disk_bytes: 1 << 20,
            log_bytes: 1 << 19,
            max_log_bytes: 1 << 30,
            state_dir: PathBuf::from("/state"),
            stacks: vec![SandboxStack { name: "base".to_owned(), status: "CREATE_COMPLETE".to_owned() }],
            services: vec![SandboxTasks { cluster: "demo".to_owned(), name: "web".to_owned(), desired: 2, running: 1 }],
            tasks: vec![task],
            sessions: vec![SandboxSession {
                id: "sandbox-01".to_owned(),
                target: "i-01".to_owned(),
                since: started_at,
            }],
        };
        let text =
            anstream::adapter::strip_str(&lines(&status, "2026-01-01T00:01:05Z".parse()?).join("\n")).to_string();
        insta::assert_snapshot!(text, @r"
        running since 2026-01-01T00:00:00Z at http://127.0.0.1:1 as account 123456789012 in us-east-1 (process 7, version 0.1.0)
          memory  30.00 MiB, and 5.00 MiB in 2 processes of 1 task
          disk    1.00 MiB in /state
          logs    512.00 KiB (oldest dropped beyond 1.00 GiB)

          STACK                                         STATUS
          base                                          CREATE_COMPLETE

          SERVICE                                       RUNNING
          demo/web                                      1 of 2

          TASK                              STATUS        AGE       MEMORY      PROCESSES
          0ef42c6d892fd322873c53c8583b601b  RUNNING       1m 5s     5.00 MiB    17 18

          SESSION                                       AGE       TARGET
          sandbox-01                                    1m 5s     i-01
        ");
        Ok(())
    }
}
