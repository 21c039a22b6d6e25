//! The agent on a session's target: runs the session from its handshake to its end, over one or several connections.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::channel_state::SessionState;
use super::frame::{ACKNOWLEDGE, CLOSED, Frame, INPUT, Payload};
use super::handshake;
use super::receive_window::{Disposition, ReceiveWindow};
use super::send_window::SendWindow;
use super::session_table::SessionSpec;
use super::shell::Shell;
use crate::Sandbox;
use crate::base::clock::{iso8601, sleep_until};
use crate::base::ids;

/// How long the client may send no input (user guide, "Specify an idle session timeout value": 20 minutes by default; the same for
/// ECS Exec).
const IDLE_TIMEOUT: Duration = Duration::from_mins(20);
/// How many messages of input can wait for the command to start or to read them.
const INPUT_QUEUE: usize = 1024;
/// The flags of acknowledgements and control messages: first and last message in one.
const SYN_FIN: u64 = 3;
const HANDSHAKE_TIMED_OUT: &str =
    "Handshake timed out. Please ensure that you have the latest version of the session manager plugin.";
const TIMED_OUT: &str = "Your session timed out due to inactivity and has been terminated.";

#[derive(Debug)]
pub(crate) struct ClientConnection {
    /// Messages to the client.
    pub outgoing: mpsc::Sender<Vec<u8>>,
    /// Messages from the client.
    pub incoming: mpsc::Receiver<Vec<u8>>,
}

/// Runs a session to its end. Cancelling `end` ends it, as does the end of its target.
pub(super) async fn run(
    sandbox: &Arc<Sandbox>,
    id: &str,
    spec: SessionSpec,
    mut connections: mpsc::Receiver<ClientConnection>,
    end: CancellationToken,
) {
    let (input, queued_input) = mpsc::channel(INPUT_QUEUE);
    let mut agent = Agent {
        sandbox,
        id,
        spec: &spec,
        state: SessionState::AwaitingConnection,
        connection: None,
        send_window: SendWindow::default(),
        receive_window: ReceiveWindow::default(),
        input,
        queued_input: Some(queued_input),
        terminal_size: None,
        idle_deadline: Instant::now() + IDLE_TIMEOUT,
    };
    while agent.state.is_open() || !agent.send_window.is_acknowledged() {
        let (is_open, deadline) = (agent.state.is_open(), agent.state.deadline());
        tokio::select! {
            Some(connection) = connections.recv() => agent.connect(connection).await,
            message = receive(&mut agent.connection) => agent.receive(message).await,
            output = agent.state.output(agent.send_window.has_room()) => agent.print(output),
            () = sleep_until(agent.send_window.retransmission_time()), if agent.connection.is_some() => agent.retransmit(),
            () = sleep_until(deadline) => if is_open { agent.drain(HANDSHAKE_TIMED_OUT) } else { break },
            () = tokio::time::sleep_until(agent.idle_deadline), if is_open => agent.drain(TIMED_OUT),
            () = end.cancelled(), if is_open => agent.drain(""),
            () = spec.target_ended.cancelled(), if is_open => agent.drain(""),
            () = sandbox.shutdown.cancelled() => break,
        }
    }
    agent.close();
}

/// The next message of the connection; none when it is closed.
async fn receive(connection: &mut Option<ClientConnection>) -> Option<Vec<u8>> {
    match connection {
        Some(connection) => connection.incoming.recv().await,
        None => std::future::pending().await,
    }
}

struct Agent<'a> {
    sandbox: &'a Arc<Sandbox>,
    id: &'a str,
    spec: &'a SessionSpec,
    state: SessionState,
    connection: Option<ClientConnection>,
    send_window: SendWindow,
    receive_window: ReceiveWindow,
    /// Input for the command's terminal.
    input: mpsc::Sender<Vec<u8>>,
    /// The other end of `input`, until there is a terminal.
    queued_input: Option<mpsc::Receiver<Vec<u8>>>,
    /// The last terminal size that the client sent.
    terminal_size: Option<TerminalSize>,
    idle_deadline: Instant,
}

