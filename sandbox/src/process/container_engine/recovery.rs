//! Removing the containers that a killed sandbox left. They are found by their label. A file in the state folder lists the engines
//! that were used, so that no other engine is run.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{EngineKind, SANDBOX_LABEL, digest};

/// The file in the state folder with the engines that were used, one per line.
pub(crate) const ENGINES_FILE: &str = "engines";

/// The name of a task's container in its engine.
pub(super) fn container_name(task_id: &str, index: usize) -> String {
    format!("ecsws-{task_id}-{index}")
}

fn task_id(container: &str) -> Option<&str> {
    container.strip_prefix("ecsws-")?.split('-').next()
}

/// The engines that this folder's sandbox has used.
#[expect(clippy::disallowed_methods, reason = "the sandbox's own state folder")]
fn used(state_dir: &Path) -> Vec<EngineKind> {
    let text = std::fs::read_to_string(state_dir.join(ENGINES_FILE)).unwrap_or_default();
    EngineKind::ALL.into_iter().filter(|kind| text.lines().any(|line| line == kind.program())).collect()
}

/// Records that an engine is used, before it has any container of this sandbox.
pub(super) fn record_used_engine(kind: EngineKind, state_dir: &Path) -> io::Result<()> {
    if used(state_dir).contains(&kind) {
        return Ok(());
    }
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(state_dir.join(ENGINES_FILE))?;
    // One write, with newlines around the line: a crash in between leaves at worst a line that is no engine.
    file.write_all(format!("\n{}\n", kind.program()).as_bytes())
}

/// Removes this state folder's containers from every engine that was used, except those of tasks for whose ids `keep` is true.
pub(crate) async fn remove_all(state_dir: &Path, keep: impl Fn(&str) -> bool) {
    for kind in used(state_dir) {
        let filter = format!("--filter=label={SANDBOX_LABEL}={}", digest(state_dir));
        // An engine that does not respond has no running container, or none that can be ended now.
        let names = kind.query(&["ps", "--all", &filter, "--format={{.Names}}"]).await.unwrap_or_default();
        let orphans: Vec<&str> = names.lines().filter(|name| !keep(task_id(name).unwrap_or_default())).collect();
        let arguments = [kind.remove_arguments(), &orphans].concat();
        // Twice, because podman keeps a container whose network is used by one that is removed after it.
        for _ in 0..2 {
            if !orphans.is_empty() {
                let _ = kind.query(&arguments).await;
            }
        }
    }
}
