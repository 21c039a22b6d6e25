//! Reading an engine's output: a container's state, how it ended, and why a command failed.

use super::Exit;

/// The arguments that make either engine print what [`exit_of`] and [`has_started`] read.
pub(super) const INSPECT: [&str; 3] = ["container", "inspect", "--format={{.State.Status}} {{.State.OOMKilled}}"];

/// The states of a container that is not running yet (podman knows the first three, docker the last).
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

/// The error in an engine's output, without the prefix of every error.
pub(super) fn error_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let error = lines.iter().rev().find(|line| line.starts_with("Error")).or(lines.last());
    let Some(error) = error else { return NO_MESSAGE.to_owned() };
    let message = error.strip_prefix("Error response from daemon: ").or_else(|| error.strip_prefix("Error: "));
    message.unwrap_or(error).to_owned()
}

const NO_MESSAGE: &str = "it failed without an error message";

/// What engines name in errors about setting up a container's own network.
const NETWORK_PARTS: [&str; 9] =
    ["netavark", "cni", "slirp4netns", "pasta", "rootlessport", "iptables", "nftables", "bridge", "/dev/net/tun"];

/// Whether an error means that a container's own network cannot be set up here, other than because a port is taken.
pub(super) fn is_network_missing(error: &str) -> bool {
    let error = error.to_lowercase();
    !error.contains("address already in use") && NETWORK_PARTS.iter().any(|part| error.contains(part))
}

#[cfg(test)]
mod tests {
    use super::{Exit, error_line, exit_of, has_started, is_network_missing};

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
        assert!(is_network_missing("netavark: code: 3, msg: modprobe: can't change directory"));
        assert!(!is_network_missing("rootlessport listen tcp 127.0.0.1:80: bind: address already in use"));
        assert!(!is_network_missing("executable file not found in $PATH"));
    }
}
