//! Finds what a service's stack made: the service, its cluster, and where its logs are.

use super::{OpsError, Result};
use crate::aws::{Aws, ServiceName};

/// A service's stack as it is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStack {
    /// The service and its cluster.
    pub service: ServiceName,
}

/// Where a service's log lines are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSource {
    /// The log group's name.
    pub group: String,
    /// What the names of its streams begin with.
    pub stream_prefix: String,
}

/// The log group of a stack, also when only that is left of it.
pub async fn locate_log_group(aws: &Aws, stack: &str) -> Result<Option<String>> {
    let resources = aws.stack_resources(stack).await?;
    let found =
        resources.into_iter().find(|resource| resource.resource_type == "AWS::Logs::LogGroup" && resource.exists());
    Ok(found.map(|group| group.physical_id))
}

/// Reads the stack's resources: the physical ids of the service (its ARN) and the log group (its name).
pub async fn locate_service(aws: &Aws, stack: &str) -> Result<ServiceStack> {
    let resources = aws.stack_resources(stack).await?;
    if resources.is_empty() {
        return Err(OpsError::Missing(format!("stack `{stack}` is not deployed")));
    }
    let of_type = |wanted: &str| {
        let found = resources.iter().find(|resource| resource.resource_type == wanted && resource.exists());
        found.map(|resource| resource.physical_id.clone())
    };
    let arn = of_type("AWS::ECS::Service")
        .ok_or_else(|| OpsError::Missing(format!("stack `{stack}` has no ECS service yet")))?;
    let service = ServiceName::from_arn(&arn)
        .ok_or_else(|| OpsError::Missing(format!("`{arn}` is not the ARN of an ECS service")))?;
    Ok(ServiceStack { service })
}
