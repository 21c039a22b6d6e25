//! The state of a session, and its timeouts.

use std::time::Duration;

use tokio::time::Instant;

use super::shell::Shell;

/// How long the client may take for the handshake (agent, `service/session/datachannel`).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the agent waits for the client's last acknowledgements before it closes the channel.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) enum SessionState {
    /// No client has connected yet.
    AwaitingConnection,
    /// The client has to respond to the handshake request.
    Handshake {
        /// When the request was sent.
        since: Instant,
    },
    Running(Shell),
    /// The session has ended, and the client may not have all output yet.
    Draining {
        /// When the channel is closed in any case.
        deadline: Instant,
        reason: String,
    },
}

impl SessionState {
    /// A session that ends now.
    pub(super) fn draining(reason: &str) -> Self {
        Self::Draining { deadline: Instant::now() + DRAIN_TIMEOUT, reason: reason.to_owned() }
    }

    /// The next output of the command if there is room for it; none when the command has ended.
    pub(super) async fn output(&mut self, has_room: bool) -> Option<Vec<u8>> {
        match self {
            Self::Running(shell) if has_room => shell.output.recv().await,
            _ => std::future::pending().await,
        }
    }

    /// When the session leaves this state in any case.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::AwaitingConnection | Self::Running(_) => None,
            Self::Handshake { since } => Some(*since + HANDSHAKE_TIMEOUT),
            Self::Draining { deadline, .. } => Some(*deadline),
        }
    }

    /// Whether the session has not ended.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self, Self::Draining { .. })
    }

    /// Why the session ended.
    pub(super) fn end_reason(&self) -> Option<&str> {
        match self {
            Self::Draining { reason, .. } => Some(reason),
            _ => None,
        }
    }
}
