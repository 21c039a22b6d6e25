//! Executes scaling policies when an alarm triggers them.

use std::sync::Arc;

use jiff::Timestamp;

use super::activities::{Activity, is_recorded};
use super::configuration::Configuration;
use super::decision::{CapacityRequest, CooldownScaling, Decision, ScalingState, TrackedMetric, decide};
use super::targets::Cooldown;
use super::{ScalableTarget, ScalingPolicy, service_of, validation_exception};
use crate::base::arn::Arn;
use crate::core::hooks::AlarmTrigger;
use crate::services::autoscaling::State;
use crate::services::cloudwatch::{self, AlarmSettings};
use crate::services::ecs::scaling;
use crate::store::States;
use crate::{Fault, Sandbox};

/// The capacity that a policy requests, and the cooldown after that.
struct ScalingRequest {
    request: CapacityRequest,
    cooldown: Cooldowns,
}

/// The cooldowns after scaling out and in, in seconds.
struct Cooldowns {
    scale_out: u64,
    scale_in: u64,
}

/// Whether an action of an alarm names a scaling policy of an ECS service.
pub(crate) fn is_policy(action: &str) -> bool {
    Arn::parse(action).is_some_and(|arn| {
        arn.service == "autoscaling"
            && arn.resource.starts_with("scalingPolicy:")
            && arn.resource.contains(":resource/ecs/")
    })
}

/// Executes the scaling policy that an alarm's action names.
///
/// # Errors
/// When the policy or its service does not exist, or the database fails.
pub(crate) fn execute(sandbox: &Arc<Sandbox>, action: &str, trigger: &AlarmTrigger<'_>) -> Result<(), Fault> {
    let arn = action.split(":createdBy/").next().unwrap_or_default();
    let policy_and_target = sandbox.store.read(|states| {
        let policy = states.of::<State>().policies.values().find(|policy| policy.arn(&sandbox.config) == arn)?;
        Some((policy.clone(), states.of::<State>().targets.get(&policy.resource_id)?.clone()))
    });
    let (policy, target) =
        policy_and_target.ok_or_else(|| validation_exception(format!("No scaling policy found: {arn}")))?;
    let Some(request) = request(sandbox, &policy, trigger)? else { return Ok(()) };
    let cause = format!("monitor alarm {} in state {} triggered policy {}", trigger.alarm, trigger.state, policy.name);
    let changes = |states: &States| match plan(sandbox, states, &target, &request.request)? {
        Decision::Set(_) => Ok(true),
        Decision::NotScaled(reason) => Ok(!is_recorded(states, &target.resource_id, &cause, reason)),
        Decision::Wait => Ok::<bool, Fault>(false),
    };
    if !sandbox.store.read(changes)? {
        return Ok(());
    }
    sandbox.store.write(|states| apply(sandbox, states, &target.resource_id, &request, &cause))
}

/// The request of a policy, if it requests any scaling.
fn request(
    sandbox: &Sandbox,
    policy: &ScalingPolicy,
    trigger: &AlarmTrigger<'_>,
) -> Result<Option<ScalingRequest>, Fault> {
    let (request, cooldown) = match policy.configuration()? {
        Configuration::StepScaling(step) => {
            // Without data, a user has set the state for a test: the metric counts as being at the threshold.
            let value = step.aggregate(&trigger.values).unwrap_or(trigger.threshold);
            let request = CapacityRequest::from_step(&step, value - trigger.threshold, trigger.above_threshold);
            (request, Cooldowns { scale_out: step.cooldown(), scale_in: step.cooldown() })
        }
        Configuration::TargetTracking(tracking) => {
            let request = if policy.alarms.low.as_deref() == Some(trigger.alarm) {
                scale_in_request(sandbox, policy, trigger)?
            } else {
                let values = values_or_current(sandbox, trigger.alarm, &trigger.values)?;
                let target = tracking.target_value;
                // A value that is not above the target, although the alarm is in state `ALARM`, changes nothing.
                values
                    .last()
                    .map(|value| CapacityRequest::Track(vec![TrackedMetric { value: value.max(target), target }]))
            };
            (request, Cooldowns { scale_out: tracking.cooldown(true), scale_in: tracking.cooldown(false) })
        }
    };
    Ok(request.map(|request| ScalingRequest { request, cooldown }))
}

