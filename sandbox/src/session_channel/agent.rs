//! One session, from its handshake to its end: what the agent on the target does, over the connections that come and go.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::frame::{ACKNOWLEDGE, CLOSED, Frame, INPUT, Payload};
use super::handshake;
use super::incoming::{Arrival, Incoming};
use super::outgoing::Outgoing;
use super::sessions::Plan;
use super::terminal::Shell;
use crate::Sandbox;
use crate::base::clock::iso8601;
use crate::base::ids;

/// How long the client may take for the handshake (agent, `service/session/datachannel`).
const HANDSHAKE: Duration = Duration::from_secs(15);
/// How long the client may type nothing (user guide, "Specify an idle session timeout value": 20 minutes unless set; ECS Exec the same).
const IDLE: Duration = Duration::from_mins(20);
/// How long the agent waits for the client to have all before it closes the channel.
const DRAIN: Duration = Duration::from_secs(2);
/// Messages of input that wait for the command to read them, or to be started.
const UNREAD: usize = 1024;
/// Acknowledgements and control messages say first and last in one.
const ALONE: u64 = 3;
const NO_HANDSHAKE: &str =
    "Handshake timed out. Please ensure that you have the latest version of the session manager plugin.";
const TIMED_OUT: &str = "Your session timed out due to inactivity and has been terminated.";

/// A client's connection.
#[derive(Debug)]
pub struct Link {
    /// Messages to the client.
    pub to: mpsc::Sender<Vec<u8>>,
    /// Messages from the client.
    pub from: mpsc::Receiver<Vec<u8>>,
}

/// How far a session is.
#[derive(Debug)]
enum Stage {
    /// Nobody has connected.
    Waiting,
    /// The client is to answer, since then.
    Handshake(Instant),
    /// Its command runs.
    Running(Shell),
    /// The client is to get what it has not got, until then; and why the session ends.
    Draining(Instant, String),
}

impl Stage {
    /// What the command prints; nothing more when it has ended.
    async fn printed(&mut self, has_room: bool) -> Option<Vec<u8>> {
        match self {
            Self::Running(shell) if has_room => shell.output.recv().await,
            _ => std::future::pending().await,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Waiting | Self::Running(_) => None,
            Self::Handshake(since) => Some(*since + HANDSHAKE),
            Self::Draining(until, _) => Some(*until),
        }
    }

    fn is_open(&self) -> bool {
        !matches!(self, Self::Draining(..))
    }
}

/// Runs a session to its end, which `end` and the end of its target bring about too.
pub(super) async fn run(
    sandbox: &Arc<Sandbox>,
    id: &str,
    plan: Plan,
    mut links: mpsc::Receiver<Link>,
    end: CancellationToken,
) {
    let (input, queued) = mpsc::channel(UNREAD);
    let mut agent = Agent {
        sandbox,
        id,
        plan: &plan,
        stage: Stage::Waiting,
        link: None,
        outgoing: Outgoing::default(),
        incoming: Incoming::default(),
        input,
        queued: Some(queued),
        size: None,
        idle_until: Instant::now() + IDLE,
    };
    while agent.stage.is_open() || !agent.outgoing.is_settled() {
        let (is_open, deadline) = (agent.stage.is_open(), agent.stage.deadline());
        tokio::select! {
            Some(link) = links.recv() => agent.connect(link).await,
            message = received(&mut agent.link) => agent.receive(message).await,
            printed = agent.stage.printed(agent.outgoing.has_room()) => agent.print(printed),
            () = at(agent.outgoing.due()), if agent.link.is_some() => agent.send_again(),
            () = at(deadline) => if is_open { agent.drain(NO_HANDSHAKE) } else { break },
            () = tokio::time::sleep_until(agent.idle_until), if is_open => agent.drain(TIMED_OUT),
            () = end.cancelled(), if is_open => agent.drain(""),
            () = plan.gone.cancelled(), if is_open => agent.drain(""),
            () = sandbox.shutdown.cancelled() => break,
        }
    }
    agent.close();
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// What the connection brings; nothing more when it has ended.
async fn received(link: &mut Option<Link>) -> Option<Vec<u8>> {
    match link {
        Some(link) => link.from.recv().await,
        None => std::future::pending().await,
    }
}

/// A session at work.
struct Agent<'a> {
    sandbox: &'a Arc<Sandbox>,
    id: &'a str,
    plan: &'a Plan,
    stage: Stage,
    link: Option<Link>,
    outgoing: Outgoing,
    incoming: Incoming,
    /// Input for the command's terminal; what is in it will be typed there.
    input: mpsc::Sender<Vec<u8>>,
    /// The other end of `input`, until there is a terminal.
    queued: Option<mpsc::Receiver<Vec<u8>>>,
    /// The size that the client gave its terminal last.
    size: Option<Size>,
    idle_until: Instant,
}

