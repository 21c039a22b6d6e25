//! Tasks and the sandbox in the background inherit nothing of the caller: no variable, no open file, no AWS profile, and no credentials
//! except their role's. No process of a task remains when it ends.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{
    AwsVpcConfiguration, Compatibility, ContainerDefinition, KeyValuePair, LaunchType, NetworkConfiguration,
    NetworkMode, Secret, Tag,
};
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use ecsws_sandbox::lifecycle;
use ecsws_sandbox::lifecycle::{ControlError, Endpoint};
use ecsws_sandbox::testing::Clock;
use serde_json::{Value, json};

use crate::common::{program, read};
use crate::local_aws::LocalAws;
use crate::processes::Lifeline;

const CLUSTER: &str = "demo";
const ROLE: &str = "arn:aws:iam::123456789012:role/team/web";
const LIMIT: Duration = Duration::from_mins(1);

/// A sandbox in which the image `app` of a stack is a command.
struct Tasks {
    aws: LocalAws,
    client: Client,
    network: NetworkConfiguration,
}

impl Tasks {
    async fn start(host_exec: bool, command: &[&str]) -> Self {
        let aws = LocalAws::start_with(host_exec).await;
        let images = json!({ "app": { "command": command } });
        aws.control("PutImages", json!({ "stackName": "web", "images": images })).await;
        let client = aws.ecs();
        client.create_cluster().cluster_name(CLUSTER).send().await.expect("a cluster");
        let vpc = AwsVpcConfiguration::builder().set_subnets(Some(aws.subnets().await)).build().expect("subnets");
        Self { aws, client, network: NetworkConfiguration::builder().awsvpc_configuration(vpc).build() }
    }

    async fn run(&self, container: ContainerDefinition, role: Option<&str>) -> String {
        let request = self.client.register_task_definition().family("web").network_mode(NetworkMode::Awsvpc);
        let request = request.requires_compatibilities(Compatibility::Fargate).cpu("256").memory("512");
        let request = request.execution_role_arn("arn:aws:iam::123456789012:role/execution");
        let request = request.set_task_role_arn(role.map(str::to_owned)).container_definitions(container);
        let registered = request.send().await.expect("it is registered");
        let arn = registered.task_definition.and_then(|one| one.task_definition_arn).expect("an ARN");
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

    async fn stop(&self, arn: &str) {
        self.client.stop_task().cluster(CLUSTER).task(arn).send().await.expect("it is stopped");
        self.stopped(arn).await;
    }

    fn task_folders(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.aws.folder().join("tasks")).into_iter().flatten();
        folders.map(|folder| folder.expect("a folder").path()).collect()
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("in time")
}

fn app() -> aws_sdk_ecs::types::builders::ContainerDefinitionBuilder {
    ContainerDefinition::builder().name("app").image("app")
}

fn variable(name: &str, value: &str) -> KeyValuePair {
    KeyValuePair::builder().name(name).value(value).build()
}

/// A folder to which a task's command writes its environment, and the script for it.
struct Report(tempfile::TempDir);

impl Report {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("environment")
    }

    /// With programs by their paths, whatever `PATH` is.
    fn script(&self) -> String {
        let file = self.file().display().to_string();
        format!("/usr/bin/env > '{file}.new'; /bin/mv '{file}.new' '{file}'; exec /bin/sleep 600")
    }

