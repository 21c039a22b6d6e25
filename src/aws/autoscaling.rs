//! Application Auto Scaling: the scalable target of a service.

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types as sdk;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};

use super::{Aws, Result, client, or_empty, timestamp, to_u32};
use crate::model::{ScalableTarget, ScalingActivity, ScalingPolicy, ServiceName};

impl Aws {
    fn autoscaling(&self) -> &Client {
        self.autoscaling.get_or_init(|| client!(aws_sdk_applicationautoscaling, self))
    }

    /// The scalable target of a service, with its policies and last activities; `None` if it has none.
    pub async fn scalable_target(&self, name: &ServiceName) -> Result<Option<ScalableTarget>> {
        let action = format!("read the autoscaling of service `{}`", name.service);
        let resource = format!("service/{}/{}", name.cluster, name.service);
        let client = self.autoscaling();
        let targets = client.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
        let targets = targets.scalable_dimension(ScalableDimension::EcsServiceDesiredCount).resource_ids(&resource);
        let policies = client.describe_scaling_policies().service_namespace(ServiceNamespace::Ecs);
        let policies = policies.resource_id(&resource);
        let activities = client.describe_scaling_activities().service_namespace(ServiceNamespace::Ecs);
        let activities = activities.resource_id(&resource).max_results(ACTIVITIES);
        let (targets, policies, activities) = tokio::join!(targets.send(), policies.send(), activities.send());
        let targets = targets.map_err(|error| self.error(&action, error))?;
        let Some(target) = targets.scalable_targets.unwrap_or_default().into_iter().next() else {
            return Ok(None);
        };
        let policies = policies.map_err(|error| self.error(&action, error))?;
        let activities = activities.map_err(|error| self.error(&action, error))?;
        let suspended = target.suspended_state.as_ref().map_or_else(Vec::new, suspended);
        Ok(Some(ScalableTarget {
            min: to_u32(target.min_capacity),
            max: to_u32(target.max_capacity),
            suspended,
            policies: policies.scaling_policies.unwrap_or_default().into_iter().filter_map(policy).collect(),
            activities: activities.scaling_activities.unwrap_or_default().into_iter().map(activity).collect(),
        }))
    }
}

/// How many activities are read.
const ACTIVITIES: i32 = 10;

fn suspended(state: &sdk::SuspendedState) -> Vec<String> {
    let states = [
        (state.dynamic_scaling_in_suspended, "scaling in"),
        (state.dynamic_scaling_out_suspended, "scaling out"),
        (state.scheduled_scaling_suspended, "scheduled scaling"),
    ];
    states.into_iter().filter(|(suspended, _)| *suspended == Some(true)).map(|(_, name)| name.to_owned()).collect()
}

fn policy(policy: sdk::ScalingPolicy) -> Option<ScalingPolicy> {
    let tracking = policy.target_tracking_scaling_policy_configuration?;
    let metric =
        tracking.predefined_metric_specification.map(|metric| metric.predefined_metric_type.as_str().to_owned());
    Some(ScalingPolicy { metric: or_empty(metric), target: tracking.target_value })
}

fn activity(activity: sdk::ScalingActivity) -> ScalingActivity {
    ScalingActivity {
        started: timestamp(Some(activity.start_time)),
        status: activity.status_code.as_str().to_owned(),
        description: activity.description,
        cause: activity.cause,
    }
}
