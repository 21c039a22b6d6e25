//! ECS services and their deployments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A service and the cluster it runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceName {
    pub cluster: String,
    pub service: String,
}

/// The parts of a service's ARN. The format of services created before November 2018, and after that by accounts that had not opted
/// in to the new one, is `arn:PARTITION:ecs:REGION:ACCOUNT:service/NAME`, without the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceArn {
    /// The cluster's name, if the ARN has the new format: `…:service/CLUSTER/NAME`.
    pub cluster: Option<String>,
    pub service: String,
}

impl ServiceArn {
    /// `None` if this is not the ARN of an ECS service.
    pub(crate) fn parse(arn: &str) -> Option<Self> {
        let (prefix, resource) = arn.rsplit_once(':')?;
        if !prefix.starts_with("arn:") || prefix.split(':').nth(2) != Some("ecs") {
            return None;
        }
        let (cluster, service) = match resource.strip_prefix("service/")?.split_once('/') {
            Some((cluster, service)) => (Some(cluster), service),
            None => (None, resource.strip_prefix("service/")?),
        };
        let is_name = |name: &str| !name.is_empty() && !name.contains('/');
        let is_valid = cluster.is_none_or(is_name) && is_name(service);
        is_valid.then(|| Self { cluster: cluster.map(str::to_owned), service: service.to_owned() })
    }

    /// Whether this may be the ARN of the service: without a cluster, only the names are compared.
    pub(crate) fn matches(&self, name: &ServiceName) -> bool {
        self.service == name.service && self.cluster.as_ref().is_none_or(|cluster| *cluster == name.cluster)
    }
}

/// A service as DescribeServices returns it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceState {
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    pub desired: u32,
    pub running: u32,
    pub pending: u32,
    /// Deployments, PRIMARY first.
    pub deployments: Vec<Deployment>,
    /// The newest events first, at most a hundred.
    pub events: Vec<ServiceEvent>,
    /// ARNs of the Cloud Map services.
    pub registries: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deployment {
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// The task definition's family and revision.
    pub task_definition: String,
    #[serde(serialize_with = "super::json_time::serialize_optional_time")]
    pub created: Option<Timestamp>,
    pub desired: u32,
    pub running: u32,
    pub pending: u32,
    /// Failed tasks: those that did not start or stopped.
    pub failed: u32,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`; absent for some deployment controllers.
    pub rollout_state: Option<String>,
    /// AWS's reason for the rollout state.
    pub rollout_reason: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceEvent {
    pub id: String,
    /// The time of the event.
    #[serde(serialize_with = "super::json_time::serialize_optional_time")]
    pub timestamp: Option<Timestamp>,
    pub message: String,
}

impl ServiceState {
    /// The state of a service that does not exist.
    pub fn missing() -> Self {
        Self { status: "MISSING".to_owned(), ..Self::default() }
    }

    /// The PRIMARY deployment, which the service moves to.
    pub fn primary_deployment(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|deployment| deployment.status == "PRIMARY")
    }

    /// Whether the service is steady: one deployment with all tasks running and a completed rollout (or none reported).
    pub fn is_steady(&self) -> bool {
        let rolled_out =
            |deployment: &Deployment| deployment.rollout_state.as_deref().is_none_or(|state| state == "COMPLETED");
        self.status == "ACTIVE"
            && self.running == self.desired
            && self.pending == 0
            && self.deployments.len() == 1
            && self.deployments.iter().all(rolled_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_arn_has_a_cluster_or_the_old_format() {
        let parsed = |cluster: Option<&str>, service: &str| {
            Some(ServiceArn { cluster: cluster.map(str::to_owned), service: service.to_owned() })
        };
        for (arn, expected) in [
            ("arn:aws:ecs:us-east-1:123456789012:service/container-demo/web", parsed(Some("container-demo"), "web")),
            ("arn:aws:ecs:us-east-1:123456789012:service/web", parsed(None, "web")),
            ("arn:aws-cn:ecs:cn-north-1:123456789012:service/web", parsed(None, "web")),
            ("arn:aws:ecs:us-east-1:123456789012:service/", None),
            ("arn:aws:ecs:us-east-1:123456789012:service/a/b/c", None),
            ("arn:aws:ecs:us-east-1:123456789012:task/a/b", None),
            ("arn:aws:other:us-east-1:123456789012:service/web", None),
            ("web", None),
        ] {
            assert_eq!(ServiceArn::parse(arn), expected, "{arn}");
        }
    }

    #[test]
    fn an_old_arn_matches_the_service_in_any_cluster() {
        let name = ServiceName { cluster: "a".to_owned(), service: "web".to_owned() };
        for (arn, matches) in
            [("service/web", true), ("service/a/web", true), ("service/b/web", false), ("service/api", false)]
        {
            let arn = ServiceArn::parse(&format!("arn:aws:ecs:us-east-1:123456789012:{arn}")).expect("an ARN");
            assert_eq!(arn.matches(&name), matches, "{arn:?}");
        }
    }
}
