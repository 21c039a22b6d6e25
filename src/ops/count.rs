//! Changes a service's desired count directly in ECS, without its stack.

use std::time::Duration;

use super::deploy::rollout::Observation;
use super::deploy::services::Services;
use super::locate::service_name;
use super::{DeployEvent, OpsError, Result};
use crate::aws::{Aws, AwsErrorKind};
use crate::model::{ServiceName, ServiceState};

/// The services of a stack: logical id, name and desired count.
///
/// # Errors
/// When the AWS calls fail.
pub async fn desired_counts(aws: &Aws, stack: &str) -> Result<Vec<(String, String, u32)>> {
    let mut counts = Vec::new();
    let resources = aws.stack_resources(stack).await?;
    for resource in resources.into_iter().filter(|one| one.resource_type == "AWS::ECS::Service" && one.exists()) {
        let Some(name) = service_name(aws, stack, &resource).await? else { continue };
        if let Some(state) = aws.service_state(&name).await? {
            counts.push((resource.logical_id, name.service, state.desired));
        }
    }
    Ok(counts)
}

/// A service as it was before its count is changed.
#[derive(Debug)]
pub struct ServiceCount {
    name: ServiceName,
    desired: u32,
    before: Observation,
}

impl ServiceCount {
    /// Reads the service and its stopped tasks.
    ///
    /// # Errors
    /// Also when ECS has no such service.
    pub async fn read(aws: &Aws, name: &ServiceName) -> Result<Self> {
        let (service, stopped) = tokio::join!(aws.service_state(name), aws.stopped_tasks(name));
        let is_active = |service: &ServiceState| service.status == "ACTIVE";
        let missing = || {
            let message = format!("cluster `{}` has no service `{}`", name.cluster, name.service);
            OpsError::Missing { message, stack: None }
        };
        let service = service?.filter(is_active).ok_or_else(missing)?;
        let stopped = match stopped {
            Err(error) if matches!(error.kind, AwsErrorKind::AccessDenied(_)) => Vec::new(),
            stopped => stopped?,
        };
        let desired = service.desired;
        Ok(Self {
            name: name.clone(),
            desired,
            before: Observation { events: Vec::new(), service: Some(service), stopped },
        })
    }

    /// The desired count as it was read.
    pub fn desired(&self) -> u32 {
        self.desired
    }

    /// Sets the desired count.
    ///
    /// # Errors
    /// A caller that may not update the service is no error where the count was this one already.
    pub async fn set(&self, aws: &Aws, count: u32) -> Result<()> {
        match aws.set_desired_count(&self.name, count).await {
            Err(error) if count == self.desired && matches!(error.kind, AwsErrorKind::AccessDenied(_)) => Ok(()),
            set => Ok(set?),
        }
    }

    /// Waits until exactly `count` tasks are desired and running, at most `limit`.
    ///
    /// # Errors
    /// When something else changes the count, or tasks do not start.
    pub async fn until_steady(
        &self,
        aws: &Aws,
        count: u32,
        limit: Duration,
        emit: &mut dyn FnMut(DeployEvent),
    ) -> Result<()> {
        let mut services = Services::of_count(self.name.clone(), count, &self.before);
        services.until_steady(aws, limit, emit).await.map_err(|error| match error {
            OpsError::RolloutFailed { service, reason, stopped_tasks } => {
                OpsError::CountNotReached { service, count, reason, stopped_tasks }
            }
            error => error,
        })
    }
}
