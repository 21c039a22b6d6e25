//! Works through resources in the order of their dependencies, independent ones at the same time.

use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;

use tokio::task::{Id, JoinError, JoinSet};

use super::Operation;
use crate::Fault;
use crate::cloudformation::template::check::Dependencies;
use crate::cloudformation::template::invalid;

/// Resources of a stack that are worked on at the same time: more would keep other callers waiting.
const AT_ONCE: usize = 16;

/// How the work ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What failed.
    pub failed: Vec<String>,
    /// What was under way when another failed.
    pub cancelled: Vec<String>,
    /// Whether the stack was given another status meanwhile.
    pub interrupted: bool,
    /// Whether it took longer than it may.
    pub timed_out: bool,
    /// What the sandbox itself failed with, as it does when the disk is full: no fault of the resource's.
    pub broke: Option<Fault>,
}

/// Work on one resource.
pub type Work = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>;

/// Turns dependencies round: what has to go before what.
pub fn reversed(dependencies: &Dependencies) -> Dependencies {
    let mut reversed: Dependencies = dependencies.keys().map(|name| (name.clone(), Vec::new())).collect();
    for (name, needs) in dependencies {
        for need in needs {
            if let Some(users) = reversed.get_mut(need) {
                users.push(name.clone());
            }
        }
    }
    reversed
}

/// Works on every resource after those that it needs; a failure only stops what needs the failed one. The fault is one of the
/// sandbox itself: then all that is left is to be tried again.
pub async fn run_all(
    operation: &Operation,
    waiting: Dependencies,
    work: impl Fn(Operation, String) -> Work,
) -> Result<Outcome, Fault> {
    let outcome = run(operation, waiting, true, std::future::pending(), work).await;
    if outcome.interrupted { Ok(outcome) } else { outcome.broke.clone().map_or(Ok(outcome), Err) }
}

/// Works on every resource after those that it needs, until the deadline, and until a failure unless that is to leave what
/// does not need the failed one alone.
pub async fn run_until(
    operation: &Operation,
    waiting: Dependencies,
    keep_going: bool,
    deadline: impl Future<Output = ()>,
    work: impl Fn(Operation, String) -> Work,
) -> Outcome {
    run(operation, waiting, keep_going, deadline, work).await
}

async fn run(
    operation: &Operation,
    mut waiting: Dependencies,
    keep_going: bool,
    deadline: impl Future<Output = ()>,
    work: impl Fn(Operation, String) -> Work,
) -> Outcome {
    let mut deadline = std::pin::pin!(deadline);
    let mut outcome = Outcome::default();
    let mut tasks = JoinSet::new();
    let mut running = HashMap::<Id, String>::new();
    let mut changes = operation.sandbox.world.changes();
    loop {
        let room = AT_ONCE.saturating_sub(running.len());
        for name in ready(&waiting, &running, &outcome.failed, room) {
            waiting.remove(&name);
            running.insert(tasks.spawn(work(operation.clone(), name.clone())).id(), name);
        }
        if running.is_empty() {
            break;
        }
        tokio::select! {
            Some(done) = tasks.join_next_with_id() => {
                outcome.note(done, &mut running);
                if !outcome.failed.is_empty() && !keep_going {
                    break;
                }
            }
            () = &mut deadline => {
                outcome.timed_out = true;
                break;
            },
            _ = changes.changed() => if !operation.is_current() {
                outcome.interrupted = true;
                break;
            },
        }
    }
    tasks.abort_all();
    // What had ended by then has not been cancelled.
    while let Some(done) = tasks.join_next_with_id().await {
        outcome.note(done, &mut running);
    }
    outcome.cancelled = running.into_values().collect();
    outcome.cancelled.sort_unstable();
    outcome
}

impl Outcome {
    /// Takes in how a task ended; one that was cancelled stays among the running ones.
    fn note(&mut self, done: Result<(Id, Result<(), Fault>), JoinError>, running: &mut HashMap<Id, String>) {
        let (id, fault) = match done {
            Ok((id, result)) => (id, result.err()),
            Err(error) if error.is_cancelled() => return,
            Err(panic) => (panic.id(), Some(invalid("the work on a resource panicked"))),
        };
        let name = running.remove(&id).unwrap_or_default();
        if let Some(fault) = fault {
            self.failed.push(name);
            self.broke = self.broke.take().or(Some(fault).filter(Fault::is_internal));
        }
    }
}

/// The first resources, up to a number, whose dependencies are done.
fn ready(waiting: &Dependencies, running: &HashMap<Id, String>, failed: &[String], room: usize) -> Vec<String> {
    let under_way: BTreeSet<&String> = running.values().chain(failed).collect();
    let is_free =
        |needs: &Vec<String>| needs.iter().all(|need| !waiting.contains_key(need) && !under_way.contains(need));
    waiting.iter().filter(|(_, needs)| is_free(needs)).map(|(name, _)| name.clone()).take(room).collect()
}
