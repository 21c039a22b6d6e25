//! ECS services, used by the AWS SDK.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::error::ProvideErrorMetadata as _;
use aws_sdk_ecs::types::{
    AwsVpcConfiguration, Compatibility, ContainerDefinition, DeploymentCircuitBreaker, DeploymentConfiguration,
    DeploymentRolloutState, LaunchType, NetworkConfiguration, NetworkMode, PortMapping, Service, Tag, Task,
    TaskStopCode,
};
use serde_json::json;

use crate::local_aws::LocalAws;

const CLUSTER: &str = "container-demo";
const LIMIT: Duration = Duration::from_secs(30);

async fn register(ecs: &Client, image: &str) -> String {
    let container = ContainerDefinition::builder()
        .name("app")
        .image(image)
        .port_mappings(PortMapping::builder().container_port(3000).build())
        .build();
    let registered = ecs
        .register_task_definition()
        .family("web")
        .network_mode(NetworkMode::Awsvpc)
        .requires_compatibilities(Compatibility::Fargate)
        .cpu("256")
        .memory("512")
        .container_definitions(container)
        .send()
        .await
        .expect("it is registered");
    let definition = registered.task_definition.expect("a task definition");
    assert_eq!(definition.container_definitions()[0].port_mappings()[0].host_port, Some(3000));
    definition.task_definition_arn.expect("an ARN")
}

/// A network configuration with two subnets.
async fn network(aws: &LocalAws) -> NetworkConfiguration {
    let vpc = AwsVpcConfiguration::builder().set_subnets(Some(aws.subnets().await)).build().expect("a configuration");
    NetworkConfiguration::builder().awsvpc_configuration(vpc).build()
}

/// A cluster and a service. The images are mapped to the given commands.
async fn service(aws: &LocalAws, commands: &[(&str, &str)], image: &str, count: i32) -> Client {
    let images: serde_json::Map<String, serde_json::Value> = commands
        .iter()
        .map(|(image, script)| ((*image).to_owned(), json!({ "command": ["sh", "-c", script], "cwd": aws.folder() })))
        .collect();
    aws.control("PutImages", json!({ "stackName": "web-stack", "runtime": "process", "images": images })).await;
    let ecs = aws.ecs();
    ecs.create_cluster().cluster_name(CLUSTER).send().await.expect("a cluster");
    let definition = register(&ecs, image).await;
    let breaker = DeploymentCircuitBreaker::builder().enable(true).rollback(true).build();
    ecs.create_service()
        .cluster(CLUSTER)
        .service_name("web")
        .task_definition(definition)
        .desired_count(count)
        .launch_type(LaunchType::Fargate)
        .network_configuration(network(aws).await)
        .deployment_configuration(DeploymentConfiguration::builder().deployment_circuit_breaker(breaker).build())
        .tags(Tag::builder().key("ecsws:stack-name").value("web-stack").build())
        .send()
        .await
        .expect("a service");
    ecs
}

/// Waits as the waiter `services_stable` does, without its delays of fifteen seconds, and until the rollout is complete.
async fn stable(ecs: &Client) {
    until(ecs, |service| {
        service.deployments().len() == 1
            && service.running_count == service.desired_count
            && service.deployments()[0].rollout_state() == Some(&DeploymentRolloutState::Completed)
    })
    .await;
}

async fn described(ecs: &Client) -> Service {
    let response = ecs.describe_services().cluster(CLUSTER).services("web").send().await.expect("it is described");
    response.services.unwrap_or_default().remove(0)
}

async fn tasks(ecs: &Client, stopped: bool) -> Vec<Task> {
    let status = if stopped { "STOPPED" } else { "RUNNING" };
    let listed = ecs
        .list_tasks()
        .cluster(CLUSTER)
        .service_name("web")
        .desired_status(status.into())
        .send()
        .await
        .expect("a list");
    if listed.task_arns().is_empty() {
        return Vec::new();
    }
    let described =
        ecs.describe_tasks().cluster(CLUSTER).set_tasks(listed.task_arns).send().await.expect("they are described");
    described.tasks.unwrap_or_default()
}

