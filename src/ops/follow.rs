//! Follows a stack's events from a known one to the end of the operation.

use std::time::Duration;

use tokio::time::sleep;

use super::casualties::Casualties;
use super::patience::patiently;
use super::{DeployEvent, OpsError, Result};
use crate::aws::{Aws, Stack, StackEvent};

/// While something happens, CloudFormation is asked this often.
const LIVELY: Duration = Duration::from_millis(300);
/// While nothing happens, this often.
const CALM: Duration = Duration::from_secs(2);
/// So many quiet rounds before the stack's status alone is believed (some servers record no event of the stack itself).
const QUIET_ROUNDS: u32 = 5;
/// Until the operation is seen to have begun, the status may still be the one from before it: answers are eventually consistent.
const QUIET_ROUNDS_BEFORE: u32 = 30;

/// The operation to follow.
pub(super) struct Follow<'a> {
    pub stack: &'a str,
    pub arn: &'a str,
    /// The newest event from before the operation.
    pub seen: Option<String>,
    /// Changes of the change set, the stack itself (and its clean-up) included.
    pub total: usize,
    /// Whether the operation is known to have begun.
    pub begun: bool,
}

/// How it ended.
pub(super) struct Ended {
    pub status: String,
    pub stack: Option<Stack>,
    /// `LogicalId (TYPE): reason` of what failed by itself, in order.
    pub reasons: Vec<String>,
}

impl Follow<'_> {
    /// Emits every event until the stack is at rest.
    pub async fn run(mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) -> Result<Ended> {
        let (mut pause, mut quiet, mut done) = (LIVELY, 0, 0);
        let (mut reasons, mut own_reason, mut casualties) = (Vec::new(), None, Casualties::default());
        loop {
            let events = patiently(async || aws.stack_events_after(self.arn, self.seen.as_deref()).await).await?;
            if events.is_empty() {
                (pause, quiet) = ((pause * 3 / 2).min(CALM), quiet + 1);
            } else {
                (pause, quiet) = (LIVELY, 0);
            }
            let mut end = None;
            for event in events {
                self.seen = Some(event.id.clone());
                self.begun = true;
                done += usize::from(is_complete(&event.status));
                if self.is_own(&event) {
                    end = is_at_rest(&event.status).then(|| event.status.clone());
                }
                casualties.hear(&event);
                reasons.extend(own_failure(&event));
                if self.is_own(&event) && (event.status.contains("ROLLBACK") || event.status.ends_with("_FAILED")) {
                    own_reason = own_reason.or_else(|| event.reason.clone());
                }
                emit(DeployEvent::Resource {
                    stack: self.stack.to_owned(),
                    done,
                    total: self.total.max(done),
                    resource: event.into(),
                });
            }
            casualties.look(aws, emit).await;
            if end.is_some() || quiet >= if self.begun { QUIET_ROUNDS } else { QUIET_ROUNDS_BEFORE } {
                let stack = patiently(async || aws.stack(self.arn).await).await?;
                let now = stack.as_ref().map_or("DELETE_COMPLETE", |stack| &stack.status).to_owned();
                let status = end.unwrap_or(now);
                if is_at_rest(&status) && status != "REVIEW_IN_PROGRESS" {
                    // Without a resource that failed, the stack itself says why.
                    if reasons.is_empty() {
                        reasons.extend(own_reason);
                    }
                    reasons.extend(casualties.causes());
                    return Ok(Ended { status, stack, reasons });
                }
                (quiet, self.begun) = (0, self.begun || !is_at_rest(&status));
            }
            sleep(pause).await;
        }
    }

    fn is_own(&self, event: &StackEvent) -> bool {
        event.resource_type == "AWS::CloudFormation::Stack" && event.physical_id == self.arn
    }
}

impl Ended {
    /// Success is a COMPLETE state that is not a rollback.
    pub fn into_result(self, stack: &str, wanted: &[&str]) -> Result<Option<Stack>> {
        if wanted.contains(&self.status.as_str()) {
            return Ok(self.stack);
        }
        let own = self.stack.and_then(|stack| stack.status_reason).filter(|_| self.reasons.is_empty());
        let reasons = self.reasons.into_iter().chain(own).collect();
        Err(OpsError::StackFailed { stack: stack.to_owned(), status: self.status, reasons })
    }
}

/// Nothing goes on in this state.
pub(super) fn is_at_rest(status: &str) -> bool {
    !status.ends_with("_IN_PROGRESS") || status == "REVIEW_IN_PROGRESS"
}

/// As cdk counts: the change from an update to its clean-up is a step of its own.
fn is_complete(status: &str) -> bool {
    status.ends_with("_COMPLETE") || status.ends_with("_COMPLETE_CLEANUP_IN_PROGRESS") || status == "DELETE_SKIPPED"
}

/// Why a resource failed by itself; what was only cancelled with it explains nothing.
fn own_failure(event: &StackEvent) -> Option<String> {
    let reason = event.reason.as_deref()?;
    let cancelled = reason.contains("cancelled");
    let failed = event.status.ends_with("_FAILED") && event.resource_type != "AWS::CloudFormation::Stack";
    (failed && !cancelled).then(|| format!("{} ({}): {reason}", event.logical_id, event.resource_type))
}
