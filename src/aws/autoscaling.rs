//! Application Auto Scaling: the scalable target of a service.

use aws_sdk_applicationautoscaling::Client;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};

use super::{Aws, Result, client, or_empty, to_u32};
use crate::model::{ScalableTarget, ScalingPolicy, ServiceName};

impl Aws {
    fn autoscaling(&self) -> &Client {
        self.autoscaling.get_or_init(|| client!(aws_sdk_applicationautoscaling, self))
    }

    /// The scalable target of a service; `None` if it has none.
    pub async fn scalable_target(&self, name: &ServiceName) -> Result<Option<ScalableTarget>> {
        let action = format!("read the autoscaling of service `{}`", name.service);
        let resource = format!("service/{}/{}", name.cluster, name.service);
        let targets = self
            .autoscaling()
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Ecs)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .resource_ids(&resource)
            .send()
            .await
            .map_err(|error| self.error(&action, error))?;
        let Some(target) = targets.scalable_targets.unwrap_or_default().into_iter().next() else {
            return Ok(None);
        };
        let policies = self
            .autoscaling()
            .describe_scaling_policies()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(&resource)
            .send()
            .await
            .map_err(|error| self.error(&action, error))?;
        let tracking = policies
            .scaling_policies
            .unwrap_or_default()
            .into_iter()
            .filter_map(|policy| policy.target_tracking_scaling_policy_configuration);
        let policies = tracking.map(|tracking| ScalingPolicy {
            metric: or_empty(
                tracking
                    .predefined_metric_specification
                    .map(|metric| metric.predefined_metric_type.as_str().to_owned()),
            ),
            target: tracking.target_value,
        });
        Ok(Some(ScalableTarget {
            min: to_u32(target.min_capacity),
            max: to_u32(target.max_capacity),
            policies: policies.collect(),
        }))
    }
}
