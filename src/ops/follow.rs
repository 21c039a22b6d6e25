//! Follows a stack's events from a known one to the end of the operation, and the services in it while they are in progress.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::patience::patiently;
use super::services::ServiceWatch;
use super::steady::until_steady;
use super::{Casualties, DeployEvent, OpsError, Result, Verdict};
use crate::aws::{Aws, ServiceName, Stack, StackEvent};

/// After something has happened, CloudFormation is asked again so soon.
const LIVELY: Duration = Duration::from_millis(300);
/// While nothing happens, this often: the end is told within a second.
const CALM: Duration = Duration::from_secs(1);
/// After so much silence it is told what goes on, as cdk does.
const SILENCE: Duration = Duration::from_secs(30);
/// So many quiet rounds before the stack's status alone is believed (some servers record no event of the stack itself).
const QUIET_ROUNDS: u32 = 5;
/// Until the operation is seen to have begun, the status may still be the one from before it: answers are eventually consistent.
const QUIET_ROUNDS_BEFORE: u32 = 30;

/// An operation on a stack that is being followed. [`Follow::run`] may be dropped and called again: no event is told twice, none is lost.
#[derive(Debug)]
pub(super) struct Follow {
    stack: String,
    arn: String,
    /// The newest event that has been told.
    seen: Option<String>,
    /// Resources that will be done, the stack itself (and its clean-up) included.
    total: usize,
    done: usize,
    /// Whether the operation is known to have begun.
    begun: bool,
    /// PRIMARY deployments from before, by the service's logical id.
    before: HashMap<String, String>,
    services: BTreeMap<String, ServiceWatch>,
    /// Logical ids of the resources in progress.
    in_progress: BTreeSet<String>,
    reasons: Vec<String>,
    own_reason: Option<String>,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub status: String,
    pub stack: Option<Stack>,
    /// `LogicalId (TYPE): reason` of what failed by itself, in order.
    pub reasons: Vec<String>,
    pub casualties: Vec<Casualties>,
    /// Services whose rollout failed, with the cause.
    pub failed: Vec<(String, String)>,
}

impl Follow {
    /// An operation that is about to begin: everything after the stack's newest event belongs to it.
    pub async fn upcoming(aws: &Aws, stack: &Stack, total: usize) -> Result<Self> {
        let seen = aws.newest_event_id(&stack.arn).await?;
        Ok(Self::new(stack, seen, total, false))
    }

    /// An operation that goes on already: its events are told from its beginning.
    pub async fn running(aws: &Aws, stack: &Stack) -> Result<Self> {
        let seen = aws.event_id_before_operation(&stack.arn).await?;
        Ok(Self::new(stack, seen, 0, true))
    }

    fn new(stack: &Stack, seen: Option<String>, total: usize, begun: bool) -> Self {
        Self {
            stack: stack.name.clone(),
            arn: stack.arn.clone(),
            seen,
            total,
            done: 0,
            begun,
            before: HashMap::new(),
            services: BTreeMap::new(),
            in_progress: BTreeSet::new(),
            reasons: Vec::new(),
            own_reason: None,
        }
    }

    /// Remembers the PRIMARY deployments of the stack's services, before anything begins.
    pub async fn remember_deployments(&mut self, aws: &Aws) -> Result<()> {
        for resource in aws.stack_resources(&self.arn).await? {
            if resource.resource_type != "AWS::ECS::Service" || !resource.exists() {
                continue;
            }
            let Some(name) = ServiceName::from_arn(&resource.physical_id) else { continue };
            // A service that cannot be described now is judged by the times of its deployments.
            let state = aws.service_state(&name).await.ok().flatten();
            let primary = state.and_then(|state| state.deployments.into_iter().find(|one| one.status == "PRIMARY"));
            self.before.extend(primary.map(|primary| (resource.logical_id, primary.id)));
        }
        Ok(())
    }

    /// Emits every event until the stack is at rest.
    pub async fn run(&mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) -> Result<Ended> {
        let (mut pause, mut quiet, mut told) = (LIVELY, 0, Instant::now());
        loop {
            let events = patiently(async || aws.stack_events_after(&self.arn, self.seen.as_deref()).await).await?;
            if events.is_empty() {
                (pause, quiet) = ((pause * 3 / 2).min(CALM), quiet + 1);
            } else {
                (pause, quiet, told) = (LIVELY, 0, Instant::now());
            }
            if told.elapsed() >= SILENCE {
                told = Instant::now();
                let resources = self.in_progress.iter().cloned().collect();
                let (done, total) = (self.done, self.total.max(self.done));
                emit(DeployEvent::InProgress { stack: self.stack.clone(), done, total, resources });
            }
            let end = self.hear(&events, emit);
            for watch in self.services.values_mut() {
                watch.look(aws, emit).await;
            }
            if end.is_some() || quiet >= if self.begun { QUIET_ROUNDS } else { QUIET_ROUNDS_BEFORE } {
                let stack = patiently(async || aws.stack(&self.arn).await).await?;
                let now = stack.as_ref().map_or("DELETE_COMPLETE", |stack| &stack.status).to_owned();
                let status = end.unwrap_or(now);
                if is_at_rest(&status) && status != "REVIEW_IN_PROGRESS" {
                    return Ok(self.ended(status, stack, aws, emit).await);
                }
                (quiet, self.begun) = (0, self.begun || !is_at_rest(&status));
            }
            sleep(pause).await;
        }
    }

