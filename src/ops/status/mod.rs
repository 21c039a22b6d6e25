//! Reads the state of a service into one value for all views.

mod state_summary;
mod stopped_causes;

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::sleep;

use super::retry::retry_if;
use super::{OpsError, Result, locate_service};
use crate::aws::{Aws, AwsError};
use crate::model::{Deployment, DiscoveryService, ScalableTarget, ServiceEvent, ServiceName, ServiceState, Task};

pub use state_summary::{ServicePhase, StateSummary};
pub use stopped_causes::StoppedCause;

/// A service's state. This is the object of `status --output json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusReport {
    pub cluster: String,
    pub service: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`; `MISSING` if it does not exist.
    pub status: String,
    /// What it does, in words.
    pub summary: StateSummary,
    /// Whether the service is steady.
    pub steady: bool,
    pub desired: u32,
    pub running: u32,
    pub pending: u32,
    /// The deployments, PRIMARY first.
    pub deployments: Vec<Deployment>,
    /// The tasks that run or start.
    pub tasks: Vec<Task>,
    /// Why tasks stopped unexpectedly, the latest cause first.
    pub stopped: Vec<StoppedCause>,
    /// Its autoscaling, if any.
    pub scaling: Option<ScalableTarget>,
    /// The DNS names of the service, with the addresses of its tasks.
    pub discovery: Vec<DiscoveryService>,
    /// The local URL in the sandbox; filled in by the caller.
    pub url: Option<String>,
    /// The newest events first.
    pub events: Vec<ServiceEvent>,
    /// Calls that failed, with their errors.
    pub notes: Vec<String>,
}

impl StatusReport {
    /// The report of a service that is not deployed.
    pub(crate) fn not_deployed(service: &str) -> Self {
        let ServiceState { status, desired, running, pending, deployments, events, registries: _ } =
            ServiceState::missing();
        let summary = StateSummary { phase: ServicePhase::Missing, text: "not deployed".to_owned() };
        Self {
            cluster: String::new(),
            service: service.to_owned(),
            status,
            summary,
            steady: false,
            desired,
            running,
            pending,
            deployments,
            tasks: Vec::new(),
            stopped: Vec::new(),
            scaling: None,
            discovery: Vec::new(),
            url: None,
            events,
            notes: Vec::new(),
        }
    }
}

/// How many events are reported.
const MAX_EVENTS: usize = 10;

/// The report of a stack's service, which may not be deployed.
pub(crate) async fn service_status(aws: &Aws, key: &str, stack: &str, now: fn() -> Timestamp) -> Result<StatusReport> {
    match StatusReader::locate(aws, stack, false, now).await {
        Err(OpsError::Missing { .. }) => Ok(StatusReport::not_deployed(key)),
        reader => reader?.read().await,
    }
}

/// Reads the state of one service repeatedly.
#[derive(Debug)]
pub(crate) struct StatusReader<'a> {
    aws: &'a Aws,
    service: ServiceName,
    now: fn() -> Timestamp,
    /// The last result of [`StatusReader::next_change`].
    last: Option<RolloutKey>,
    /// Whether the service was read.
    has_read: bool,
}

/// What counts as a change: the desired, running and pending tasks, and the deployments.
type RolloutKey = (u32, u32, u32, Vec<Deployment>);

/// How often a service is read while it is watched.
pub(crate) const STATUS_POLL_INTERVAL: Duration = Duration::from_secs(2);

impl<'a> StatusReader<'a> {
    /// A reader for the service of a stack. A watch waits until AWS can be reached.
    pub(crate) async fn locate(aws: &'a Aws, stack: &str, watch: bool, now: fn() -> Timestamp) -> Result<Self> {
        let is_retryable = |error: &OpsError| watch && error.is_transient();
        let service = retry_if(aws.waits(), None, is_retryable, async || locate_service(aws, stack).await).await?;
        Ok(Self { aws, service, now, last: None, has_read: false })
    }

    /// Reads the service until its counts or deployments have changed. The first call returns what it reads.
    pub(crate) async fn next_change(&mut self) -> Result<StatusReport> {
        loop {
            if self.last.is_some() {
                sleep(STATUS_POLL_INTERVAL).await;
            }
            let report = self.read_until_success().await?;
            let key = (report.desired, report.running, report.pending, report.deployments.clone());
            if self.last.as_ref() != Some(&key) {
                self.last = Some(key);
                return Ok(report);
            }
        }
    }

    /// Reads the service for a watch, which does not end because of an error, unless the first read fails and may not succeed later.
    pub(crate) async fn read_until_success(&mut self) -> Result<StatusReport> {
        let is_retryable = |error: &OpsError| self.has_read || error.is_transient();
        let report = retry_if(self.aws.waits(), None, is_retryable, async || self.read().await).await?;
        self.has_read = true;
        Ok(report)
    }

    /// Reads the service from ECS, Application Auto Scaling and Cloud Map.
    pub(crate) async fn read(&self) -> Result<StatusReport> {
        // The calls together are a large future.
        Box::pin(self.read_report()).await
    }

    async fn read_report(&self) -> Result<StatusReport> {
        let Self { aws, service: name, .. } = self;
        let (state, tasks, stopped, scaling) =
            tokio::join!(aws.service_state(name), aws.tasks(name), aws.stopped_tasks(name), aws.scalable_target(name));
        let (state, tasks, mut notes) = (state?.unwrap_or_else(ServiceState::missing), tasks?, Vec::new());
        let mut note = |error: AwsError| notes.push(error.to_string());
        let scaling = scaling.map_err(&mut note).unwrap_or_default();
        let now = (self.now)();
        let stopped = stopped.map_err(&mut note).unwrap_or_default();
        let mut stopped = StoppedCause::of_tasks(&stopped, state.primary_deployment(), now);
        StoppedCause::read_lines(&mut stopped, aws).await;
        let summary = StateSummary::new(&state, &tasks, &stopped);
        let ServiceState { status, desired, running, pending, deployments, mut events, registries } = state;
        let mut discovery = Vec::new();
        for arn in &registries {
            discovery.extend(aws.discovery_service(arn).await.map_err(&mut note).ok());
        }
        events.truncate(MAX_EVENTS);
        Ok(StatusReport {
            cluster: name.cluster.clone(),
            service: name.service.clone(),
            status,
            steady: summary.is_steady(),
            summary,
            desired,
            running,
            pending,
            deployments,
            tasks,
            stopped,
            scaling,
            discovery,
            url: None,
            events,
            notes,
        })
    }
}