/// Polls until the service meets the condition.
async fn until(ecs: &Client, condition: impl Fn(&Service) -> bool) -> Service {
    let polling = async {
        loop {
            let service = described(ecs).await;
            if condition(&service) {
                return service;
            }
        }
    };
    tokio::time::timeout(LIMIT, polling).await.expect("in time")
}

async fn task_until(ecs: &Client, arn: &str, status: &str) -> Task {
    let polling = async {
        loop {
            let described = ecs.describe_tasks().cluster(CLUSTER).tasks(arn).send().await.expect("it is described");
            if let Some(task) =
                described.tasks.unwrap_or_default().pop().filter(|task| task.last_status() == Some(status))
            {
                return task;
            }
        }
    };
    tokio::time::timeout(LIMIT, polling).await.expect("in time")
}

async fn get(url: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.expect("it listens");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: web\r\nconnection: close\r\n\r\n").await.expect("it is sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("a response");
    response
}

#[tokio::test]
async fn a_service_runs_scales_and_responds_at_a_stable_address() {
    let aws = LocalAws::start().await;
    let ecs = service(&aws, &[], "brentley/ecsdemo-nodejs", 2).await;
    stable(&ecs).await;
    let running = described(&ecs).await;
    assert_eq!((running.running_count, running.pending_count), (2, 0));
    assert_eq!(running.deployments()[0].rollout_state(), Some(&DeploymentRolloutState::Completed));
    assert_eq!(running.events()[0].message(), Some("(service web) has reached a steady state."));
    let task = &tasks(&ecs, false).await[0];
    assert_eq!(task.last_status(), Some("RUNNING"));
    assert!(task.task_arn().expect("an ARN").starts_with("arn:aws:ecs:us-east-1:123456789012:task/container-demo/"));
    let details = task.attachments()[0].details();
    assert!(details.iter().any(|detail| detail.name() == Some("privateIPv4Address")), "{details:?}");

    let addresses = aws.control("DescribeAddresses", json!({})).await;
    let address = &addresses["addresses"][0];
    assert_eq!((address["cluster"].as_str(), address["service"].as_str()), (Some(CLUSTER), Some("web")));
    let url = address["url"].as_str().expect("a link");
    let mut bodies = std::collections::BTreeSet::new();
    // Both tasks get connections, a slow starter a little later.
    while bodies.len() < 2 {
        let response = get(url).await;
        let body = response.split("\r\n\r\n").nth(1).expect("a body").to_owned();
        assert!(body.starts_with("Node.js backend: Hello! from 10."), "{body}");
        bodies.insert(body);
    }

    ecs.update_service().cluster(CLUSTER).service("web").desired_count(1).send().await.expect("it is scaled");
    until(&ecs, |service| service.running_count == 1 && service.deployments().len() == 1).await;
    ecs.delete_service().cluster(CLUSTER).service("web").force(true).send().await.expect("it is deleted");
    until(&ecs, |service| service.status() == Some("INACTIVE")).await;
    ecs.delete_cluster().cluster(CLUSTER).send().await.expect("the cluster is deleted");
}

#[tokio::test]
async fn a_task_that_exits_is_replaced_and_has_a_stopped_reason() {
    let aws = LocalAws::start().await;
    let script = "test -e once && exec sleep 600; touch once; exec sleep 1";
    let ecs = service(&aws, &[("web", script)], "web:1.2", 1).await;
    until(&ecs, |_| aws.folder().join("once").exists()).await;
    let first = loop {
        if let Some(task) = tasks(&ecs, true).await.pop().filter(|task| task.last_status() == Some("STOPPED")) {
            break task;
        }
    };
    assert_eq!(first.stop_code(), Some(&TaskStopCode::EssentialContainerExited));
    assert_eq!(first.stopped_reason(), Some("Essential container in task exited"));
    assert_eq!(first.containers()[0].exit_code(), Some(0));
    stable(&ecs).await;
    assert_eq!(tasks(&ecs, false).await.len(), 1);
}

