//! Changes a service directly in ECS, without its stack: its desired count, or a new deployment.

use crate::aws::Aws;
use crate::model::{ScalableTarget, ServiceName, ServiceState};
use crate::ops::deploy::rollout::{Observation, Rollout};
use crate::ops::deploy::service_watches::ServiceWatches;
use crate::ops::{OpsError, Reporter, Result, SteadyLimit};

/// A change of a service in ECS. Keeps the service as it was before.
#[derive(Debug)]
pub(crate) struct DirectChange<'a> {
    aws: &'a Aws,
    name: ServiceName,
    initial_count: u32,
    initial_observation: Observation,
}

impl<'a> DirectChange<'a> {
    /// Reads the service and its stopped tasks.
    ///
    /// # Errors
    /// Also when ECS has no such service.
    pub(crate) async fn read(aws: &'a Aws, name: ServiceName) -> Result<Self> {
        let (service, stopped) = tokio::join!(aws.service_state(&name), aws.stopped_tasks(&name));
        let is_active = |service: &ServiceState| service.status == "ACTIVE";
        let missing = || {
            let message = format!("cluster `{}` has no service `{}`", name.cluster, name.service);
            OpsError::Missing { message, stack: None }
        };
        let service = service?.filter(is_active).ok_or_else(missing)?;
        let stopped = match stopped {
            Err(error) if error.kind.is_access_denied() => Vec::new(),
            stopped => stopped?,
        };
        let initial_count = service.desired;
        let initial_observation = Observation { events: Vec::new(), service: Some(service), stopped };
        Ok(Self { aws, name, initial_count, initial_observation })
    }

    pub(crate) fn service(&self) -> &str {
        &self.name.service
    }

    /// The desired count as it was read.
    pub(crate) fn initial_count(&self) -> u32 {
        self.initial_count
    }

    /// Sets the desired count.
    ///
    /// # Errors
    /// A denied call is no error if the count was this one already.
    pub(crate) async fn set(&self, count: u32) -> Result<()> {
        match self.aws.set_desired_count(&self.name, count).await {
            Err(error) if count == self.initial_count && error.kind.is_access_denied() => Ok(()),
            set => Ok(set?),
        }
    }

    /// Waits until exactly `count` tasks are desired and running, within `limit`.
    ///
    /// # Errors
    /// When something else changes the count, or tasks do not start.
    pub(crate) async fn until_steady<E>(&self, count: u32, limit: SteadyLimit, reporter: &Reporter<E>) -> Result<()> {
        reporter.activity(format!("{}: waiting for {count} tasks …", self.name.service));
        let rollout = Rollout::outside_stack(Some(count), &self.initial_observation);
        let mut services = ServiceWatches::outside_stack(self.name.clone(), rollout);
        services.until_steady(self.aws, limit, reporter).await.map_err(|error| match error {
            OpsError::RolloutFailed { service, reason, stopped_tasks } => {
                OpsError::CountNotReached { service, count, reason, stopped_tasks }
            }
            error => error,
        })
    }

    /// Replaces all tasks by a new deployment of the same task definition.
    pub(crate) async fn restart(&self) -> Result<()> {
        Ok(self.aws.force_new_deployment(&self.name).await?)
    }

    /// Waits until the deployment of [`DirectChange::restart`] is complete, within `limit`.
    pub(crate) async fn until_restarted<E>(&self, limit: SteadyLimit, reporter: &Reporter<E>) -> Result<()> {
        reporter.activity(format!("{}: waiting for the new deployment …", self.name.service));
        let rollout = Rollout::outside_stack(None, &self.initial_observation);
        ServiceWatches::outside_stack(self.name.clone(), rollout).until_steady(self.aws, limit, reporter).await
    }

    /// A warning that the registered autoscaling may change `count`. `None` without autoscaling, or if it cannot be read.
    pub(crate) async fn autoscaling_warning(&self, count: u32) -> Option<String> {
        let ScalableTarget { min, max, .. } = self.aws.scalable_target(&self.name).await.ok()??;
        let effect = if (min..=max).contains(&count) { "may change the count" } else { "will change the count" };
        Some(format!("autoscaling keeps {} between {min} and {max} tasks and {effect} from {count}", self.name.service))
    }
}