/// The request for scaling in. All target tracking policies of the target that may scale in must be in state `ALARM`,
/// none may request scaling out at the same time, and the largest capacity that one of them needs is used. Each is
/// represented by its highest value, so that peaks are still covered.
fn scale_in_request(
    sandbox: &Sandbox,
    policy: &ScalingPolicy,
    trigger: &AlarmTrigger<'_>,
) -> Result<Option<CapacityRequest>, Fault> {
    let others: Vec<ScalingPolicy> = sandbox.store.read(|states| {
        let of_target = states.of::<State>().policies.values().filter(|other| other.resource_id == policy.resource_id);
        of_target.cloned().collect()
    });
    let is_alarming = |alarm: &str| {
        sandbox.store.read(|states| {
            states.of::<cloudwatch::State>().alarms.get(alarm).is_some_and(cloudwatch::Alarm::is_alarming)
        })
    };
    let mut tracked = Vec::new();
    for other in others {
        let Ok(Configuration::TargetTracking(tracking)) = other.configuration() else { continue };
        if other.alarms.high.as_deref().is_some_and(is_alarming) {
            return Ok(None);
        }
        let Some(low) = other.alarms.low.as_deref() else { continue };
        let is_own = low == trigger.alarm;
        if !is_own && !is_alarming(low) {
            return Ok(None);
        }
        let given: &[f64] = if is_own { &trigger.values } else { &[] };
        let values = values_or_current(sandbox, low, given)?;
        let Some(value) = values.into_iter().reduce(f64::max) else { return Ok(None) };
        tracked.push(TrackedMetric { value, target: tracking.target_value });
    }
    // An alarm whose state a user has set does not scale in while values are above the target.
    let is_below = tracked.iter().all(|metric| metric.value <= metric.target);
    Ok(is_below.then_some(CapacityRequest::Track(tracked)))
}

/// The values of an alarm's trigger or, if it has none, of its metric now.
fn values_or_current(sandbox: &Sandbox, alarm: &str, given: &[f64]) -> Result<Vec<f64>, Fault> {
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    let settings: Option<AlarmSettings> = sandbox
        .store
        .read(|states| states.of::<cloudwatch::State>().alarms.get(alarm).map(|alarm| alarm.settings.clone()));
    settings.map_or(Ok(Vec::new()), |settings| cloudwatch::alarm_values(sandbox, &settings))
}

fn plan(
    sandbox: &Sandbox,
    states: &States,
    target: &ScalableTarget,
    request: &CapacityRequest,
) -> Result<Decision, Fault> {
    let (cluster, service) = service_of(&target.resource_id)?;
    let capacity = scaling::capacity(states, &cluster, &service)
        .ok_or_else(|| validation_exception(format!("ECS service doesn't exist: {}", target.resource_id)))?;
    let state = ScalingState {
        running: capacity.running,
        desired: capacity.desired,
        min: target.min_capacity,
        max: target.max_capacity,
        deploying: capacity.deploying,
        in_suspended: target.suspended_state.dynamic_scaling_in_suspended,
        out_suspended: target.suspended_state.dynamic_scaling_out_suspended,
        cooling: target.cooldown.as_ref().and_then(|cooldown| cooldown.cooling(sandbox.clock)),
    };
    Ok(decide(&state, request))
}

/// Decides again under the lock, and sets the count, the cooldown and the activity in one transaction.
fn apply(
    sandbox: &Sandbox,
    states: &mut States,
    resource_id: &str,
    request: &ScalingRequest,
    cause: &str,
) -> Result<(), Fault> {
    let Some(target) = states.of::<State>().targets.get(resource_id).cloned() else { return Ok(()) };
    let now = sandbox.clock.now();
    match plan(sandbox, states, &target, &request.request)? {
        Decision::Wait => {}
        Decision::NotScaled(reason) => Activity::not_scaled(resource_id, cause, reason, now).store(states),
        Decision::Set(cooling @ CooldownScaling { to, out, .. }) => {
            if !set_desired_count(states, resource_id, to, cause, now)? {
                return Ok(());
            }
            let seconds = if out { request.cooldown.scale_out } else { request.cooldown.scale_in };
            let cooldown = (seconds > 0).then_some(Cooldown { began: now, seconds, after: cooling });
            states.of_mut::<State>().targets.insert(resource_id, ScalableTarget { cooldown, ..target });
        }
    }
    Ok(())
}

/// Sets a service's desired count and records the activity. Returns whether ECS accepted the count.
pub(super) fn set_desired_count(
    states: &mut States,
    resource_id: &str,
    count: u32,
    cause: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    let (cluster, service) = service_of(resource_id)?;
    let set = scaling::set_desired_count(states, &cluster, &service, count, now);
    let activity = match &set {
        Ok(()) => Activity::scaled(resource_id, count, cause, now),
        Err(refusal) => Activity::failed(resource_id, count, cause, &refusal.message, now),
    };
    activity.store(states);
    Ok(set.is_ok())
}
