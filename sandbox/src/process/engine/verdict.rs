//! What an engine's words mean: a container's state, how it ended, why something did not work.

use super::Exit;

/// The arguments that make either engine print what [`verdict`] and [`has_started`] read.
pub(super) const INSPECT: [&str; 3] = ["container", "inspect", "--format={{.State.Status}} {{.State.OOMKilled}}"];

/// The states of a container that is not running yet (podman knows the first three, docker the last).
const BEFORE: [&str; 3] = ["configured", "initialized", "created"];

/// Whether a container runs or has run.
pub(super) fn has_started(state: &str) -> bool {
    let status = state.split_ascii_whitespace().next();
    status.is_some_and(|status| !BEFORE.contains(&status))
}

/// How a container ended: `exit` is that of the engine's command, `state` what it prints for [`INSPECT`] afterwards.
pub(in super::super) fn verdict(exit: Exit, state: &str) -> Exit {
    match state.split_ascii_whitespace().collect::<Vec<_>>()[..] {
        [status, _] if BEFORE.contains(&status) => Exit::NeverStarted,
        [_, "true"] => Exit::OutOfMemory,
        _ => exit,
    }
}

/// The line of an engine's output that says why, without what stands before every such line.
pub(super) fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let error = lines.iter().rev().find(|line| line.starts_with("Error")).or(lines.last());
    let words = error.map_or("it ended without a word", |line| *line);
    let words = words.strip_prefix("Error response from daemon: ").or_else(|| words.strip_prefix("Error: "));
    words.or(error.copied()).unwrap_or("it ended without a word").to_owned()
}

/// What engines name when they cannot set up a container's own network.
const NETWORK_PARTS: [&str; 9] =
    ["netavark", "cni", "slirp4netns", "pasta", "rootlessport", "iptables", "nftables", "bridge", "/dev/net/tun"];

/// Whether these words say that a container's own network cannot be set up here; a port that is taken is something else.
pub fn network_is_missing(words: &str) -> bool {
    let words = words.to_lowercase();
    !words.contains("address already in use") && NETWORK_PARTS.iter().any(|part| words.contains(part))
}

#[cfg(test)]
mod tests {
    use super::{Exit, has_started, last_words, network_is_missing, verdict};

    #[test]
    fn a_state_says_how_it_ended() {
        assert_eq!(verdict(Exit::Code(125), "created false\n"), Exit::NeverStarted);
        assert_eq!(verdict(Exit::Code(137), "exited true\n"), Exit::OutOfMemory);
        assert_eq!(verdict(Exit::Code(7), "exited false\n"), Exit::Code(7));
        assert_eq!(verdict(Exit::Code(7), ""), Exit::Code(7), "the engine no longer answers");
    }

    #[test]
    fn what_was_created_has_not_started() {
        assert!(!has_started("created false"));
        assert!(!has_started(""));
        assert!(has_started("running false"));
        assert!(has_started("exited false"));
    }

    #[test]
    fn the_last_error_is_the_reason() {
        let podman =
            "Trying to pull web...\ntime=… level=warning msg=retrying\nError: initializing source: no such host\n";
        assert_eq!(last_words(podman), "initializing source: no such host");
        assert_eq!(last_words("Error response from daemon: manifest unknown\n"), "manifest unknown");
        assert_eq!(last_words("odd\n"), "odd");
        assert_eq!(last_words(""), "it ended without a word");
    }

    #[test]
    fn a_taken_port_is_not_a_missing_network() {
        assert!(network_is_missing("netavark: code: 3, msg: modprobe: can't change directory"));
        assert!(!network_is_missing("rootlessport listen tcp 127.0.0.1:80: bind: address already in use"));
        assert!(!network_is_missing("executable file not found in $PATH"));
    }
}
