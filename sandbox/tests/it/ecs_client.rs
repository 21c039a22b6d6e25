//! A cluster and the SDK's client, for tests of ECS.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{
    AwsVpcConfiguration, Compatibility, ContainerCondition, ContainerDefinition, ContainerDependency,
    DeploymentCircuitBreaker, DeploymentConfiguration, HealthCheck, LaunchType, NetworkConfiguration, NetworkMode,
    Service, Tag, Task,
};
use serde_json::json;

use crate::local_aws::LocalAws;

pub const CLUSTER: &str = "container-demo";
const LIMIT: Duration = Duration::from_secs(30);

pub struct Ecs {
    pub aws: LocalAws,
    pub client: Client,
    pub network: NetworkConfiguration,
}

impl Ecs {
    /// A cluster. The stack `web-stack` maps images to these commands.
    pub async fn start(commands: &[(&str, &str)]) -> Self {
        Self::start_on(LocalAws::start_with(true).await, commands).await
    }

    pub async fn start_on(aws: LocalAws, commands: &[(&str, &str)]) -> Self {
        let commands = commands.iter().map(|(image, script)| {
            ((*image).to_owned(), json!({ "command": ["sh", "-c", script], "cwd": aws.folder() }))
        });
        let images: serde_json::Map<String, serde_json::Value> = commands.collect();
        aws.control("PutImages", json!({ "stackName": "web-stack", "images": images })).await;
        let client = aws.ecs();
        client.create_cluster().cluster_name(CLUSTER).send().await.expect("a cluster");
        let vpc = AwsVpcConfiguration::builder().set_subnets(Some(aws.subnets().await)).build().expect("subnets");
        Self { aws, client, network: NetworkConfiguration::builder().awsvpc_configuration(vpc).build() }
    }

    pub async fn register(&self, containers: Vec<ContainerDefinition>) -> String {
        let request = self.client.register_task_definition().family("web").network_mode(NetworkMode::Awsvpc);
        let request = request.requires_compatibilities(Compatibility::Fargate).cpu("256").memory("512");
        let request = request.execution_role_arn("arn:aws:iam::123456789012:role/execution");
        let registered = request.set_container_definitions(Some(containers)).send().await.expect("it is registered");
        registered.task_definition.and_then(|definition| definition.task_definition_arn).expect("an ARN")
    }

    pub async fn run(&self, definition: &str) -> String {
        let request = self.client.run_task().cluster(CLUSTER).task_definition(definition);
        let request = request.launch_type(LaunchType::Fargate).network_configuration(self.network.clone());
        let run = request.tags(stack_tag()).send().await.expect("it runs");
        run.tasks()[0].task_arn().expect("an ARN").to_owned()
    }

    pub async fn serve(&self, definition: &str, count: i32) {
        let breaker = DeploymentCircuitBreaker::builder().enable(true).rollback(true).build();
        let request = self.client.create_service().cluster(CLUSTER).service_name("web").task_definition(definition);
        let request = request.launch_type(LaunchType::Fargate).network_configuration(self.network.clone());
        let request = request.desired_count(count).tags(stack_tag());
        let request = request
            .deployment_configuration(DeploymentConfiguration::builder().deployment_circuit_breaker(breaker).build());
        request.send().await.expect("a service");
    }

    pub async fn task(&self, arn: &str, condition: impl Fn(&Task) -> bool) -> Task {
        let polling = async {
            loop {
                let described = self.client.describe_tasks().cluster(CLUSTER).tasks(arn).send().await;
                let task = described.expect("it is described").tasks.unwrap_or_default().pop().expect("a task");
                if condition(&task) {
                    return task;
                }
            }
        };
        tokio::time::timeout(LIMIT, polling).await.expect("in time")
    }

    pub async fn stopped(&self, arn: &str) -> Task {
        self.task(arn, |task| task.last_status() == Some("STOPPED")).await
    }

    pub async fn service(&self, condition: impl Fn(&Service) -> bool) -> Service {
        let polling = async {
            loop {
                let described = self.client.describe_services().cluster(CLUSTER).services("web").send().await;
                let service = described.expect("it is described").services.unwrap_or_default().remove(0);
                if condition(&service) {
                    return service;
                }
            }
        };
        tokio::time::timeout(LIMIT, polling).await.expect("in time")
    }
}

fn stack_tag() -> Tag {
    Tag::builder().key("ecsws:stack-name").value("web-stack").build()
}

pub fn container(name: &str, image: &str) -> aws_sdk_ecs::types::builders::ContainerDefinitionBuilder {
    ContainerDefinition::builder().name(name).image(image)
}

/// Every five seconds, which the sandbox's speed shortens to a quarter of a second.
pub fn health_check(script: &str) -> HealthCheck {
    let check = HealthCheck::builder().command("CMD-SHELL").command(script).interval(5).timeout(20).retries(2);
    check.build().expect("a command")
}

pub fn after(name: &str, condition: ContainerCondition) -> ContainerDependency {
    ContainerDependency::builder().container_name(name).condition(condition).build().expect("a dependency")
}

pub fn is_done(service: &Service) -> bool {
    let deployments = service.deployments();
    deployments.len() == 1 && deployments[0].rollout_state().is_some_and(|state| state.as_str() == "COMPLETED")
}

pub fn has_event(service: &Service, end: &str) -> bool {
    service.events().iter().filter_map(|event| event.message()).any(|message| message.ends_with(end))
}
