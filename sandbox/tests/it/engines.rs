//! Tasks in the containers of an engine. A script in the place of podman records its commands and runs a process.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use aws_sdk_ecs::types::{
    AwsVpcConfiguration, Compatibility, ContainerDefinition, KeyValuePair, LaunchType, NetworkConfiguration,
    NetworkMode, PortMapping, Tag,
};
use ecsws_sandbox::messages::{ImageRuntime, StackImages};
use ecsws_sandbox::testing::Clock;

use crate::common::read;
use crate::local_aws::{Confined, LocalAws};

const LIMIT: Duration = Duration::from_secs(30);

/// Handles the commands that the sandbox uses. Its container runs until it gets SIGTERM, and exits with the code 7 then.
const PODMAN: &str = r#"#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >>commands
for container; do :; done
case "$*" in
    info*) echo '{"host":{"cpus":2,"cgroupControllers":["cpu","memory"]}}' ;;
    image*) echo SIGTERM ;;
    create*) cat >environment ;;
    start*) trap 'exit 7' TERM; echo $$ >pid; echo up; while :; do sleep 0.05; done ;;
    *State.Pid*) echo 0 ;;
    container*) test -e pid && echo 'running false' || echo 'created false' ;;
    kill*) kill -TERM "$(cat pid)" ;;
    rm*) echo "$container" >removed ;;
esac
"#;

#[expect(clippy::disallowed_methods, reason = "a test's own program")]
fn install(folder: &Path) {
    let program = folder.join("podman");
    std::fs::write(&program, PODMAN).expect("a file");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it can run");
}

#[tokio::test]
async fn a_task_runs_in_a_container_of_its_engine_and_is_removed_at_its_end() {
    let programs = tempfile::tempdir().expect("a folder");
    install(programs.path());
    let path = format!("PATH='{}:/usr/bin:/bin'; export PATH", programs.path().display());
    let (_sandbox, endpoint) = Confined::start(&path).await;
    let images = StackImages {
        stack_name: "web-stack".to_owned(),
        runtime: ImageRuntime::Podman,
        images: std::iter::empty().collect(),
    };
    endpoint.put_images(&images, Clock::new(1.0).now()).await.expect("it is stored");
    let config = LocalAws::config_of(&endpoint);
    let ecs = aws_sdk_ecs::Client::new(&config);
    ecs.create_cluster().cluster_name("demo").send().await.expect("a cluster");
    let container = ContainerDefinition::builder()
        .name("web")
        .image("web:1")
        .user("1000")
        .readonly_root_filesystem(true)
        .port_mappings(PortMapping::builder().container_port(3000).build())
        .environment(KeyValuePair::builder().name("GREETING").value("hello").build());
    let definition = ecs.register_task_definition().family("web").network_mode(NetworkMode::Awsvpc);
    let definition = definition.requires_compatibilities(Compatibility::Fargate).cpu("256").memory("512");
    definition.container_definitions(container.build()).send().await.expect("it is registered");
    let subnets = LocalAws::subnets_of(&config).await;
    let network = AwsVpcConfiguration::builder().set_subnets(Some(subnets)).build().expect("subnets");
    let run = ecs.run_task().cluster("demo").task_definition("web").launch_type(LaunchType::Fargate);
    let run = run.tags(Tag::builder().key("ecsws:stack-name").value("web-stack").build());
    let run = run.network_configuration(NetworkConfiguration::builder().awsvpc_configuration(network).build());
    let arn = run.send().await.expect("it runs").tasks()[0].task_arn().expect("an ARN").to_owned();
    let reach = async |status: &str| {
        loop {
            let described = ecs.describe_tasks().cluster("demo").tasks(&arn).send().await.expect("it is described");
            let task = described.tasks.unwrap_or_default().pop().expect("a task");
            if task.last_status() == Some(status) {
                return task;
            }
            assert_ne!(task.last_status(), Some("STOPPED"), "{:?}", task.stopped_reason());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let running = tokio::time::timeout(LIMIT, reach("RUNNING")).await.expect("it runs in time");
    let port = running.containers()[0].network_bindings()[0].host_port().expect("a port");
    let commands = read(&programs.path().join("commands"));
    let create = commands.lines().find(|line| line.starts_with("create ")).expect("it is created");
    let publish = format!("--publish=127.0.0.1:{port}:3000/tcp");
    for flag in
        ["--http-proxy=false", "--user=1000", "--read-only-tmpfs=false", "--cpus=0.25", "--memory=512m", &publish]
    {
        assert!(create.contains(flag), "{flag}: {create}");
    }
    assert!(create.ends_with(" web:1"), "{create}");
    assert!(read(&programs.path().join("environment")).contains("GREETING=hello\n"));
    assert!(!commands.contains("hello"), "values are never arguments");

    ecs.stop_task().cluster("demo").task(&arn).send().await.expect("it is stopped");
    let stopped = tokio::time::timeout(LIMIT, reach("STOPPED")).await.expect("it stops in time");
    assert_eq!(stopped.containers()[0].exit_code(), Some(7));
    let id = arn.rsplit('/').next().expect("an id");
    assert_eq!(read(&programs.path().join("removed")).trim(), format!("ecsws-{id}-0"));
}
