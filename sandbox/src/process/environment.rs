//! Environments of processes, each built from a list: no other variable of this machine's environment reaches them.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

pub use super::container_engine::INHERITED_BY_ENGINES;

/// The variables that every process below the sandbox inherits.
pub const INHERITED: [&str; 2] = ["PATH", "LANG"];

/// The `PATH` if the caller has none, as in containers (Docker's `DefaultPathEnvUnix`).
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The variables that every process below the sandbox inherits, with their values.
pub fn base() -> Vec<(String, String)> {
    let mut variables = inherited(&INHERITED);
    if variables.iter().all(|(name, _)| name != "PATH") {
        variables.push(("PATH".to_owned(), DEFAULT_PATH.to_owned()));
    }
    variables
}

/// The environment of the sandbox's own process: what its tasks inherit, and what container engines need.
pub fn sandbox_environment() -> Vec<(String, String)> {
    [base(), inherited(INHERITED_BY_ENGINES)].concat()
}

#[expect(clippy::disallowed_methods, reason = "the sandbox passes on these variables of its own environment")]
pub(super) fn inherited(names: &[&str]) -> Vec<(String, String)> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect()
}

/// The folders of a task or an instance, in place of its disk.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Its home, and the default working directory of its commands.
    pub home: PathBuf,
    /// For temporary files.
    pub temporary: PathBuf,
}

impl Folders {
    /// Makes the missing folders, for their owner only.
    pub fn make(&self) -> io::Result<()> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&self.home).and_then(|()| builder.create(&self.temporary))
    }

    /// The variables of every process in these folders. The AWS SDKs find no configuration outside of them.
    pub fn variables(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let own = [
            ("HOME", text(&self.home)),
            ("TMPDIR", text(&self.temporary)),
            // For SDKs that do not find the user's home by HOME.
            ("AWS_CONFIG_FILE", text(&self.home.join(".aws/config"))),
            ("AWS_SHARED_CREDENTIALS_FILE", text(&self.home.join(".aws/credentials"))),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        base().into_iter().chain(own).collect()
    }
}

/// The environment of a container's process; later entries override earlier ones.
///
/// `defined` is the container definition's environment; `host_name` is the task's host name; `task_id` marks its processes.
pub fn container_environment(
    own: Vec<(String, String)>,
    defined: &[(String, String)],
    port: u16,
    host_name: &str,
    task_id: &str,
) -> Vec<(String, String)> {
    let mut environment = own;
    environment.extend([("HOSTNAME".to_owned(), host_name.to_owned()), ("PORT".to_owned(), port.to_string())]);
    environment.extend(defined.iter().filter(|(name, _)| name != "PORT").cloned());
    environment.push((super::TASK_MARKER.to_owned(), task_id.to_owned()));
    environment
}

/// An environment with the two variables that the agent sets for a session's terminal.
pub fn in_terminal(mut environment: Vec<(String, String)>) -> Vec<(String, String)> {
    environment
        .extend([("TERM", "xterm-256color"), ("LANG", "C.UTF-8")].map(|(name, value)| (name.into(), value.into())));
    environment
}

/// Replaces `{port}` in every part of a command.
pub fn with_port(command: &[String], port: u16) -> Vec<String> {
    command.iter().map(|part| part.replace("{port}", &port.to_string())).collect()
}

/// Finds the file of a program in the sandbox's `PATH`; a name with a slash is a path already.
///
/// Processes are started by their file, so that a `PATH` in a task definition does not choose another program.
pub fn find_program(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(name.into());
    }
    let path = base().into_iter().find(|(name, _)| name == "PATH").map(|(_, value)| value).unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let is_program =
        |file: &PathBuf| file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0);
    folders.map(|folder| folder.join(name)).find(is_program)
}

#[cfg(test)]
mod tests {
    use super::find_program;

    #[test]
    fn programs_are_found_by_name_and_paths_are_kept() {
        assert_eq!(find_program("./server"), Some("./server".into()));
        assert!(find_program("sh").is_some_and(|file| file.is_absolute()));
        assert_eq!(find_program("no-such-program"), None);
    }
}
