//! What ends a watch: the deployment or the tasks of a service.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use crate::aws::{Aws, AwsError};
use crate::model::{ServiceName, ServiceState, Task};
use crate::ops::retry::retry_if;
use crate::ops::rollout::{Observation, Rollout, RolloutState};
use crate::ops::{OpsError, Result, locate_service};

const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Waits until the deployment of a stack's service is complete. A service that does not exist yet is awaited.
///
/// # Errors
/// The deployment failed or was replaced.
pub(crate) async fn deployment_end(aws: &Aws, stack: &str) -> Result<()> {
    let service = awaited_service(aws, stack).await?;
    let mut rollout = Rollout::new("", None);
    rollout.start(Timestamp::MIN);
    let mut has_read = false;
    loop {
        let state = read(aws, &mut has_read, async || aws.service_state(&service).await).await?;
        let service_state = Some(state.unwrap_or_else(ServiceState::missing));
        rollout.apply(&Observation { service: service_state, ..Observation::default() });
        match rollout.state() {
            RolloutState::Done => return Ok(()),
            RolloutState::Failed(reason) => {
                let (service, reason) = (service.service, reason.clone());
                return Err(OpsError::RolloutFailed { service, reason, stopped_tasks: Vec::new() });
            }
            RolloutState::Waiting | RolloutState::Rolling => sleep(POLL_INTERVAL).await,
        }
    }
}

/// Waits until no task of a stack's service runs, among those whose ids start with `id`. Returns those that stopped meanwhile.
///
/// # Errors
/// The service has no such task, or has had none within the last hour.
pub(crate) async fn tasks_end(aws: &Aws, stack: &str, id: Option<&str>) -> Result<Vec<Task>> {
    let service = awaited_service(aws, stack).await?;
    let (mut awaited, mut has_read) = (Vec::<String>::new(), false);
    loop {
        let running = read(aws, &mut has_read, async || aws.tasks(&service).await).await?;
        let stopped = read(aws, &mut has_read, async || aws.stopped_tasks(&service).await).await?;
        let is_selected = |task: &Task| id.is_none_or(|id| task.id.starts_with(id));
        let is_running = running.iter().any(is_selected);
        for task in running.into_iter().filter(is_selected) {
            if !awaited.contains(&task.id) {
                awaited.push(task.id);
            }
        }
        let is_awaited = |task: &Task| awaited.contains(&task.id) || (id.is_some() && is_selected(task));
        let mut ended: Vec<Task> = stopped.into_iter().filter(is_awaited).collect();
        // A task that is to stop may print until it has.
        if !is_running && ended.iter().all(|task| task.last_status == "STOPPED") {
            if let (Some(id), true) = (id, ended.is_empty()) {
                let message = format!("no task of service `{}` has an id that starts with `{id}`", service.service);
                return Err(OpsError::Missing { message, stack: None });
            }
            ended.sort_by_key(|task| task.stopped);
            return Ok(ended);
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// Calls AWS until it succeeds. A watch does not end because of an error, unless the first call fails and may not succeed later.
async fn read<T>(
    aws: &Aws,
    has_read: &mut bool,
    call: impl AsyncFnMut() -> std::result::Result<T, AwsError>,
) -> Result<T> {
    let result = retry_if(aws.waits(), None, |error: &AwsError| *has_read || error.is_transient(), call).await?;
    *has_read = true;
    Ok(result)
}

/// The service of a stack, once it exists.
async fn awaited_service(aws: &Aws, stack: &str) -> Result<ServiceName> {
    let is_retryable = |error: &OpsError| error.is_transient() || matches!(error, OpsError::Missing { .. });
    retry_if(aws.waits(), None, is_retryable, async || locate_service(aws, stack).await).await
}
