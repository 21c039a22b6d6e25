//! Reading an engine's output: a container's state, how it ended, and why a command failed.

use super::Exit;
use crate::process::container_runtime::RuntimeError;

/// The arguments that make either engine print what [`exit_of`] and [`has_started`] read.
pub(super) const INSPECT: [&str; 3] = ["container", "inspect", "--format={{.State.Status}} {{.State.OOMKilled}}"];

/// The states of a container that is not running yet (podman has the first three, docker the last).
const NOT_STARTED: [&str; 3] = ["configured", "initialized", "created"];

/// Whether a container runs or has run.
pub(super) fn has_started(state: &str) -> bool {
    let status = state.split_ascii_whitespace().next();
    status.is_some_and(|status| !NOT_STARTED.contains(&status))
}

/// How a container ended: `exit` is that of the engine's command, `state` what it prints for [`INSPECT`] afterwards.
pub(super) fn exit_of(exit: Exit, state: &str) -> Exit {
    match state.split_ascii_whitespace().collect::<Vec<_>>()[..] {
        [status, _] if NOT_STARTED.contains(&status) => Exit::NeverStarted,
        [_, "true"] => Exit::OutOfMemory,
        _ => exit,
    }
}

/// The error in an engine's output, classified.
pub(super) fn parse_error(output: &str) -> RuntimeError {
    classify_error(&error_line(output))
}

/// Classifies an engine's error message. Engines have no error codes.
pub(super) fn classify_error(message: &str) -> RuntimeError {
    let (lower, message) = (message.to_lowercase(), message.to_owned());
    let names_network = NETWORK_PARTS.iter().any(|part| lower.contains(part));
    if names_network && !lower.contains("address already in use") {
        RuntimeError::NetworkUnavailable(message)
    } else if lower.contains("permission denied") {
        RuntimeError::PermissionDenied(message)
    } else if lower.contains("cannot connect") || lower.contains("connection refused") {
        RuntimeError::NotRunning(message)
    } else {
        RuntimeError::Other(message)
    }
}

/// The error in an engine's output, without the prefix of every error.
fn error_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let error = lines.iter().rev().find(|line| line.starts_with("Error")).or(lines.last());
    let Some(error) = error else { return NO_MESSAGE.to_owned() };
    let message = error.strip_prefix("Error response from daemon: ").or_else(|| error.strip_prefix("Error: "));
    message.unwrap_or(error).to_owned()
}

const NO_MESSAGE: &str = "it failed without an error message";

/// Words in engines' errors about setting up a container's own network.
const NETWORK_PARTS: [&str; 9] =
    ["netavark", "cni", "slirp4netns", "pasta", "rootlessport", "iptables", "nftables", "bridge", "/dev/net/tun"];

#[cfg(test)]
mod tests {
    use super::{Exit, RuntimeError, classify_error, error_line, exit_of, has_started, parse_error};

    #[test]
    fn the_exit_depends_on_the_containers_state() {
        assert_eq!(exit_of(Exit::Code(125), "created false\n"), Exit::NeverStarted);
        assert_eq!(exit_of(Exit::Code(137), "exited true\n"), Exit::OutOfMemory);
        assert_eq!(exit_of(Exit::Code(7), "exited false\n"), Exit::Code(7));
        assert_eq!(exit_of(Exit::Code(7), ""), Exit::Code(7), "the engine no longer answers");
    }

    #[test]
    fn a_created_container_has_not_started() {
        assert!(!has_started("created false"));
        assert!(!has_started(""));
        assert!(has_started("running false"));
        assert!(has_started("exited false"));
    }

    #[test]
    fn the_last_error_is_the_error_line() {
        let podman =
            "Trying to pull web...\ntime=… level=warning msg=retrying\nError: initializing source: no such host\n";
        assert_eq!(error_line(podman), "initializing source: no such host");
        assert_eq!(error_line("Error response from daemon: manifest unknown\n"), "manifest unknown");
        assert_eq!(error_line("odd\n"), "odd");
        assert_eq!(error_line(""), "it failed without an error message");
    }

    #[test]
    fn a_taken_port_does_not_mean_that_the_network_is_missing() {
        let is_unavailable = |error| matches!(classify_error(error), RuntimeError::NetworkUnavailable(_));
        assert!(is_unavailable("netavark: code: 3, msg: modprobe: can't change directory"));
        assert!(!is_unavailable("rootlessport listen tcp 127.0.0.1:80: bind: address already in use"));
        assert!(!is_unavailable("executable file not found in $PATH"));
    }

    #[test]
    fn errors_of_a_daemon_are_distinguished_from_those_of_its_containers() {
        let message =
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
        assert_eq!(parse_error(&format!("{message}\n")), RuntimeError::NotRunning(message.to_owned()));
        let message = "permission denied while trying to connect to the Docker daemon socket";
        assert_eq!(classify_error(message), RuntimeError::PermissionDenied(message.to_owned()));
        assert_eq!(classify_error("manifest unknown"), RuntimeError::Other("manifest unknown".to_owned()));
    }
}
