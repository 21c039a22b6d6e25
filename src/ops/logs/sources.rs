//! Where the log events of services are.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::aws::{Aws, AwsErrorKind};
use crate::model::{LogGroup, LogStream, ServiceName};
use crate::ops::retry::retry;
use crate::ops::{OpsError, Result, locate};

/// The log group of containers of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogSource {
    pub group: String,
    /// What the names of the containers' streams begin with: `PREFIX/CONTAINER/`. The task follows.
    pub stream_prefix: String,
}

impl LogSource {
    /// The sources of a stack's service: those of the task definitions of its deployments. Without a service,
    /// the log groups of the stack, which may be all that is left. A watch waits until AWS can be reached.
    ///
    /// # Errors
    /// The stack has neither a service nor a log group.
    pub(crate) async fn of_service(aws: &Aws, stack: &str, container: Option<&str>, watch: bool) -> Result<Vec<Self>> {
        let budget = if watch { None } else { Some(Duration::ZERO) };
        let resources = retry(aws.waits(), budget, async || aws.stack_resources(stack).await).await?;
        let service = match resources.iter().find(|resource| locate::is_existing_service(resource)) {
            Some(service) => locate::service_name(aws, stack, service).await?,
            None => None,
        };
        let mut sources = BTreeSet::new();
        let mut names = BTreeSet::new();
        if let Some(service) = service {
            for definition in task_definitions(aws, &service).await? {
                let containers = aws.log_destinations(&definition).await?.into_iter();
                let containers = containers.inspect(|logs| _ = names.insert(logs.container.clone()));
                let containers = containers.filter(|logs| container.is_none_or(|name| logs.container == name));
                sources.extend(containers.map(|logs| Self { stream_prefix: logs.stream(""), group: logs.group }));
            }
        }
        if let (Some(container), true, false) = (container, sources.is_empty(), names.is_empty()) {
            let names: Vec<String> = names.into_iter().collect();
            let (stack, container) = (stack.to_owned(), container.to_owned());
            return Err(OpsError::UnknownContainer { stack, container, names });
        }
        if sources.is_empty() && container.is_none() {
            let is_group = |resource_type: &str| resource_type == "AWS::Logs::LogGroup";
            let groups =
                resources.into_iter().filter(|resource| is_group(&resource.resource_type) && resource.exists());
            sources.extend(groups.map(|group| Self { group: group.physical_id, stream_prefix: String::new() }));
        }
        if sources.is_empty() {
            return Err(OpsError::missing(stack, format!("stack `{stack}` is not deployed, or has no log group")));
        }
        Ok(sources.into_iter().collect())
    }

    /// The streams of the source.
    pub(crate) async fn streams(&self, aws: &Aws) -> Result<Vec<LogStream>> {
        let prefix = Some(self.stream_prefix.as_str()).filter(|prefix| !prefix.is_empty());
        Ok(aws.log_streams(&self.group, prefix).await?)
    }
}

/// The task definitions of a service's deployments; none if the service is gone.
async fn task_definitions(aws: &Aws, service: &ServiceName) -> Result<BTreeSet<String>> {
    match aws.service_state(service).await {
        Ok(state) => {
            let deployments = state.map(|state| state.deployments).unwrap_or_default();
            Ok(deployments.into_iter().map(|deployment| deployment.task_definition).collect())
        }
        Err(error) if error.kind == AwsErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error.into()),
    }
}

/// The log groups of the account and region whose names begin with `prefix`.
pub(crate) async fn log_groups(aws: &Aws, prefix: Option<&str>) -> Result<Vec<LogGroup>> {
    Ok(aws.log_groups(prefix).await?)
}
