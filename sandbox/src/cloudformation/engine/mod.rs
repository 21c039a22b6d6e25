//! Runs the operations on stacks, phase by phase. All progress is in the store, so that an operation continues after a restart:
//! each phase can be started again at any point, and only does what remains.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::resources::{self, ResourceType};
use crate::base::{ids, supervisor};
use crate::cloudformation::State;
use crate::store::States;
use crate::{Fault, FaultKind, Sandbox};
use phase::StackPhase;

mod apply_template;
mod deletion;
mod graph;
mod outputs;
mod phase;
mod resource_operation;
mod rollback;
#[cfg(test)]
mod tests;

pub(super) use resource_operation::changed_properties;

/// The delay before a phase is retried after an internal failure, such as a full disk.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Continues the operations that an earlier process did not finish.
pub(super) fn resume(sandbox: &Arc<Sandbox>) {
    let discarded = sandbox.store.write(|states| {
        let interrupted: Vec<String> =
            states.of::<State>().uncommitted_creations.iter().map(|(resource, _)| resource.to_owned()).collect();
        for resource in &interrupted {
            discard_creation(states, resource);
        }
        states.of_mut::<State>().compact_deleted();
        Ok(())
    });
    // If this write fails, so do those of the phases below, which are retried.
    drop(discarded);
    let unfinished = sandbox.store.read(|states| {
        let stacks = states.of::<State>().stacks.values();
        stacks.filter(|stack| stack.status.is_in_progress()).map(|stack| stack.id.clone()).collect::<Vec<_>>()
    });
    for id in unfinished {
        start(sandbox, id);
    }
}

/// Removes the rows that the creation of a resource has inserted, unless it was completed.
fn discard_creation(states: &mut States, resource: &str) {
    if let Some(rows) = states.of_mut::<State>().uncommitted_creations.remove(resource) {
        states.remove_rows(&rows);
    }
}

/// Starts the operation of a stack, to which the caller has just given the status of the operation's first phase.
pub(super) fn start(sandbox: &Arc<Sandbox>, stack_id: String) {
    let background = Arc::clone(sandbox);
    sandbox.spawn(async move {
        while let Some(phase) = StackPhase::find(&background, &stack_id) {
            let result = match supervisor::catch(phase.run_phase()).await {
                // A retry would fail again, as with a stored template that this version of the sandbox does not accept.
                Ok(Err(fault)) if !fault.is_internal() => {
                    phase.finish(phase.status.on_failure(), Some(fault.message), |_| {})
                }
                Ok(result) => result,
                Err(panic) => {
                    background.log.write(&format!("the operation on stack {} is retried: {panic}", phase.stack_name));
                    Err(Fault::internal(panic))
                }
            };
            if result.is_err() {
                background.clock.sleep(RETRY_DELAY).await;
            }
            // The stack's next operation has its own task: this one must not run it.
            if phase.is_finished.load(Ordering::Acquire) {
                return;
            }
        }
    });
}

fn find_type(name: &str) -> Result<&'static ResourceType, Fault> {
    resources::find(name).ok_or_else(|| Fault::not_implemented(&format!("the resource type {name}")))
}

/// The status reason of a resource whose handler failed.
fn status_reason(fault: &Fault) -> String {
    let code = match fault.kind {
        FaultKind::Template => return fault.message.clone(),
        FaultKind::AlreadyExists => "AlreadyExists",
        FaultKind::NotFound => "NotFound",
        FaultKind::LimitExceeded => "ServiceLimitExceeded",
        FaultKind::NotStabilized => "NotStabilized",
        FaultKind::ServiceFailure => "GeneralServiceException",
        FaultKind::InvalidRequest | FaultKind::Inactive | FaultKind::NotServed | FaultKind::Internal => {
            "InvalidRequest"
        }
    };
    format!(
        "Resource handler returned message: \"{}\" (RequestToken: {}, HandlerErrorCode: {code})",
        fault.message,
        ids::uuid()
    )
}
