//! What an engine can do on this machine, queried once, and advice for users of one that does not respond.

use nix::sys::resource::{Resource, getrlimit};
use serde_json::Value;

use super::inspection::classify_error;
use super::{Engine, EngineKind};
use crate::process::container_runtime::RuntimeError;

/// Open files that Fargate gives a container (developer guide, "Task resource limits").
const OPEN_FILES: u64 = 65_535;

/// What an engine can do on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// The number of processors; docker refuses a larger limit.
    pub cpus: u64,
    /// Whether it can limit a container's share of CPU time.
    pub limits_cpu: bool,
    /// Whether it can limit a container's memory.
    pub limits_memory: bool,
    /// The default limit of open files.
    pub open_files: u64,
    /// The default limit of processes; the engine's own if left out.
    pub processes: Option<u64>,
}

impl Engine {
    /// What the engine can do; cached after the first successful query.
    ///
    /// # Errors
    /// Has advice for the user: the engine is not installed, its daemon does not run, or the user may not use it.
    pub(super) async fn capabilities(&self) -> Result<&Capabilities, RuntimeError> {
        self.capabilities
            .get_or_try_init(async || {
                let info = self.kind.query(&["info", "--format={{json .}}"]).await;
                let info = info.map_err(|error| with_advice(self.kind, error))?;
                let info: Value = serde_json::from_str(&info).unwrap_or_default();
                match self.kind {
                    EngineKind::Podman => Ok(parse_podman_info(&info)),
                    EngineKind::Docker => parse_docker_info(&info),
                }
            })
            .await
    }
}

impl Capabilities {
    /// The limits that the engine cannot enforce here, as sentences without a full stop.
    pub(super) fn unenforced_limits(&self) -> Vec<&'static str> {
        let rows = [
            (
                self.limits_cpu,
                "it cannot limit CPU time here (no cpu controller for this user), so tasks share it freely",
            ),
            (self.limits_memory, "it cannot limit memory here (no memory controller for this user)"),
        ];
        rows.into_iter().filter(|(can, _)| !can).map(|(_, text)| text).collect()
    }
}

fn parse_podman_info(info: &Value) -> Capabilities {
    let host = &info["host"];
    let controllers = host["cgroupControllers"].as_array();
    let has = |name: &str| controllers.is_none_or(|list| list.iter().any(|controller| controller == name));
    // The limits of this process do not apply in a virtual machine of podman's.
    let remote = host["serviceIsRemote"] == true;
    let limit = |resource| getrlimit(resource).map_or(u64::MAX, |(_, hard)| hard);
    // Podman as root sets a million for each, which root in a restricted environment may not do.
    let processes = (!remote).then(|| limit(Resource::RLIMIT_NPROC).min(max_processes()));
    Capabilities {
        cpus: host["cpus"].as_u64().unwrap_or(1),
        limits_cpu: has("cpu"),
        limits_memory: has("memory"),
        open_files: if remote { OPEN_FILES } else { OPEN_FILES.min(limit(Resource::RLIMIT_NOFILE)) },
        processes,
    }
}

/// Docker's client succeeds even if its daemon does not respond, and lists the errors.
fn parse_docker_info(info: &Value) -> Result<Capabilities, RuntimeError> {
    if let Some(message) = info["ServerErrors"].get(0).and_then(Value::as_str) {
        return Err(with_advice(EngineKind::Docker, classify_error(message)));
    }
    Ok(Capabilities {
        cpus: info["NCPU"].as_u64().unwrap_or(1),
        limits_cpu: info["CpuCfsQuota"] != false,
        limits_memory: info["MemoryLimit"] != false,
        open_files: OPEN_FILES,
        processes: None,
    })
}

/// The kernel's largest process id, which is also podman's own limit for a container's processes.
#[expect(clippy::disallowed_methods, reason = "/proc is where Linux keeps its limits")]
fn max_processes() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap_or_default();
    text.trim().parse().unwrap_or(u64::MAX)
}

/// An engine's error with what to do about it.
fn with_advice(kind: EngineKind, error: RuntimeError) -> RuntimeError {
    let program = kind.program();
    RuntimeError::Other(match error {
        RuntimeError::NotInstalled(_) => {
            format!("{program} is not installed: install it, or leave `runtime` out of [sandbox]")
        }
        RuntimeError::PermissionDenied(message) => format!(
            "{program} may not be used by this user ({message}): join its group, or use podman, which needs no daemon"
        ),
        RuntimeError::NotRunning(message) => format!("{program} does not answer ({message}): start it first"),
        RuntimeError::NetworkUnavailable(message) | RuntimeError::Other(message) => {
            format!("{program} does not work here: {message}")
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{EngineKind, RuntimeError, parse_docker_info, parse_podman_info, with_advice};

    #[test]
    fn a_controller_that_is_not_delegated_is_a_shortcoming() {
        let capabilities =
            parse_podman_info(&json!({ "host": { "cpus": 4, "cgroupControllers": ["memory", "pids"] } }));
        assert_eq!((capabilities.cpus, capabilities.limits_cpu, capabilities.limits_memory), (4, false, true));
        assert_eq!(capabilities.unenforced_limits().len(), 1);
        let capabilities = parse_podman_info(&json!({ "host": { "cpus": 4, "serviceIsRemote": true } }));
        assert_eq!((capabilities.open_files, capabilities.processes), (65_535, None));
    }

    #[test]
    fn advice_differs_for_a_daemon_that_is_not_running_and_one_that_denies_access() {
        let message =
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
        let error = parse_docker_info(&json!({ "ServerErrors": [message] })).unwrap_err();
        assert!(error.to_string().contains("start it first"), "{error}");
        let message = "permission denied while trying to connect to the Docker daemon socket";
        let error = with_advice(EngineKind::Docker, RuntimeError::PermissionDenied(message.to_owned())).to_string();
        assert!(error.contains("join its group"), "{error}");
        let error = with_advice(EngineKind::Podman, RuntimeError::NotInstalled("podman")).to_string();
        assert!(error.contains("leave `runtime` out"), "{error}");
    }
}
