//! The environment of a task: four variables of this machine, what the container definition says, and its port.
//!
//! Nothing else of the sandbox's own environment, credentials above all, reaches a task.

/// What a program needs to find other programs and its folders.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// The variables of this machine that every task gets.
#[expect(clippy::disallowed_methods, reason = "the one place where the sandbox passes on parts of its own environment")]
pub fn base() -> Vec<(String, String)> {
    PASSED_ON.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect()
}

/// What one container's process gets, later entries over earlier ones.
///
/// `defined` is the container definition's own environment; `host_name` is the task's name for itself; `task_id` marks its processes.
pub fn of_container(defined: &[(String, String)], port: u16, host_name: &str, task_id: &str) -> Vec<(String, String)> {
    let own = [("HOSTNAME", host_name.to_owned()), ("PORT", port.to_string())];
    let mut environment = base();
    environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
    environment.extend(defined.iter().filter(|(name, _)| name != "PORT").cloned());
    environment.push((super::TASK_MARKER.to_owned(), task_id.to_owned()));
    environment
}

/// An environment for a session's terminal: it has the two variables that the agent sets.
pub fn in_terminal(mut environment: Vec<(String, String)>) -> Vec<(String, String)> {
    environment
        .extend([("TERM", "xterm-256color"), ("LANG", "C.UTF-8")].map(|(name, value)| (name.into(), value.into())));
    environment
}

/// Replaces `{port}` in every part of a command.
pub fn with_port(command: &[String], port: u16) -> Vec<String> {
    command.iter().map(|part| part.replace("{port}", &port.to_string())).collect()
}