    /// Tells events; the state in which the stack has come to rest, if it has.
    fn hear(&mut self, events: &[StackEvent], emit: &mut dyn FnMut(DeployEvent)) -> Option<String> {
        let mut end = None;
        for event in events {
            self.seen = Some(event.id.clone());
            self.begun = true;
            self.done += usize::from(is_complete(&event.status));
            if self.is_own(event) {
                end = is_at_rest(&event.status).then(|| event.status.clone());
                if event.status.contains("ROLLBACK") || event.status.ends_with("_FAILED") {
                    self.own_reason = self.own_reason.take().or_else(|| event.reason.clone());
                }
            }
            if event.status.ends_with("_IN_PROGRESS") && !self.is_own(event) {
                self.in_progress.insert(event.logical_id.clone());
            } else {
                self.in_progress.remove(&event.logical_id);
            }
            self.watch(event);
            self.reasons.extend(own_failure(event));
            emit(DeployEvent::Resource {
                stack: self.stack.clone(),
                done: self.done,
                total: self.total.max(self.done),
                resource: event.clone().into(),
            });
        }
        end
    }

    /// Learns from an event which services are in progress, and tells it to those that are.
    fn watch(&mut self, event: &StackEvent) {
        let begins = matches!(event.status.as_str(), "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS");
        if event.resource_type == "AWS::ECS::Service"
            && begins
            && let Some(name) = ServiceName::from_arn(&event.physical_id)
        {
            let before = self.before.get(&event.logical_id).cloned();
            let new = || ServiceWatch::new(name, &event.logical_id, before);
            self.services.entry(event.logical_id.clone()).or_insert_with(new);
        }
        self.services.values_mut().for_each(|watch| watch.hear(event));
    }

    /// Waits until the services of the stack are steady.
    pub async fn until_steady(&mut self, aws: &Aws, limit: Duration, emit: &mut dyn FnMut(DeployEvent)) -> Result<()> {
        let mut watches: Vec<&mut ServiceWatch> = self.services.values_mut().collect();
        until_steady(aws, &mut watches, limit, emit).await
    }

    /// The tasks that stopped, cause by cause.
    pub async fn casualties(&mut self, aws: &Aws, emit: &mut dyn FnMut(DeployEvent)) -> Vec<Casualties> {
        let mut casualties = Vec::new();
        for watch in self.services.values_mut() {
            casualties.extend(watch.casualties(aws, emit).await);
        }
        casualties
    }

    async fn ended(
        &mut self,
        status: String,
        stack: Option<Stack>,
        aws: &Aws,
        emit: &mut dyn FnMut(DeployEvent),
    ) -> Ended {
        // Without a resource that failed, the stack itself says why.
        let reasons =
            if self.reasons.is_empty() { self.own_reason.clone().into_iter().collect() } else { self.reasons.clone() };
        let casualties = self.casualties(aws, emit).await;
        let failed = self.services.values().filter_map(|watch| match watch.verdict() {
            Verdict::Failed(cause) => Some((watch.name().service.clone(), cause.clone())),
            _ => None,
        });
        let failed = failed.collect();
        Ended { status, stack, reasons, casualties, failed }
    }

    fn is_own(&self, event: &StackEvent) -> bool {
        event.resource_type == "AWS::CloudFormation::Stack" && event.physical_id == self.arn
    }
}

impl Ended {
    /// Success is a COMPLETE state that is not a rollback, with every service on the deployment that was made for it.
    pub fn into_result(mut self, name: &str, wanted: &[&str]) -> Result<Option<Stack>> {
        let failed = self.failed.pop().map(|failed| (failed, self.casualties.clone()));
        let stack = self.into_stack(name, wanted)?;
        match failed {
            Some(((service, reason), casualties)) => Err(OpsError::RolloutFailed { service, reason, casualties }),
            None => Ok(stack),
        }
    }

    /// The stack, if it has come to rest in a wanted state.
    pub fn into_stack(self, name: &str, wanted: &[&str]) -> Result<Option<Stack>> {
        let Self { status, stack, mut reasons, casualties, failed: _ } = self;
        if wanted.contains(&status.as_str()) {
            return Ok(stack);
        }
        if reasons.is_empty() {
            reasons.extend(stack.and_then(|stack| stack.status_reason));
        }
        Err(OpsError::StackFailed { stack: name.to_owned(), status, reasons, casualties })
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
