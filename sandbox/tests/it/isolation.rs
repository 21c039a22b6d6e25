//! Tasks inherit nothing of the caller: no variable, no open file and no AWS profile. No process of a task remains when it ends.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{
    AwsVpcConfiguration, Compatibility, ContainerDefinition, KeyValuePair, LaunchType, NetworkConfiguration,
    NetworkMode, Secret, Tag,
};
use serde_json::json;

use crate::common::read;
use crate::local_aws::LocalAws;
use crate::processes::Lifeline;

const CLUSTER: &str = "demo";
const LIMIT: Duration = Duration::from_mins(1);

/// A sandbox in which the image `app` of a stack is a command.
pub(crate) struct Tasks {
    pub aws: LocalAws,
    client: Client,
    network: NetworkConfiguration,
}

impl Tasks {
    pub(crate) async fn start(host_exec: bool, command: &[&str]) -> Self {
        let aws = LocalAws::start_with(host_exec).await;
        let images = json!({ "app": { "command": command } });
        aws.control("PutImages", json!({ "stackName": "web", "images": images })).await;
        let client = aws.ecs();
        client.create_cluster().cluster_name(CLUSTER).send().await.expect("a cluster");
        let vpc = AwsVpcConfiguration::builder().set_subnets(Some(aws.subnets().await)).build().expect("subnets");
        Self { aws, client, network: NetworkConfiguration::builder().awsvpc_configuration(vpc).build() }
    }

    pub(crate) async fn run(&self, container: ContainerDefinition, role: Option<&str>) -> String {
        let request = self.client.register_task_definition().family("web").network_mode(NetworkMode::Awsvpc);
        let request = request.requires_compatibilities(Compatibility::Fargate).cpu("256").memory("512");
        let request = request.execution_role_arn("arn:aws:iam::123456789012:role/execution");
        let request = request.set_task_role_arn(role.map(str::to_owned)).container_definitions(container);
        let registered = request.send().await.expect("it is registered");
        let arn = registered.task_definition.and_then(|definition| definition.task_definition_arn).expect("an ARN");
        let request = self.client.run_task().cluster(CLUSTER).task_definition(arn).launch_type(LaunchType::Fargate);
        let tag = Tag::builder().key("ecsws:stack-name").value("web").build();
        let run = request.network_configuration(self.network.clone()).tags(tag).send().await.expect("it runs");
        run.tasks()[0].task_arn().expect("an ARN").to_owned()
    }

