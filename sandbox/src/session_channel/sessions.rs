//! The sessions of this sandbox: started, connected, resumed, ended. None of it is stored; a session ends with the sandbox.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::agent::{self, Link};
use crate::base::ids;
use crate::base::supervisor;
use crate::process::ProcessSpec;
use crate::{Fault, Sandbox};

/// Sessions at once.
const MOST: usize = 100;
/// Ended sessions that are remembered.
const REMEMBERED: usize = 100;
/// Connections of one session that wait to be taken over; more than one only when they come faster than that takes.
const WAITING_LINKS: usize = 4;

/// What a session is to be.
#[derive(Debug)]
pub struct Plan {
    /// What stands in front of its id: the caller's name, or ECS's own.
    pub prefix: String,
    /// The instance, or `ecs:CLUSTER_TASK_RUNTIMEID`.
    pub target: String,
    /// The document that it follows.
    pub document: String,
    /// The type of session that the agent asks the client for; none for a plain shell, before which it asks nothing.
    pub session_type: Option<&'static str>,
    /// Why, in the caller's words.
    pub reason: Option<String>,
    /// What runs in its terminal.
    pub command: ProcessSpec,
    /// Cancelled when its target is gone.
    pub gone: CancellationToken,
}

/// A session as it is told of.
#[derive(Debug, Clone)]
pub struct Session {
    /// Such as `sandbox-0a1b2c3d4e5f60718`.
    pub id: String,
    /// See [`Plan::target`].
    pub target: String,
    /// See [`Plan::document`].
    pub document: String,
    /// See [`Plan::reason`].
    pub reason: Option<String>,
    /// When it was started.
    pub started: Timestamp,
    /// When it was over.
    pub ended: Option<Timestamp>,
}

/// What the caller of an operation gets of a session.
#[derive(Debug)]
pub struct Opened {
    /// Its id.
    pub id: String,
    /// What lets one connection in.
    pub token: String,
    /// Where to connect.
    pub url: String,
}

#[derive(Debug)]
struct Entry {
    session: Session,
    /// Good for one connection.
    token: Option<String>,
    links: mpsc::Sender<Link>,
    end: CancellationToken,
}

/// Where a client connects to a session.
///
/// # Errors
/// When the sandbox does not listen yet.
pub fn channel_url(sandbox: &Sandbox, session: &str) -> Result<String, Fault> {
    let port = sandbox.port.get().ok_or_else(|| Fault::internal("the sandbox has no listener"))?;
    Ok(format!("ws://127.0.0.1:{port}{}{session}?role=publish_subscribe", super::PATH))
}

/// All sessions, by their ids.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<BTreeMap<String, Entry>>);

impl Sessions {
    /// Starts a session. Its command waits for the first connection.
    ///
    /// # Errors
    /// When there are too many.
    pub fn open(sandbox: &Arc<Sandbox>, plan: Plan) -> Result<Opened, Fault> {
        let (links, inbox) = mpsc::channel(WAITING_LINKS);
        let (end, token) = (CancellationToken::new(), ids::hex(64));
        let id = ids::resource(&plan.prefix);
        let session = Session {
            id: id.clone(),
            target: plan.target.clone(),
            document: plan.document.clone(),
            reason: plan.reason.clone(),
            started: sandbox.clock.now(),
            ended: None,
        };
        let opened = Opened { url: channel_url(sandbox, &id)?, id: id.clone(), token: token.clone() };
        let mut all = sandbox.runtime::<Sessions>().all();
        if all.values().filter(|entry| entry.session.ended.is_none()).count() >= MOST {
            let message = format!("The sandbox has {MOST} sessions open, as many as it allows; end one of them");
            return Err(Fault::limit_exceeded("LimitExceededException", message));
        }
        let entry = Entry { session, token: Some(token), links, end: end.clone() };
        all.insert(id.clone(), entry);
        drop(all);
        sandbox.log.write(&format!("session {id} to {}", plan.target));
        let ours = Arc::clone(sandbox);
        sandbox.background.spawn(async move {
            if let Err(panic) = supervisor::catch(agent::run(&ours, &id, plan, inbox, end)).await {
                ours.log.write(&format!("session {id} failed: {panic}"));
            }
            ours.runtime::<Sessions>().over(&id, ours.clock.now());
            ours.log.write(&format!("session {id} is over"));
        });
        Ok(opened)
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.all().get_mut(id) {
            change(entry);
        }
    }

    fn over(&self, id: &str, now: Timestamp) {
        let mut all = self.all();
        if let Some(entry) = all.get_mut(id) {
            entry.session.ended = Some(now);
            entry.token = None;
        }
        let ended = all.values().filter_map(|entry| Some((entry.session.ended?, entry.session.id.clone())));
        let mut ended: Vec<_> = ended.collect();
        ended.sort();
        for (_, id) in ended.iter().rev().skip(REMEMBERED) {
            all.remove(id);
        }
    }

    /// What is known of a session.
    pub fn get(&self, id: &str) -> Option<Session> {
        self.all().get(id).map(|entry| entry.session.clone())
    }

    /// All of them, the newest first.
    pub fn list(&self) -> Vec<Session> {
        let mut sessions: Vec<_> = self.all().values().map(|entry| entry.session.clone()).collect();
        sessions.sort_by(|one, other| other.started.cmp(&one.started).then_with(|| one.id.cmp(&other.id)));
        sessions
    }

    /// A new token for a session, in place of the one before; none when it is over.
    pub fn resume(&self, id: &str) -> Option<String> {
        let mut all = self.all();
        let entry = all.get_mut(id).filter(|entry| entry.session.ended.is_none())?;
        entry.token = Some(ids::hex(64));
        entry.token.clone()
    }

    /// Ends a session.
    pub fn terminate(&self, id: &str) {
        self.change(id, |entry| entry.end.cancel());
    }

    /// Ends all sessions on a target that is gone.
    pub fn end_target(&self, target: &str) {
        self.all().values().filter(|entry| entry.session.target == target).for_each(|entry| entry.end.cancel());
    }

    /// Consumes the token of a session, which is valid once, and returns where to send the connection.
    pub fn admit(&self, id: &str, token: &str) -> Option<mpsc::Sender<Link>> {
        use subtle::ConstantTimeEq as _;

        let mut all = self.all();
        let entry = all.get_mut(id)?;
        let good = entry.token.as_ref().is_some_and(|own| own.as_bytes().ct_eq(token.as_bytes()).into());
        if good {
            entry.token = None;
        }
        good.then(|| entry.links.clone())
    }
}
