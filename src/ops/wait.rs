//! Waits until a service runs what it shall run.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::patience::patiently;
use super::{DeployEvent, OpsError, Result};
use crate::aws::{Aws, ServiceName};

const PAUSE: Duration = Duration::from_secs(1);

/// Polls the service until it is steady, its rollout fails, or `limit` has passed. Emits the counts whenever they change.
pub async fn wait_until_steady(
    aws: &Aws,
    name: &ServiceName,
    limit: Duration,
    emit: &mut dyn FnMut(DeployEvent),
) -> Result<()> {
    let begun = Instant::now();
    let mut told = None;
    let mut pause = Duration::from_millis(100);
    loop {
        let state = patiently(async || aws.service_state(name).await).await?;
        let state = state.ok_or_else(|| {
            OpsError::Missing(format!("there is no service `{}` in cluster `{}`", name.service, name.cluster))
        })?;
        let counts = (state.desired, state.running, state.pending);
        if told.replace(counts) != Some(counts) {
            let (desired, running, pending) = counts;
            emit(DeployEvent::Tasks { service: name.service.clone(), desired, running, pending });
        }
        if state.status != "ACTIVE" {
            return Err(OpsError::Gone(format!("service `{}` is {}; it", name.service, state.status)));
        }
        if state.is_steady() {
            return Ok(());
        }
        if let Some(failed) =
            state.deployments.iter().find(|deployment| deployment.rollout_state.as_deref() == Some("FAILED"))
        {
            let reason = failed.rollout_reason.clone().unwrap_or_else(|| "ECS gives no reason".to_owned());
            return Err(OpsError::RolloutFailed { service: name.service.clone(), reason });
        }
        if begun.elapsed() >= limit {
            let (desired, running, _) = counts;
            return Err(OpsError::NotSteady {
                service: name.service.clone(),
                seconds: limit.as_secs(),
                running,
                desired,
            });
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE);
    }
}