    async fn stopped(&self, arn: &str) {
        within(async {
            loop {
                let described = self.client.describe_tasks().cluster(CLUSTER).tasks(arn).send().await.expect("it");
                if described.tasks()[0].last_status() == Some("STOPPED") {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    pub(crate) async fn stop(&self, arn: &str) {
        self.client.stop_task().cluster(CLUSTER).task(arn).send().await.expect("it is stopped");
        self.stopped(arn).await;
    }

    pub(crate) fn task_folders(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.aws.folder().join("tasks")).into_iter().flatten();
        folders.map(|folder| folder.expect("a folder").path()).collect()
    }
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("in time")
}

pub(crate) fn app() -> aws_sdk_ecs::types::builders::ContainerDefinitionBuilder {
    ContainerDefinition::builder().name("app").image("app")
}

fn variable(name: &str, value: &str) -> KeyValuePair {
    KeyValuePair::builder().name(name).value(value).build()
}

/// A folder to which a task's command writes its environment, and the script for it.
pub(crate) struct Report(tempfile::TempDir);

impl Report {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("environment")
    }

    /// With programs by their paths, regardless of `PATH`.
    pub(crate) fn script(&self) -> String {
        let file = self.file().display().to_string();
        format!("/usr/bin/env > '{file}.new'; /bin/mv '{file}.new' '{file}'; exec /bin/sleep 600")
    }

    pub(crate) async fn environment(&self) -> BTreeMap<String, String> {
        let file = self.file();
        within(async {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        let text = read(&file);
        let variables = text.lines().filter_map(|line| line.split_once('='));
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

#[tokio::test]
async fn without_a_role_a_task_has_no_credentials_but_its_definitions() {
    let report = Report::new();
    let tasks = Tasks::start(true, &["sh", "-c", &report.script()]).await;
    let container = app().environment(variable("HOME", "/srv")).environment(variable("AWS_REGION", "eu-west-1"));
    tasks.run(container.build(), None).await;
    let environment = report.environment().await;
    assert_eq!((environment["HOME"].as_str(), environment["AWS_REGION"].as_str()), ("/srv", "eu-west-1"));
    assert!(environment.keys().all(|name| !name.contains("CREDENTIALS_FULL_URI") && !name.contains("TOKEN")));
    assert!(environment["AWS_SHARED_CREDENTIALS_FILE"].starts_with(&*tasks.aws.folder().to_string_lossy()));
}

#[tokio::test]
async fn the_sandboxs_path_finds_a_tasks_program() {
    let (report, evil) = (Report::new(), tempfile::tempdir().expect("a folder"));
    let planted = evil.path().join("planted");
    let fake = evil.path().join("sh");
    #[expect(clippy::disallowed_methods, reason = "a program that must not run")]
    std::fs::write(&fake, format!("#!/bin/sh\n: > '{}'\n", planted.display())).expect("a program");
    std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it can run");
    let tasks = Tasks::start(true, &["sh", "-c", &report.script()]).await;
    let path = evil.path().to_string_lossy().into_owned();
    tasks.run(app().environment(variable("PATH", &path)).build(), None).await;
    assert_eq!(report.environment().await["PATH"], path);
    assert!(!planted.exists());
}

#[tokio::test]
async fn without_host_exec_no_request_sets_a_variable() {
    let report = Report::new();
    let tasks = Tasks::start(false, &["sh", "-c", &report.script()]).await;
    let put = crate::raw_requests::json(
        &tasks.aws,
        "ssm",
        "AmazonSSM.PutParameter",
        &json!({ "Name": "library", "Type": "String", "Value": "/tmp/evil.so" }),
    );
    assert_eq!(put.status, 200, "{}", put.text());
    let secret = Secret::builder().name("LD_AUDIT").value_from("library").build().expect("a secret");
    let names = [
        "PATH",
        "HOME",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "BASH_ENV",
        "ENV",
        "PYTHONPATH",
        "NODE_OPTIONS",
        "JAVA_TOOL_OPTIONS",
        "GLIBC_TUNABLES",
        "AWS_ENDPOINT_URL",
        "HARMLESS",
    ];
    let container = names.iter().fold(app().secrets(secret), |app, name| app.environment(variable(name, "/tmp/evil")));
    tasks.run(container.build(), None).await;
    let environment = report.environment().await;
    assert!(!environment.values().any(|value| value.contains("evil")), "{environment:?}");
    assert!(!environment.contains_key("LD_AUDIT"));
}

#[tokio::test]
async fn a_process_without_environment_that_killed_its_shim_ends_with_its_task() {
    let lifeline = Lifeline::new();
    let leave = "(setsid env -i sh -c 'setsid sleep 600 & exec sleep 600' &); setsid env -i sleep 600 &";
    let script = lifeline.script(&format!("{leave} kill -9 $PPID; sleep 600"));
    let tasks = Tasks::start(true, &["sh", "-c", &script]).await;
    let arn = tasks.run(app().build(), None).await;
    tasks.stopped(&arn).await;
    lifeline.everything_ends().await;
}

#[tokio::test]
async fn a_task_that_stops_its_shim_with_a_signal_can_be_stopped() {
    let lifeline = Lifeline::new();
    let script = lifeline.script("kill -STOP $PPID; exec sleep 600");
    let tasks = Tasks::start(true, &["sh", "-c", &script]).await;
    let arn = tasks.run(app().build(), None).await;
    tasks.stop(&arn).await;
    lifeline.everything_ends().await;
}

#[tokio::test]
async fn a_stopped_shim_ends_with_a_killed_sandbox() {
    let lifeline = Lifeline::new();
    let script = lifeline.script("kill -STOP $PPID; exec sleep 600");
    let tasks = Tasks::start(true, &["sh", "-c", &script]).await;
    tasks.run(app().build(), None).await;
    let is_stopped = |shim: &i32| read(Path::new(&format!("/proc/{shim}/stat"))).contains(") T ");
    let shim = within(async {
        loop {
            let mut shims = crate::local_aws::shims(tasks.aws.endpoint.pid).into_iter().map(nix::unistd::Pid::as_raw);
            if let Some(shim) = shims.find(is_stopped) {
                return shim;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    tasks.aws.kill();
    lifeline.everything_ends().await;
    within(async {
        while is_alive(shim) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Whether a process runs. A zombie does not.
fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let stat = String::from_utf8_lossy(&stat);
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[tokio::test]
async fn task_folders_of_a_killed_sandbox_are_removed() {
    let report = Report::new();
    let mut tasks = Tasks::start(true, &["sh", "-c", &format!("mkdir -m 0 $HOME/a; {}", report.script())]).await;
    tasks.run(app().build(), None).await;
    report.environment().await;
    assert_eq!(tasks.task_folders().len(), 1);
    tasks.aws.kill_and_restart().await;
    assert_eq!(tasks.task_folders(), [] as [PathBuf; 0]);
}
