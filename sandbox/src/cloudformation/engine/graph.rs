//! Runs work on resources in the order of their dependencies, independent ones concurrently.

use std::collections::{BTreeSet, HashMap};
use std::pin::Pin;

use tokio::task::{Id, JoinError, JoinSet};

use super::phase::StackPhase;
use crate::Fault;
use crate::cloudformation::template::invalid;
use crate::cloudformation::template::template_check::Dependencies;

/// How many resources of a stack are worked on at the same time: more would keep other callers waiting.
const MAX_CONCURRENT: usize = 16;

/// How the work ended.
#[derive(Debug, Default)]
pub(super) struct GraphResult {
    /// The resources whose work failed.
    pub failed: Vec<String>,
    /// The resources whose work was running when it was stopped.
    pub cancelled: Vec<String>,
    /// Whether a request has given the stack another status meanwhile.
    pub interrupted: bool,
    /// Whether the deadline has passed.
    pub timed_out: bool,
    /// A failure of the sandbox itself, such as a full disk.
    pub internal_fault: Option<Fault>,
}

pub(super) type ResourceFuture = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>;

/// The dependencies for a deletion: each resource with those that depend on it.
pub(super) fn reversed(dependencies: &Dependencies) -> Dependencies {
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

/// Works on every resource after its dependencies; a failure only stops those that depend on the failed one.
///
/// # Errors
/// When the sandbox itself failed: the phase is to be retried.
pub(super) async fn run_all(
    phase: &StackPhase,
    waiting: Dependencies,
    work: impl Fn(StackPhase, String) -> ResourceFuture,
) -> Result<GraphResult, Fault> {
    let outcome = run_until(phase, waiting, true, std::future::pending(), work).await;
    if outcome.interrupted { Ok(outcome) } else { outcome.internal_fault.clone().map_or(Ok(outcome), Err) }
}

/// Works on every resource after its dependencies, until the deadline, and unless `keep_going`, until the first failure.
pub(super) async fn run_until(
    phase: &StackPhase,
    mut waiting: Dependencies,
    keep_going: bool,
    deadline: impl Future<Output = ()>,
    work: impl Fn(StackPhase, String) -> ResourceFuture,
) -> GraphResult {
    let mut deadline = std::pin::pin!(deadline);
    let mut outcome = GraphResult::default();
    let mut tasks = JoinSet::new();
    let mut running = HashMap::<Id, String>::new();
    let mut changes = phase.sandbox.store.changes();
    loop {
        let limit = MAX_CONCURRENT.saturating_sub(running.len());
        for name in ready(&waiting, &running, &outcome.failed, limit) {
            waiting.remove(&name);
            running.insert(tasks.spawn(work(phase.clone(), name.clone())).id(), name);
        }
        if running.is_empty() {
            break;
        }
        tokio::select! {
            Some(done) = tasks.join_next_with_id() => {
                outcome.record(done, &mut running);
                if !outcome.failed.is_empty() && !keep_going {
                    break;
                }
            }
            () = &mut deadline => {
                outcome.timed_out = true;
                break;
            },
            _ = changes.changed() => if !phase.is_current() {
                outcome.interrupted = true;
                break;
            },
        }
    }
    tasks.abort_all();
    // Work that ended before it was aborted is not cancelled.
    while let Some(done) = tasks.join_next_with_id().await {
        outcome.record(done, &mut running);
    }
    outcome.cancelled = running.into_values().collect();
    outcome.cancelled.sort_unstable();
    outcome
}

impl GraphResult {
    /// Records how a task ended; a cancelled one stays among the running ones.
    fn record(&mut self, done: Result<(Id, Result<(), Fault>), JoinError>, running: &mut HashMap<Id, String>) {
        let (id, fault) = match done {
            Ok((id, result)) => (id, result.err()),
            Err(error) if error.is_cancelled() => return,
            Err(panic) => (panic.id(), Some(invalid("the work on a resource panicked"))),
        };
        let name = running.remove(&id).unwrap_or_default();
        if let Some(fault) = fault {
            self.failed.push(name);
            self.internal_fault = self.internal_fault.take().or(Some(fault).filter(Fault::is_internal));
        }
    }
}

/// The first resources, up to a limit, whose dependencies are done.
fn ready(waiting: &Dependencies, running: &HashMap<Id, String>, failed: &[String], limit: usize) -> Vec<String> {
    let not_done: BTreeSet<&String> = running.values().chain(failed).collect();
    let is_ready =
        |needs: &Vec<String>| needs.iter().all(|need| !waiting.contains_key(need) && !not_done.contains(need));
    waiting.iter().filter(|(_, needs)| is_ready(needs)).map(|(name, _)| name.clone()).take(limit).collect()
}
