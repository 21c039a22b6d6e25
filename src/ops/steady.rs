//! Waits until a service runs what it shall run.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::services::ServiceWatch;
use super::{DeployEvent, OpsError, Result, Verdict};
use crate::aws::{Aws, ServiceName};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_secs(1);

/// Looks at a service whose update began at `since` until its rollout is complete, has failed, or `limit` has passed.
pub async fn wait_until_steady(
    aws: &Aws,
    name: &ServiceName,
    since: Timestamp,
    limit: Duration,
    emit: &mut dyn FnMut(DeployEvent),
) -> Result<()> {
    let mut watch = ServiceWatch::new(name.clone(), "", None);
    watch.begin(since);
    until_steady(aws, &mut [&mut watch], limit, emit).await
}

/// Looks at services in progress until every rollout is complete. The first that fails is the failure.
pub(super) async fn until_steady(
    aws: &Aws,
    watches: &mut [&mut ServiceWatch],
    limit: Duration,
    emit: &mut dyn FnMut(DeployEvent),
) -> Result<()> {
    let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let mut all_done = true;
        for watch in watches.iter_mut() {
            if *watch.verdict() != Verdict::Done {
                watch.look(aws, emit).await;
            }
            let service = watch.name().service.clone();
            match watch.verdict().clone() {
                Verdict::Done => {}
                Verdict::Failed(reason) => {
                    let casualties = watch.casualties(aws, emit).await;
                    return Err(OpsError::RolloutFailed { service, reason, casualties });
                }
                Verdict::Waiting | Verdict::Rolling if begun.elapsed() >= limit => {
                    let casualties = watch.casualties(aws, emit).await;
                    return Err(OpsError::NotSteady { service, seconds: limit.as_secs(), casualties });
                }
                Verdict::Waiting | Verdict::Rolling => all_done = false,
            }
        }
        if all_done {
            return Ok(());
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE);
    }
}