#[tokio::test]
async fn a_failed_deployment_is_rolled_back() {
    let aws = LocalAws::start().await;
    let ecs = service(&aws, &[("good", "exec sleep 600"), ("bad", "exit 3")], "good", 1).await;
    stable(&ecs).await;
    let before = described(&ecs).await;
    let good = before.deployments()[0].id().expect("an id").to_owned();
    let definition = register(&ecs, "bad").await;
    ecs.update_service()
        .cluster(CLUSTER)
        .service("web")
        .task_definition(definition)
        .send()
        .await
        .expect("it is updated");
    let failed = until(&ecs, |service| {
        service
            .deployments()
            .iter()
            .any(|deployment| deployment.rollout_state() == Some(&DeploymentRolloutState::Failed))
            || service.deployments()[0].rollout_state_reason().is_some_and(|reason| reason.contains("rolling back"))
            || service
                .events()
                .iter()
                .any(|event| event.message().is_some_and(|message| message.contains("rolling back")))
    })
    .await;
    assert!(failed.running_count >= 1, "the old task keeps running");
    stable(&ecs).await;
    let after =
        until(&ecs, |service| service.deployments()[0].rollout_state() == Some(&DeploymentRolloutState::Completed))
            .await;
    assert_eq!(after.deployments()[0].id(), Some(good.as_str()));
    let stopped = tasks(&ecs, true).await;
    assert!(stopped.iter().any(|task| task.containers()[0].exit_code() == Some(3)), "{stopped:?}");
}

#[tokio::test]
async fn a_service_responds_throughout_a_rolling_update() {
    let aws = LocalAws::start().await;
    let ecs = service(&aws, &[], "one", 2).await;
    stable(&ecs).await;
    let definition = register(&ecs, "two").await;
    let updated = ecs
        .update_service()
        .cluster(CLUSTER)
        .service("web")
        .task_definition(&definition)
        .send()
        .await
        .expect("it is updated");
    assert_eq!(updated.service.expect("a service").deployments().len(), 2);
    let url =
        aws.control("DescribeAddresses", json!({})).await["addresses"][0]["url"].as_str().expect("a link").to_owned();
    let rolled = until(&ecs, |service| {
        assert!(service.running_count >= 2, "never below the minimum");
        service.deployments().len() == 1
    });
    let polling = async {
        loop {
            assert!(get(&url).await.starts_with("HTTP/1.1 200 OK"));
        }
    };
    let rolled = tokio::select! { rolled = rolled => rolled, () = polling => unreachable!("it polls forever") };
    assert_eq!(rolled.task_definition(), Some(definition.as_str()));
    assert!(tasks(&ecs, false).await.iter().all(|task| task.task_definition_arn() == Some(&definition)));
}

#[tokio::test]
async fn a_command_that_cannot_start_is_a_stopped_reason_and_is_retried_with_a_backoff() {
    let aws = LocalAws::start().await;
    let ecs = aws.ecs();
    aws.control("PutImages", json!({ "stackName": "web-stack", "images": { "web": { "command": ["/nonexistent"] } } }))
        .await;
    ecs.create_cluster().cluster_name(CLUSTER).send().await.expect("a cluster");
    let definition = register(&ecs, "web").await;
    ecs.create_service()
        .cluster(CLUSTER)
        .service_name("web")
        .task_definition(definition)
        .desired_count(1)
        .launch_type(LaunchType::Fargate)
        .network_configuration(network(&aws).await)
        .tags(Tag::builder().key("ecsws:stack-name").value("web-stack").build())
        .send()
        .await
        .expect("a service");
    let service = until(&ecs, |service| service.deployments()[0].failed_tasks() >= 3).await;
    let unable = "(service web) is unable to consistently start tasks successfully.";
    assert!(service.events().iter().any(|event| event.message().is_some_and(|message| message.starts_with(unable))));
    let stopped = tasks(&ecs, true).await;
    assert!(stopped.iter().all(|task| task.stop_code() == Some(&TaskStopCode::TaskFailedToStart)));
    let reason = stopped[0].stopped_reason().expect("a reason");
    assert!(reason.starts_with("CannotStartContainerError: ") && reason.contains("/nonexistent"), "{reason}");
}

