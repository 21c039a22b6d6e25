//! What a killed sandbox leaves: its containers, found by their label. A file in the state folder says which engines to ask, so
//! that an engine that was never used is never run.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{Engine, Kind, SANDBOX_LABEL, digest};

/// The file of the state folder that names the engines that were used, one a line.
pub const ENGINES_FILE: &str = "engines";

/// The engines that this folder's sandbox has used.
#[expect(clippy::disallowed_methods, reason = "the sandbox's own state folder")]
fn used(state_dir: &Path) -> Vec<Kind> {
    let text = std::fs::read_to_string(state_dir.join(ENGINES_FILE)).unwrap_or_default();
    Kind::ALL.into_iter().filter(|kind| text.lines().any(|line| line == kind.program())).collect()
}

/// Writes down that an engine is used, before it has anything of ours.
pub(super) fn remember(kind: Kind, state_dir: &Path) -> io::Result<()> {
    if used(state_dir).contains(&kind) {
        return Ok(());
    }
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(state_dir.join(ENGINES_FILE))?;
    // One write of one line: a file that was torn by a crash has at worst a line that is no engine.
    file.write_all(format!("\n{}\n", kind.program()).as_bytes())
}

/// Removes this state folder's containers, in every engine that was used, except those that `keep` wants by their name.
pub async fn remove_all(state_dir: &Path, keep: impl Fn(&str) -> bool) {
    for kind in used(state_dir) {
        let engine = Engine::new(kind, state_dir.to_owned());
        let filter = format!("--filter=label={SANDBOX_LABEL}={}", digest(state_dir));
        let list = ["ps", "--all", &filter, "--format={{.Names}}"].map(str::to_owned);
        // An engine that does not answer has nothing that runs, or nothing that can be ended now.
        let names = engine.run(&list, &[], b"").await.unwrap_or_default();
        let left: Vec<String> = names.lines().filter(|name| !keep(name)).map(str::to_owned).collect();
        let arguments = [&kind.removal()[1..], &left].concat();
        // Twice, because podman keeps one whose network another one has that is removed after it.
        for _ in 0..2 {
            if !left.is_empty() {
                let _ = engine.run(&arguments, &[], b"").await;
            }
        }
    }
}
