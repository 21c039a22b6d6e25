//! Follows scaling activities to their end: a service has its new count, or another one, or is gone.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::activities::{Activity, Status};
use super::service_of;
use crate::Sandbox;
use crate::services::autoscaling::State;
use crate::services::ecs::scaling;
use crate::store::World;

/// The world changes often, and activities end seldom.
const PAUSE: Duration = Duration::from_millis(100);

/// Looks after every change of the world, as long as the sandbox runs.
pub(super) async fn follow(sandbox: Arc<Sandbox>) {
    let mut changes = sandbox.world.changes();
    loop {
        changes.borrow_and_update();
        settle(&sandbox);
        if changes.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn settle(sandbox: &Sandbox) {
    let ended: Vec<(String, (Status, String))> = sandbox.world.read(|world| {
        let activities = world.of::<State>().activities.iter();
        activities.filter_map(|(key, activity)| Some((key.to_owned(), ending(world, activity)?))).collect()
    });
    if ended.is_empty() {
        return;
    }
    let now = sandbox.clock.now();
    // What cannot be written now is seen again after the next change.
    let _ = sandbox.world.write(|world| {
        for (key, (status, message)) in ended {
            let Some(activity) = world.of_mut::<State>().activities.get_mut(&key) else { continue };
            activity.end(status, message, now);
            let activity = activity.clone();
            if status == Status::Successful {
                begin_cooldown(world, &activity, now);
            }
        }
        Ok(())
    });
}

/// The cooldown that follows on an activity is reckoned from its end.
fn begin_cooldown(world: &mut World, activity: &Activity, now: Timestamp) {
    if let Some(target) = world.of_mut::<State>().targets.get_mut(&activity.resource_id)
        && let Some(cooldown) = &mut target.cooldown
        && cooldown.began == activity.at
    {
        cooldown.began = now;
    }
}

/// How an activity that is under way ended, if it did.
fn ending(world: &World, activity: &Activity) -> Option<(Status, String)> {
    let count = activity.count.filter(|_| activity.status == Status::InProgress)?;
    let set = format!("Successfully set desired count to {count}.");
    let (cluster, service) = service_of(&activity.resource_id).ok()?;
    match scaling::capacity(world, &cluster, &service) {
        None => Some((Status::Unfulfilled, format!("{set} The service is no longer active."))),
        Some(capacity) if capacity.desired != count => {
            Some((Status::Overridden, format!("{set} Found it was later changed to {}.", capacity.desired)))
        }
        Some(capacity) if capacity.running == count => {
            Some((Status::Successful, format!("{set} Change successfully fulfilled by ecs.")))
        }
        Some(_) => None,
    }
}
