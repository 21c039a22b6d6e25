//! Follows scaling activities to their end: the service has reached the count, was given another one, or was deleted.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::activities::{Activity, ActivityStatus};
use super::service_of;
use crate::Sandbox;
use crate::services::autoscaling::State;
use crate::services::ecs::scaling;
use crate::store::States;

/// Changes of the state are frequent and activities end rarely, so several changes are handled together.
const DEBOUNCE: Duration = Duration::from_millis(100);

/// Checks all activities after changes of the state.
pub(super) async fn follow(sandbox: Arc<Sandbox>) {
    let mut changes = sandbox.store.changes();
    loop {
        changes.borrow_and_update();
        update_activities(&sandbox);
        if changes.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(DEBOUNCE).await;
    }
}

fn update_activities(sandbox: &Sandbox) {
    let ended: Vec<(String, (ActivityStatus, String))> = sandbox.store.read(|states| {
        let activities = states.of::<State>().activities.iter();
        activities.filter_map(|(key, activity)| Some((key.to_owned(), ending(states, activity)?))).collect()
    });
    if ended.is_empty() {
        return;
    }
    let now = sandbox.clock.now();
    // A failed write is retried after the next change.
    let _ = sandbox.store.write(|states| {
        for (key, (status, message)) in ended {
            let Some(activity) = states.of_mut::<State>().activities.get_mut(&key) else { continue };
            activity.end(status, message, now);
            let activity = activity.clone();
            if status == ActivityStatus::Successful {
                restart_cooldown(states, &activity, now);
            }
        }
        Ok(())
    });
}

/// Restarts the cooldown after an activity: it counts from the activity's end.
fn restart_cooldown(states: &mut States, activity: &Activity, now: Timestamp) {
    if let Some(target) = states.of_mut::<State>().targets.get_mut(&activity.resource_id)
        && let Some(cooldown) = &mut target.cooldown
        && cooldown.began == activity.at
    {
        cooldown.began = now;
    }
}

/// The final status of an activity in progress, if it has ended.
fn ending(states: &States, activity: &Activity) -> Option<(ActivityStatus, String)> {
    let count = activity.count.filter(|_| activity.status == ActivityStatus::InProgress)?;
    let set = format!("Successfully set desired count to {count}.");
    let (cluster, service) = service_of(&activity.resource_id).ok()?;
    match scaling::capacity(states, &cluster, &service) {
        None => Some((ActivityStatus::Unfulfilled, format!("{set} The service is no longer active."))),
        Some(capacity) if capacity.desired != count => {
            Some((ActivityStatus::Overridden, format!("{set} Found it was later changed to {}.", capacity.desired)))
        }
        Some(capacity) if capacity.running == count => {
            Some((ActivityStatus::Successful, format!("{set} Change successfully fulfilled by ecs.")))
        }
        Some(_) => None,
    }
}