#[tokio::test]
async fn services_keep_their_address_after_the_sandbox_was_killed() {
    let mut aws = LocalAws::start().await;
    let ecs = service(&aws, &[], "web", 2).await;
    stable(&ecs).await;
    let before = aws.control("DescribeAddresses", json!({})).await;
    let earlier: Vec<String> = tasks(&ecs, false).await.iter().filter_map(|task| task.task_arn.clone()).collect();
    aws.kill_and_restart().await;
    let ecs = aws.ecs();
    until(&ecs, |service| service.running_count == 2).await;
    let old = ecs.describe_tasks().cluster(CLUSTER).set_tasks(Some(earlier)).send().await.expect("they are described");
    for task in old.tasks() {
        assert_eq!(task.last_status(), Some("STOPPED"));
        assert_eq!(task.stopped_reason(), Some("The sandbox was stopped while this task was running"));
    }
    assert_eq!(aws.control("DescribeAddresses", json!({})).await, before);
}

#[tokio::test]
async fn missing_resources_are_refused_with_aws_messages() {
    let aws = LocalAws::start().await;
    let ecs = aws.ecs();
    let error = ecs.describe_services().cluster("none").services("web").send().await.expect_err("no cluster");
    assert_eq!(error.code(), Some("ClusterNotFoundException"));
    assert_eq!(error.message(), Some("Cluster not found."));
    let error = ecs.describe_task_definition().task_definition("none").send().await.expect_err("no definition");
    assert_eq!((error.code(), error.message()), (Some("ClientException"), Some("Unable to describe task definition.")));
    ecs.create_cluster().cluster_name(CLUSTER).send().await.expect("a cluster");
    let missing = ecs.describe_services().cluster(CLUSTER).services("web").send().await.expect("a response");
    assert_eq!(missing.failures()[0].reason(), Some("MISSING"));
    let error = ecs.update_service().cluster(CLUSTER).service("web").send().await.expect_err("no service");
    assert_eq!(error.code(), Some("ServiceNotFoundException"));
    let error = ecs.stop_task().cluster(CLUSTER).task("none").send().await.expect_err("no task");
    assert_eq!(error.message(), Some("The referenced task was not found."));
    let odd = ecs
        .register_task_definition()
        .family("web")
        .network_mode(NetworkMode::Awsvpc)
        .requires_compatibilities(Compatibility::Fargate)
        .cpu("300")
        .memory("512")
        .container_definitions(ContainerDefinition::builder().name("app").image("web").build());
    let error = odd.send().await.expect_err("no such size");
    assert_eq!(error.message(), Some("No Fargate configuration exists for given values."));
    let definition = register(&ecs, "web").await;
    ecs.deregister_task_definition().task_definition(&definition).send().await.expect("it is deregistered");
    let error = ecs
        .run_task()
        .cluster(CLUSTER)
        .task_definition(definition)
        .network_configuration(network(&aws).await)
        .send()
        .await;
    assert_eq!(error.expect_err("it is inactive").message(), Some("TaskDefinition is inactive"));
}

#[tokio::test]
async fn a_standalone_task_can_be_run_and_stopped() {
    let aws = LocalAws::start().await;
    let ecs = aws.ecs();
    ecs.create_cluster().cluster_name(CLUSTER).send().await.expect("a cluster");
    let definition = register(&ecs, "web").await;
    let run =
        ecs.run_task().cluster(CLUSTER).task_definition(definition).launch_type(LaunchType::Fargate).started_by("me");
    let run = run.network_configuration(network(&aws).await);
    let arn = run.send().await.expect("it runs").tasks()[0].task_arn().expect("an ARN").to_owned();
    let running = task_until(&ecs, &arn, "RUNNING").await;
    assert!(running.started_at().is_some() && running.stopped_at().is_none());
    let error = ecs.delete_cluster().cluster(CLUSTER).send().await.expect_err("a task runs");
    assert_eq!(error.code(), Some("ClusterContainsTasksException"));
    ecs.stop_task().cluster(CLUSTER).task(&arn).reason("enough").send().await.expect("it is stopped");
    let task = task_until(&ecs, &arn, "STOPPED").await;
    assert_eq!((task.stopped_reason(), task.stop_code()), (Some("enough"), Some(&TaskStopCode::UserInitiated)));
    assert!(task.stopped_at().is_some() && task.started_at().is_some());
}