    async fn environment(&self) -> BTreeMap<String, String> {
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

/// A request as SDKs send it for container credentials: the status and the body.
fn request_credentials(endpoint: &Endpoint, method: &str, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(endpoint.host()).expect("it listens");
    let request = format!("{method} {path} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head[9..12].parse().expect("a status"), body.to_owned())
}

#[tokio::test]
async fn a_running_task_has_the_credentials_of_its_role() {
    let report = Report::new();
    let tasks = Tasks::start(true, &["sh", "-c", &report.script()]).await;
    let arn = tasks.run(app().build(), Some(ROLE)).await;
    let environment = report.environment().await;
    let (endpoint, id) = (&tasks.aws.endpoint, arn.rsplit('/').next().expect("an id"));
    assert_eq!(environment["AWS_ENDPOINT_URL"], endpoint.url);
    assert_eq!(
        (environment["AWS_REGION"].as_str(), environment["AWS_DEFAULT_REGION"].as_str()),
        ("us-east-1", "us-east-1")
    );
    assert_eq!(environment["AWS_EC2_METADATA_DISABLED"], "true");
    let home = Path::new(&environment["HOME"]);
    assert!(home.starts_with(tasks.aws.folder().join("tasks")) && home.is_dir(), "{}", home.display());
    assert!(Path::new(&environment["TMPDIR"]).starts_with(tasks.aws.folder().join("tasks")));
    for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        assert!(!Path::new(&environment[name]).exists(), "{name}");
    }

    let uri = &environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    let path = uri.strip_prefix(&endpoint.url).expect("it is the sandbox's");
    let token = &environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"];
    let (host, right) = (format!("host: {}\r\n", endpoint.host()), format!("authorization: {token}\r\n"));
    let (status, body) = request_credentials(endpoint, "GET", path, &format!("{host}{right}"));
    assert_eq!(status, 200, "{body}");
    let given: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(given["RoleArn"], ROLE);
    let expiration: jiff::Timestamp = given["Expiration"].as_str().expect("a time").parse().expect("a time");
    assert!(expiration > Clock::new(1.0).now());
    for (method, path, headers) in [
        ("GET", path, host.clone()),
        ("GET", path, format!("{host}authorization: {token}x\r\n")),
        ("GET", path, format!("{host}authorization: Bearer {token}\r\n")),
        ("GET", "/v2/credentials/", format!("{host}{right}")),
        ("GET", "/v2/credentials/00000000-0000-4000-8000-000000000000", format!("{host}{right}")),
        ("GET", path, format!("host: attacker.example\r\n{right}")),
        ("GET", path, format!("{host}{right}origin: https://attacker.example\r\n")),
        ("GET", path, format!("{host}{right}sec-fetch-site: same-origin\r\n")),
        ("POST", path, format!("{host}{right}")),
    ] {
        let (status, body) = request_credentials(endpoint, method, path, &headers);
        assert!(
            matches!(status, 403 | 405) && !body.contains("SecretAccessKey"),
            "{method} {path} {headers}: {status}"
        );
    }

    let text = |member: &str| given[member].as_str().expect("text").to_owned();
    let sts = |key: &str, secret: &str, token: Option<String>| {
        let credentials = Credentials::new(key, secret, token, None, "test");
        let config = tasks.aws.config().into_builder();
        aws_sdk_sts::Client::new(&config.credentials_provider(SharedCredentialsProvider::new(credentials)).build())
    };
    let (key, secret, session) = (text("AccessKeyId"), text("SecretAccessKey"), text("Token"));
    let role = sts(&key, &secret, Some(session.clone()));
    let identity = role.get_caller_identity().send().await.expect("an identity");
    assert_eq!(identity.arn(), Some(format!("arn:aws:sts::123456789012:assumed-role/web/{id}").as_str()));
    assert_eq!(identity.account(), Some("123456789012"));
    assert!(identity.user_id().is_some_and(|user| user.starts_with("AROA") && user.ends_with(&format!(":{id}"))));
    for (key, secret, token) in [
        (&key, &secret, None),
        (&key, &secret, Some(format!("{session}x"))),
        (&key, &secret, Some(String::new())),
        (&endpoint.credentials.access_key_id, &endpoint.credentials.secret_access_key, Some(session.clone())),
    ] {
        let refused = sts(key, secret, token).get_caller_identity().send().await.expect_err("it is refused");
        assert_eq!(refused.code(), Some("InvalidClientTokenId"));
    }
    let wrong = sts(&key, &format!("{secret}x"), Some(session.clone()));
    let refused = wrong.get_caller_identity().send().await.expect_err("it is refused");
    assert_eq!(refused.code(), Some("SignatureDoesNotMatch"));

    tasks.stop(&arn).await;
    let (status, _) = request_credentials(endpoint, "GET", path, &format!("{host}{right}"));
    assert_eq!(status, 403, "they end with the task");
    let refused = role.get_caller_identity().send().await.expect_err("it is refused");
    assert_eq!(refused.code(), Some("InvalidClientTokenId"));
    within(async {
        while !tasks.task_folders().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_tasks_credentials_are_not_those_of_the_sandbox() {
    let report = Report::new();
    let tasks = Tasks::start(true, &["sh", "-c", &report.script()]).await;
    tasks.run(app().build(), Some("app-role")).await;
    let environment = report.environment().await;
    let path = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"].strip_prefix(&tasks.aws.endpoint.url).expect("ours");
    let token = &environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"];
    let headers = format!("host: {}\r\nauthorization: {token}\r\n", tasks.aws.endpoint.host());
    let (_, body) = request_credentials(&tasks.aws.endpoint, "GET", path, &headers);
    let given: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(given["RoleArn"], "arn:aws:iam::123456789012:role/app-role");
    // The client of control calls sends no session token, so it is refused for the key already.
    let mut endpoint = tasks.aws.endpoint.clone();
    endpoint.credentials.access_key_id = given["AccessKeyId"].as_str().expect("a key").to_owned();
    endpoint.credentials.secret_access_key = given["SecretAccessKey"].as_str().expect("a secret").to_owned();
    let refused = endpoint.call("Shutdown", &json!({}), Clock::new(1.0).now()).await;
    assert!(matches!(refused, Err(ControlError::Refused { .. })), "{refused:?}");
    let answer = crate::raw_requests::json_as(
        &tasks.aws,
        &Credentials::new(
            &endpoint.credentials.access_key_id,
            &endpoint.credentials.secret_access_key,
            given["Token"].as_str().map(str::to_owned),
            None,
            "test",
        ),
        ("ecsws", "EcswsSandbox.Shutdown"),
        &json!({}),
    );
    assert!(answer.status == 400 && answer.text().contains("AccessDeniedException"), "{}", answer.text());
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

/// A sandbox that a user's command starts; it is stopped when this value is dropped.
struct Started(tempfile::TempDir);

impl Started {
    fn folder(&self) -> PathBuf {
        self.0.path().join("state")
    }

    /// Starts it by a script in which `$0` is this program and `$@` the arguments, in a folder with an AWS profile.
    async fn by(&self, script: &str) -> std::process::Output {
        let home = self.0.path().join("home");
        std::fs::create_dir_all(home.join(".aws")).expect("a folder");
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", script]).arg(program()).arg("--background").arg(self.folder());
        command.current_dir(self.0.path()).env("HOME", home).stdin(Stdio::null());
        for name in
            ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DOCKER_PASSWORD", "BUILDKITE_TOKEN", "REGISTRY_PASSWORD", "A.B"]
        {
            command.env(name, "caller-secret");
        }
        within(command.output()).await.expect("it runs")
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let folder = self.folder();
        // The test's own runtime cannot wait here.
        let stop = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            drop(runtime.block_on(lifecycle::stop(&folder)));
        };
        drop(std::thread::spawn(stop).join());
    }
}

/// The environment and the open files of a process.
fn process(pid: u32) -> (String, Vec<(u32, PathBuf)>) {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let environment = std::fs::read(folder.join("environ")).expect("its environment");
    let files = std::fs::read_dir(folder.join("fd")).expect("its files");
    let files = files.filter_map(|file| {
        let file = file.ok()?;
        Some((file.file_name().to_str()?.parse().ok()?, std::fs::read_link(file.path()).ok()?))
    });
    (String::from_utf8_lossy(&environment).into_owned(), files.collect())
}

#[tokio::test]
async fn the_sandbox_inherits_nothing_of_the_command_that_starts_it() {
    let started = Started(tempfile::tempdir().expect("a folder"));
    // A lock on descriptor 9, and the other end of this test's pipes on 7 and 8: output() ends when they are closed.
    let output = started.by(r#"exec 9>lock; flock -n 9 || exit 1; "$0" "$@" 7>&1 8>&2"#).await;
    assert!(output.status.success(), "{output:?}");
    let lock = std::process::Command::new("flock").args(["-n"]).arg(started.0.path().join("lock")).arg("true").status();
    assert!(lock.expect("flock runs").success(), "the lock is still held");
    let (endpoint, _) = lifecycle::status(&started.folder()).await.expect("an answer").expect("it runs");
    let (environment, files) = process(endpoint.pid);
    assert!(!environment.contains("caller-secret"), "{environment}");
    let own = |descriptor: u32| files.iter().find(|(open, _)| *open == descriptor).map(|(_, file)| file.clone());
    assert_eq!(own(0), Some("/dev/null".into()));
    assert_eq!(own(1), Some("/dev/null".into()));
    assert_eq!(own(2), Some(started.folder().join("sandbox.log")));
    assert!(files.iter().all(|(_, file)| !file.ends_with("lock") || file.starts_with(started.folder())), "{files:?}");
    assert_eq!(std::fs::read_link(format!("/proc/{}/cwd", endpoint.pid)).expect("it has one"), Path::new("/"));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(endpoint.pid).expect("an id"));
    assert_eq!(nix::unistd::getsid(Some(pid)), Ok(pid));
}

#[tokio::test]
async fn the_sandbox_ignores_no_signal_that_the_command_that_starts_it_ignores() {
    let started = Started(tempfile::tempdir().expect("a folder"));
    let output = started.by(r#"trap '' HUP QUIT USR1 USR2 ALRM TSTP CHLD; exec "$0" "$@""#).await;
    assert!(output.status.success(), "{output:?}");
    let (endpoint, _) = lifecycle::status(&started.folder()).await.expect("an answer").expect("it runs");
    let status = read(Path::new(&format!("/proc/{}/status", endpoint.pid)));
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).expect("a mask");
    let mask = u64::from_str_radix(mask, 16).expect("hexadecimal digits");
    // SIGPIPE, as in every Rust program.
    assert_eq!(mask & 0x7fff_ffff, 0x1000, "the standard signals in {mask:x}");
}

#[tokio::test]
async fn a_sandbox_in_the_foreground_has_no_variable_of_the_caller_either() {
    let started = Started(tempfile::tempdir().expect("a folder"));
    let script = r#"exec 9>lock; "$0" "$2" 7 >/dev/null 2>&1 7>&1 &"#;
    assert!(started.by(script).await.status.success());
    let found = within(async {
        loop {
            if let Ok(Some(found)) = lifecycle::status(&started.folder()).await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let (endpoint, status) = found.await;
    assert_eq!(status["speed"], 7.0);
    let (environment, files) = process(endpoint.pid);
    assert!(!environment.contains("caller-secret"), "{environment}");
    assert!(files.iter().all(|(_, file)| *file != started.0.path().join("lock")), "{files:?}");
}
