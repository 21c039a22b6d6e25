//! The ARNs of ECS resources.

use super::model::{Container, Service, ServiceDeployment, Task};
use crate::Config;

/// Formats the ARNs of resources, in the long format where there are two.
pub(super) trait Arns {
    fn cluster_arn(&self, name: &str) -> String;
    fn service_arn(&self, service: &Service) -> String;
    fn task_arn(&self, task: &Task) -> String;
    fn container_arn(&self, task: &Task, container: &Container) -> String;
    /// `name` is `family:revision`.
    fn task_definition_arn(&self, name: &str) -> String;
    fn service_deployment_arn(&self, deployment: &ServiceDeployment) -> String;
    /// `service` is `cluster/name`.
    fn service_revision_arn(&self, service: &str, number: &str) -> String;
}

impl Arns for Config {
    fn cluster_arn(&self, name: &str) -> String {
        self.arn("ecs", &format!("cluster/{name}"))
    }

    fn service_arn(&self, service: &Service) -> String {
        self.arn("ecs", &format!("service/{}/{}", service.cluster, service.name))
    }

    fn task_arn(&self, task: &Task) -> String {
        self.arn("ecs", &format!("task/{}/{}", task.cluster, task.id))
    }

    fn container_arn(&self, task: &Task, container: &Container) -> String {
        self.arn("ecs", &format!("container/{}/{}/{}", task.cluster, task.id, container.id))
    }

    fn task_definition_arn(&self, name: &str) -> String {
        self.arn("ecs", &format!("task-definition/{name}"))
    }

    fn service_deployment_arn(&self, deployment: &ServiceDeployment) -> String {
        self.arn("ecs", &format!("service-deployment/{}/{}", deployment.service, deployment.id))
    }

    fn service_revision_arn(&self, service: &str, number: &str) -> String {
        self.arn("ecs", &format!("service-revision/{service}/{number}"))
    }
}
