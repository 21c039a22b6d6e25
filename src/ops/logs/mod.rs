//! A service's log group and its streams, and their events.

mod tail;

use std::time::Duration;

use super::retry::retry;
use super::{OpsError, Result};
use crate::aws::Aws;
use crate::model::{LogGroup, LogStream};

pub(crate) use tail::{Tail, TailOptions};

/// Where the log events of a service are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogSource {
    pub group: String,
    /// What the names of the service's streams begin with.
    pub stream_prefix: String,
}

impl LogSource {
    /// The log group of a service's stack, even if nothing else of the stack is left. The service's streams are named
    /// `PREFIX/CONTAINER/TASK`. A watch waits until AWS can be reached.
    ///
    /// # Errors
    /// When the stack has no log group.
    pub(crate) async fn locate(aws: &Aws, stack: &str, prefix: &str, watch: bool) -> Result<Self> {
        let budget = if watch { None } else { Some(Duration::ZERO) };
        let resources = retry(aws.waits(), budget, async || aws.stack_resources(stack).await).await?;
        let group =
            resources.into_iter().find(|resource| resource.resource_type == "AWS::Logs::LogGroup" && resource.exists());
        let missing = || OpsError::missing(stack, format!("stack `{stack}` has no log group"));
        Ok(Self { group: group.ok_or_else(missing)?.physical_id, stream_prefix: format!("{prefix}/") })
    }

    /// The streams of the service.
    pub(crate) async fn streams(&self, aws: &Aws) -> Result<Vec<LogStream>> {
        Ok(aws.log_streams(&self.group, Some(&self.stream_prefix)).await?)
    }
}

/// The log groups of the account and region whose names begin with `prefix`.
pub(crate) async fn log_groups(aws: &Aws, prefix: Option<&str>) -> Result<Vec<LogGroup>> {
    Ok(aws.log_groups(prefix).await?)
}
