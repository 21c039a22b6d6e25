//! What an engine can do on this machine, asked of it once; and what to do when it does not answer.

use nix::sys::resource::{Resource, getrlimit};
use serde_json::Value;

use super::{Engine, EngineError, Kind};

/// Open files that Fargate gives a container (developer guide, "Task resource limits").
const OPEN_FILES: u64 = 65_535;

/// What matters of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Processors that it has; docker refuses to promise more.
    pub cpus: u64,
    /// Whether it can limit a container's share of CPU time.
    pub limits_cpu: bool,
    /// Whether it can limit a container's memory.
    pub limits_memory: bool,
    /// Open files that a container gets that does not say.
    pub open_files: u64,
    /// Processes that a container gets; the engine's own choice when left out.
    pub processes: Option<u64>,
}

impl Engine {
    /// What the engine can do; asked again as long as it does not answer.
    ///
    /// # Errors
    /// Names the engine and says what to do: it is not installed, its daemon does not run, it may not be used.
    pub async fn facts(&self) -> Result<&Facts, EngineError> {
        self.facts
            .get_or_try_init(async || {
                let info = self.run(&["info", "--format={{json .}}"].map(str::to_owned), &[], b"").await;
                let info = info.map_err(|EngineError(words)| EngineError(advice(self.kind, &words)))?;
                let info: Value = serde_json::from_str(&info).unwrap_or_default();
                match self.kind {
                    Kind::Podman => Ok(of_podman(&info)),
                    Kind::Docker => of_docker(&info),
                }
            })
            .await
    }
}

impl Facts {
    /// What an engine cannot do here and users should know, in sentences without an end.
    pub fn shortcomings(&self) -> Vec<&'static str> {
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

fn of_podman(info: &Value) -> Facts {
    let host = &info["host"];
    let controllers = host["cgroupControllers"].as_array();
    let has = |name: &str| controllers.is_none_or(|list| list.iter().any(|one| one == name));
    // In a machine of podman's own this program's limits mean nothing.
    let remote = host["serviceIsRemote"] == true;
    let limit = |resource| getrlimit(resource).map_or(u64::MAX, |(_, hard)| hard);
    // Podman as root asks for a million of each, which a sandboxed root may not give.
    let processes = (!remote).then(|| limit(Resource::RLIMIT_NPROC).min(most_processes()));
    Facts {
        cpus: host["cpus"].as_u64().unwrap_or(1),
        limits_cpu: has("cpu"),
        limits_memory: has("memory"),
        open_files: if remote { OPEN_FILES } else { OPEN_FILES.min(limit(Resource::RLIMIT_NOFILE)) },
        processes,
    }
}

/// Docker's client says what its daemon could not answer in a list, with success.
fn of_docker(info: &Value) -> Result<Facts, EngineError> {
    if let Some(words) = info["ServerErrors"].get(0).and_then(Value::as_str) {
        return Err(EngineError(advice(Kind::Docker, words)));
    }
    Ok(Facts {
        cpus: info["NCPU"].as_u64().unwrap_or(1),
        limits_cpu: info["CpuCfsQuota"] != false,
        limits_memory: info["MemoryLimit"] != false,
        open_files: OPEN_FILES,
        processes: None,
    })
}

/// The kernel's largest process id: podman itself allows its containers no more processes.
#[expect(clippy::disallowed_methods, reason = "/proc is where Linux keeps its limits")]
fn most_processes() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/kernel/pid_max").unwrap_or_default();
    text.trim().parse().unwrap_or(u64::MAX)
}

/// What an engine that does not answer says, and what to do about it.
fn advice(kind: Kind, words: &str) -> String {
    let lower = words.to_lowercase();
    let program = kind.program();
    if lower.contains("is not installed") {
        format!("{program} is not installed: install it, or leave `runtime` out of [sandbox]")
    } else if lower.contains("permission denied") {
        format!(
            "{program} may not be used by this user ({words}): join its group, or use podman, which needs no daemon"
        )
    } else if lower.contains("cannot connect") || lower.contains("connection refused") {
        format!("{program} does not answer ({words}): start it first")
    } else {
        format!("{program} does not work here: {words}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Kind, advice, of_docker, of_podman};

    #[test]
    fn a_controller_that_is_not_delegated_is_not_used() {
        let facts = of_podman(&json!({ "host": { "cpus": 4, "cgroupControllers": ["memory", "pids"] } }));
        assert_eq!((facts.cpus, facts.limits_cpu, facts.limits_memory), (4, false, true));
        assert_eq!(facts.shortcomings().len(), 1);
        let facts = of_podman(&json!({ "host": { "cpus": 4, "serviceIsRemote": true } }));
        assert_eq!((facts.open_files, facts.processes), (65_535, None));
    }

    #[test]
    fn a_daemon_that_does_not_run_is_told_from_one_that_may_not_be_used() {
        let words = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
        let error = of_docker(&json!({ "ServerErrors": [words] })).unwrap_err();
        assert!(error.0.contains("start it first"), "{error}");
        let error = advice(Kind::Docker, "permission denied while trying to connect to the Docker daemon socket");
        assert!(error.contains("join its group"), "{error}");
        assert!(advice(Kind::Podman, "podman is not installed").contains("leave `runtime` out"));
    }
}