impl Agent<'_> {
    /// Goes on over another connection. The first begins the session, a later one goes on where the last broke off.
    async fn connect(&mut self, link: Link) {
        self.link = Some(link);
        if !matches!(self.stage, Stage::Waiting) {
            return;
        }
        let Some(session_type) = self.plan.session_type else { return self.begin().await };
        self.stage = Stage::Handshake(Instant::now());
        self.send(Payload::HandshakeRequest, handshake::request(session_type));
    }

    fn send(&mut self, payload: Payload, content: Vec<u8>) {
        let message = self.outgoing.push(payload, content, self.sandbox.clock.now(), Instant::now());
        self.put(message);
    }

    fn send_again(&mut self) {
        if let Some(message) = self.outgoing.again(Instant::now()) {
            self.put(message);
        }
    }

    /// Puts a message on its way. For one that finds no room there is the next time.
    fn put(&self, message: Vec<u8>) {
        if let Some(link) = &self.link {
            let _ = link.to.try_send(message);
        }
    }

    fn control(&self, kind: &str, content: &Value) {
        let content = content.to_string().into_bytes();
        let now = self.sandbox.clock.now();
        self.put(Frame::new(kind, 0, ALONE, Payload::Control, content, now).encode());
    }

    /// Takes what the client sent.
    async fn receive(&mut self, message: Option<Vec<u8>>) {
        let Some(message) = message else {
            self.link = None;
            return;
        };
        // What is not a message is passed over without a word, as by the gateway.
        let Some(frame) = Frame::decode(&message) else { return };
        match frame.kind.as_str() {
            ACKNOWLEDGE => {
                if let Ok(acknowledged) = serde_json::from_slice::<Acknowledged>(&frame.payload) {
                    self.outgoing.acknowledge(acknowledged.acknowledged_message_sequence_number, Instant::now());
                }
            }
            INPUT => self.take(frame).await,
            _ => {}
        }
    }

    async fn take(&mut self, frame: Frame) {
        self.idle_until = Instant::now() + IDLE;
        match self.incoming.take(frame.clone(), self.room()) {
            Arrival::Refused => {}
            Arrival::Known => self.acknowledge(&frame),
            Arrival::Next(next) => {
                self.acknowledge(&frame);
                let mut next = Some(next);
                while let Some(frame) = next {
                    self.deliver(frame).await;
                    next = self.incoming.advance();
                }
            }
        }
    }

    /// How many more messages of input can be delivered; none when the command has ended.
    fn room(&self) -> usize {
        if self.stage.is_open() && !self.input.is_closed() { self.input.capacity() } else { 0 }
    }

    fn acknowledge(&self, frame: &Frame) {
        let content = json!({
            "AcknowledgedMessageType": frame.kind,
            "AcknowledgedMessageId": frame.id(),
            "AcknowledgedMessageSequenceNumber": frame.sequence,
            "IsSequentialMessage": true,
        });
        self.control(ACKNOWLEDGE, &content);
    }

    /// Does what a message asks for. What is typed before the command runs waits for it.
    async fn deliver(&mut self, frame: Frame) {
        match (&self.stage, frame.payload_type) {
            (Stage::Handshake(since), kind) if kind == Payload::HandshakeResponse as u32 => {
                let since = *since;
                self.shake_hands(&frame.payload, since).await;
            }
            (_, kind) if kind == Payload::Output as u32 => {
                // There is room, or the command has just ended and reads nothing more.
                let _ = self.input.try_send(frame.payload);
            }
            (_, kind) if kind == Payload::Size as u32 => {
                self.size = serde_json::from_slice(&frame.payload).ok().or(self.size);
                self.resize();
            }
            _ => {}
        }
    }

    fn resize(&self) {
        if let (Stage::Running(shell), Some(Size { cols, rows })) = (&self.stage, self.size) {
            shell.resize(cols, rows);
        }
    }

    async fn shake_hands(&mut self, response: &[u8], since: Instant) {
        if let Err(refusal) = handshake::check(response) {
            return self.drain(&format!("Handshake failed: {refusal}"));
        }
        let took = Instant::now().duration_since(since);
        self.send(Payload::HandshakeComplete, handshake::complete(took));
        self.begin().await;
    }

    /// Starts the command.
    async fn begin(&mut self) {
        let Some(input) = self.queued.take() else { return };
        match Shell::start(&self.sandbox.runner, &self.plan.command, input).await {
            Ok(shell) => {
                self.stage = Stage::Running(shell);
                self.resize();
            }
            Err(error) => {
                self.drain(&format!("----------ERROR-------\nUnable to start command: Failed to start pty: {error}\n"));
            }
        }
    }

    fn print(&mut self, printed: Option<Vec<u8>>) {
        match printed {
            Some(printed) => self.send(Payload::Output, printed),
            None => self.drain(""),
        }
    }

    /// Ends the command, and lets the client have what it printed.
    fn drain(&mut self, why: &str) {
        self.stage = Stage::Draining(Instant::now() + DRAIN, why.to_owned());
    }

    /// Tells the client, if there is one, that this was all.
    fn close(&self) {
        let why = if let Stage::Draining(_, why) = &self.stage { why } else { "The sandbox has ended." };
        let content = json!({
            "MessageId": ids::uuid(),
            "CreatedDate": iso8601(self.sandbox.clock.now()),
            "DestinationId": self.id,
            "SessionId": self.id,
            "MessageType": CLOSED,
            "SchemaVersion": 1,
            "Output": why,
        });
        self.control(CLOSED, &content);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Acknowledged {
    acknowledged_message_sequence_number: i64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Size {
    cols: u16,
    rows: u16,
}