impl Agent<'_> {
    /// Takes over a connection. The first one begins the session, a later one resumes it.
    async fn connect(&mut self, connection: ClientConnection) {
        self.connection = Some(connection);
        if !matches!(self.state, SessionState::AwaitingConnection) {
            return;
        }
        let Some(session_type) = self.spec.session_type else { return self.start_command().await };
        self.state = SessionState::Handshake { since: Instant::now() };
        self.send(Payload::HandshakeRequest, handshake::request(session_type));
    }

    fn send(&mut self, payload: Payload, content: Vec<u8>) {
        let message = self.send_window.push(payload, content, self.sandbox.clock.now(), Instant::now());
        self.transmit(message);
    }

    fn retransmit(&mut self) {
        if let Some(message) = self.send_window.retransmit(Instant::now()) {
            self.transmit(message);
        }
    }

    /// Sends a message if the connection has room; otherwise it is retransmitted later.
    fn transmit(&self, message: Vec<u8>) {
        if let Some(connection) = &self.connection {
            let _ = connection.outgoing.try_send(message);
        }
    }

    fn send_control(&self, kind: &str, content: &Value) {
        let content = content.to_string().into_bytes();
        let now = self.sandbox.clock.now();
        self.transmit(Frame::new(kind, 0, SYN_FIN, Payload::Control, content, now).encode());
    }

    /// Handles a message of the client, or the end of the connection.
    async fn receive(&mut self, message: Option<Vec<u8>>) {
        let Some(message) = message else {
            self.connection = None;
            return;
        };
        // Bytes that are not a message are ignored, as by the gateway.
        let Some(frame) = Frame::decode(&message) else { return };
        match frame.kind.as_str() {
            ACKNOWLEDGE => {
                if let Ok(acknowledged) = serde_json::from_slice::<Acknowledged>(&frame.payload) {
                    self.send_window.acknowledge(acknowledged.acknowledged_message_sequence_number, Instant::now());
                }
            }
            INPUT => self.receive_input(frame).await,
            _ => {}
        }
    }

    async fn receive_input(&mut self, frame: Frame) {
        self.idle_deadline = Instant::now() + IDLE_TIMEOUT;
        match self.receive_window.accept(frame.clone(), self.free_input_slots()) {
            Disposition::Reject => {}
            Disposition::Acknowledge => self.acknowledge(&frame),
            Disposition::Deliver(next) => {
                self.acknowledge(&frame);
                let mut next = Some(next);
                while let Some(frame) = next {
                    self.deliver(frame).await;
                    next = self.receive_window.advance();
                }
            }
        }
    }

    /// How many more messages of input can be delivered: 0 when the command has ended.
    fn free_input_slots(&self) -> usize {
        if self.state.is_open() && !self.input.is_closed() { self.input.capacity() } else { 0 }
    }

    fn acknowledge(&self, frame: &Frame) {
        let content = json!({
            "AcknowledgedMessageType": frame.kind,
            "AcknowledgedMessageId": frame.id(),
            "AcknowledgedMessageSequenceNumber": frame.sequence,
            "IsSequentialMessage": true,
        });
        self.send_control(ACKNOWLEDGE, &content);
    }

    /// Handles a message of the client. Input waits until the command runs.
    async fn deliver(&mut self, frame: Frame) {
        match (&self.state, frame.payload_type) {
            (SessionState::Handshake { since }, kind) if kind == Payload::HandshakeResponse as u32 => {
                let since = *since;
                self.complete_handshake(&frame.payload, since).await;
            }
            (_, kind) if kind == Payload::Output as u32 => {
                // There is room, unless the command has just ended.
                let _ = self.input.try_send(frame.payload);
            }
            (_, kind) if kind == Payload::Size as u32 => {
                self.terminal_size = serde_json::from_slice(&frame.payload).ok().or(self.terminal_size);
                self.resize();
            }
            _ => {}
        }
    }

    fn resize(&self) {
        if let (SessionState::Running(shell), Some(TerminalSize { cols, rows })) = (&self.state, self.terminal_size) {
            shell.resize(cols, rows);
        }
    }

    async fn complete_handshake(&mut self, response: &[u8], since: Instant) {
        if let Err(error) = handshake::check(response) {
            return self.drain(&format!("Handshake failed: {error}"));
        }
        let elapsed = Instant::now().duration_since(since);
        self.send(Payload::HandshakeComplete, handshake::complete(elapsed));
        self.start_command().await;
    }

    async fn start_command(&mut self) {
        let Some(input) = self.queued_input.take() else { return };
        match Shell::start(&self.sandbox.runner, &self.spec.command, input).await {
            Ok(shell) => {
                self.state = SessionState::Running(shell);
                self.resize();
            }
            Err(error) => {
                self.drain(&format!("----------ERROR-------\nUnable to start command: Failed to start pty: {error}\n"));
            }
        }
    }

    fn print(&mut self, output: Option<Vec<u8>>) {
        match output {
            Some(output) => self.send(Payload::Output, output),
            None => self.drain(""),
        }
    }

    /// Ends the command, and waits until the client has its output.
    fn drain(&mut self, reason: &str) {
        self.state = SessionState::draining(reason);
    }

    /// Sends the last message of the session.
    fn close(&self) {
        let reason = self.state.end_reason().unwrap_or("The sandbox has ended.");
        let content = json!({
            "MessageId": ids::uuid(),
            "CreatedDate": iso8601(self.sandbox.clock.now()),
            "DestinationId": self.id,
            "SessionId": self.id,
            "MessageType": CLOSED,
            "SchemaVersion": 1,
            "Output": reason,
        });
        self.send_control(CLOSED, &content);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Acknowledged {
    acknowledged_message_sequence_number: i64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct TerminalSize {
    cols: u16,
    rows: u16,
}
