//! The sessions of this sandbox: started, connected, resumed, ended. They are not stored and end with the sandbox.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::agent::{self, ClientConnection};
use crate::base::{ids, supervisor};
use crate::process::ProcessSpec;
use crate::{Fault, Sandbox};

/// The maximum number of open sessions.
const MAX_OPEN: usize = 100;
/// The maximum number of ended sessions that are still listed.
const MAX_ENDED: usize = 100;
/// New connections of one session that wait for its agent; more than one only if a client reconnects faster than the agent runs.
const CONNECTION_QUEUE: usize = 4;

#[derive(Debug)]
pub(crate) struct SessionSpec {
    /// The prefix of its id: the caller's name, or ECS's own.
    pub prefix: String,
    /// The instance, or `ecs:CLUSTER_TASK_RUNTIMEID`.
    pub target: String,
    /// The document that it runs.
    pub document: String,
    /// The session type that the client has to support; none for a plain shell, which begins without a handshake.
    pub session_type: Option<&'static str>,
    /// The caller's reason.
    pub reason: Option<String>,
    /// The command that runs in its terminal.
    pub command: ProcessSpec,
    /// Cancelled when the target has ended: a stopped task or a terminated instance.
    pub target_ended: CancellationToken,
}

/// A session, as operations describe it.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Such as `sandbox-0a1b2c3d4e5f60718`.
    pub id: String,
    /// See [`SessionSpec::target`].
    pub target: String,
    /// See [`SessionSpec::document`].
    pub document: String,
    /// See [`SessionSpec::reason`].
    pub reason: Option<String>,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// What the caller of an operation needs to connect to a session.
#[derive(Debug)]
pub(crate) struct StartedSession {
    pub id: String,
    /// The token for one connection.
    pub token: String,
    /// The address to connect to.
    pub url: String,
}

#[derive(Debug)]
struct SessionEntry {
    session: Session,
    /// Valid for one connection.
    token: Option<String>,
    connections: mpsc::Sender<ClientConnection>,
    end: CancellationToken,
}

/// The address that a client connects to.
///
/// # Errors
/// The sandbox does not listen yet.
pub(crate) fn channel_url(sandbox: &Sandbox, session: &str) -> Result<String, Fault> {
    let port = sandbox.port.get().ok_or_else(|| Fault::internal("the sandbox has no listener"))?;
    Ok(format!("ws://127.0.0.1:{port}{}{session}?role=publish_subscribe", super::PATH))
}

/// All sessions, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<BTreeMap<String, SessionEntry>>);

impl Sessions {
    /// Starts a session. Its command waits for the first connection.
    ///
    /// # Errors
    /// Too many sessions are open.
    pub(crate) fn start(sandbox: &Arc<Sandbox>, spec: SessionSpec) -> Result<StartedSession, Fault> {
        let (connections, inbox) = mpsc::channel(CONNECTION_QUEUE);
        let (end, token) = (CancellationToken::new(), ids::hex(64));
        let id = ids::resource(&spec.prefix);
        let session = Session {
            id: id.clone(),
            target: spec.target.clone(),
            document: spec.document.clone(),
            reason: spec.reason.clone(),
            started: sandbox.clock.now(),
            ended: None,
        };
        let started = StartedSession { url: channel_url(sandbox, &id)?, id: id.clone(), token: token.clone() };
        let mut all = sandbox.in_memory::<Sessions>().all();
        if all.values().filter(|entry| entry.session.ended.is_none()).count() >= MAX_OPEN {
            let message = format!("the sandbox allows {MAX_OPEN} open sessions; terminate one of them first");
            return Err(Fault::limit_exceeded("LimitExceededException", message));
        }
        let entry = SessionEntry { session, token: Some(token), connections, end: end.clone() };
        all.insert(id.clone(), entry);
        drop(all);
        sandbox.log.write(&format!("session {id} to {}", spec.target));
        let ours = Arc::clone(sandbox);
        sandbox.background.spawn(async move {
            if let Err(panic) = supervisor::catch(agent::run(&ours, &id, spec, inbox, end)).await {
                ours.log.write(&format!("session {id} failed: {panic}"));
            }
            ours.in_memory::<Sessions>().record_end(&id, ours.clock.now());
            ours.log.write(&format!("session {id} has ended"));
        });
        Ok(started)
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, SessionEntry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_end(&self, id: &str, now: Timestamp) {
        let mut all = self.all();
        if let Some(entry) = all.get_mut(id) {
            entry.session.ended = Some(now);
            entry.token = None;
        }
        let ended = all.values().filter_map(|entry| Some((entry.session.ended?, entry.session.id.clone())));
        let mut ended: Vec<_> = ended.collect();
        ended.sort();
        for (_, id) in ended.iter().rev().skip(MAX_ENDED) {
            all.remove(id);
        }
    }

    /// A session, open or ended.
    pub(crate) fn get(&self, id: &str) -> Option<Session> {
        self.all().get(id).map(|entry| entry.session.clone())
    }

    /// All sessions, the newest first.
    pub(crate) fn list(&self) -> Vec<Session> {
        let mut sessions: Vec<_> = self.all().values().map(|entry| entry.session.clone()).collect();
        sessions.sort_by(|first, second| second.started.cmp(&first.started).then_with(|| first.id.cmp(&second.id)));
        sessions
    }

    /// Replaces the token of a session; none if the session has ended.
    pub(crate) fn resume(&self, id: &str) -> Option<String> {
        let mut all = self.all();
        let entry = all.get_mut(id).filter(|entry| entry.session.ended.is_none())?;
        entry.token = Some(ids::hex(64));
        entry.token.clone()
    }

    pub(crate) fn terminate(&self, id: &str) {
        if let Some(entry) = self.all().get(id) {
            entry.end.cancel();
        }
    }

    /// Ends all sessions on a target that has ended.
    pub(crate) fn end_target(&self, target: &str) {
        self.all().values().filter(|entry| entry.session.target == target).for_each(|entry| entry.end.cancel());
    }

    /// Consumes the token of a session, which is valid once, and returns where to send the connection.
    pub(crate) fn admit(&self, id: &str, token: &str) -> Option<mpsc::Sender<ClientConnection>> {
        use subtle::ConstantTimeEq as _;

        let mut all = self.all();
        let entry = all.get_mut(id)?;
        let is_valid = entry.token.as_ref().is_some_and(|own| own.as_bytes().ct_eq(token.as_bytes()).into());
        if is_valid {
            entry.token = None;
        }
        is_valid.then(|| entry.connections.clone())
    }
}
