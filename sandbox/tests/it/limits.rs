//! Tasks that exceed their limits are ended with a reason, without effects on others.
#![cfg(target_os = "linux")]

use std::time::Duration;

use aws_sdk_ecs::types::{
    AwsVpcConfiguration, Compatibility, Container, ContainerDefinition, LaunchType, LogConfiguration, LogDriver,
    NetworkConfiguration, NetworkMode, Tag,
};
use serde_json::json;

use crate::local_aws::LocalAws;

const LIMIT: Duration = Duration::from_mins(1);

/// Starts a task whose one container runs a script with 64 MiB of memory.
async fn run(aws: &LocalAws, script: &str) -> String {
    let image = json!({ "task": { "command": ["sh", "-c", script] } });
    aws.control("PutImages", json!({ "stackName": "s", "images": image })).await;
    let (ecs, logs) = (aws.ecs(), aws.logs());
    ecs.create_cluster().cluster_name("c").send().await.expect("a cluster");
    logs.create_log_group().log_group_name("g").send().await.expect("a group");
    let log = LogConfiguration::builder().log_driver(LogDriver::Awslogs).options("awslogs-group", "g");
    let log = log.options("awslogs-region", "us-east-1").options("awslogs-stream-prefix", "p").build().expect("a log");
    let container = ContainerDefinition::builder().name("app").image("task").memory(64).log_configuration(log).build();
    ecs.register_task_definition()
        .family("f")
        .network_mode(NetworkMode::Awsvpc)
        .requires_compatibilities(Compatibility::Fargate)
        .cpu("256")
        .memory("512")
        .execution_role_arn("arn:aws:iam::123456789012:role/execution")
        .container_definitions(container)
        .send()
        .await
        .expect("a task definition");
    let tag = Tag::builder().key("ecsws:stack-name").value("s").build();
    let vpc = AwsVpcConfiguration::builder().set_subnets(Some(aws.subnets().await)).build().expect("a configuration");
    let network = NetworkConfiguration::builder().awsvpc_configuration(vpc).build();
    let run = ecs.run_task().cluster("c").task_definition("f").launch_type(LaunchType::Fargate);
    let started = run.network_configuration(network).tags(tag).send().await.expect("it runs");
    started.tasks()[0].task_arn().expect("an ARN").to_owned()
}

/// The task's container, once the task has stopped.
async fn stopped(aws: &LocalAws, task: &str) -> Container {
    let ecs = aws.ecs();
    let wait = async {
        loop {
            let response = ecs.describe_tasks().cluster("c").tasks(task).send().await.expect("the task is known");
            let task = &response.tasks()[0];
            if task.last_status() == Some("STOPPED") {
                assert_eq!(task.stopped_reason(), Some("Essential container in task exited"));
                return task.containers()[0].clone();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.expect("it is stopped")
}

#[tokio::test]
async fn a_task_that_exceeds_its_memory_is_killed() {
    let aws = LocalAws::start().await;
    let task = run(&aws, "x=$(head -c 90000000 /dev/zero | tr '\\0' x); sleep 600").await;
    let container = stopped(&aws, &task).await;
    assert_eq!(container.exit_code(), Some(137));
    assert_eq!(container.reason(), Some("OutOfMemoryError: Container killed due to memory usage"));
}

#[tokio::test]
async fn a_fork_bomb_is_ended() {
    let aws = LocalAws::start().await;
    let task = run(&aws, "while :; do sleep 600 & done").await;
    let container = stopped(&aws, &task).await;
    assert_eq!(container.exit_code(), Some(137));
    let reason = container.reason().expect("a reason");
    assert!(reason.starts_with("ResourceLimitExceeded: ") && reason.ends_with("it may have 512"), "{reason}");
}

#[tokio::test]
async fn output_without_line_breaks_is_complete() {
    let aws = LocalAws::start().await;
    let task = run(&aws, "head -c 1000000 /dev/zero | tr '\\0' x; exec >&- 2>&-; exit 3").await;
    assert_eq!(stopped(&aws, &task).await.exit_code(), Some(3));
    // As on AWS, the last events may come a little after the task's end.
    let all_printed = async {
        while printed(&aws).await < 1_000_000 {
            // FilterLogEvents has a rate limit.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(LIMIT, all_printed).await.expect("all of it arrives");
    assert_eq!(printed(&aws).await, 1_000_000);
}

/// The size of all events in bytes.
async fn printed(aws: &LocalAws) -> usize {
    let (logs, mut read, mut token) = (aws.logs(), 0, None);
    loop {
        let page = logs.filter_log_events().log_group_name("g").set_next_token(token).send().await.expect("events");
        read += page.events().iter().filter_map(|event| event.message()).map(str::len).sum::<usize>();
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            return read;
        }
    }
}
