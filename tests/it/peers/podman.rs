//! Tasks in podman containers, with an image that contains only a static busybox.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use ecsws_sandbox::lifecycle::Endpoint;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::{Place, succeed, tool};
use crate::common::read;

/// A new image, which is removed when this is dropped.
struct Image(String);

impl Image {
    fn build() -> Self {
        let name = format!("localhost/ecsws-{:016x}:1", rand::random::<u64>());
        let root = tempfile::tempdir().expect("a folder");
        let bin = root.path().join("bin");
        fs::create_dir(&bin).expect("a folder");
        fs::copy("/bin/busybox", bin.join("busybox")).expect("busybox-static is installed");
        for applet in ["cat", "env", "httpd", "mkdir", "sh", "sleep", "wget"] {
            symlink("busybox", bin.join(applet)).expect("a link");
        }
        // A unique file, because tests that shared a layer would remove each other's image.
        fs::copy("/proc/sys/kernel/random/uuid", root.path().join("uuid")).expect("a unique file");
        let mut command = Command::new("tar");
        command.arg("-C").arg(root.path()).args(["-c", "."]).stdout(Stdio::piped());
        let mut tar = command.spawn().expect("tar runs");
        let layer = tar.stdout.take().expect("the stream is piped");
        succeed(Command::new("podman").args(["import", "--quiet", "--change=ENV PATH=/bin", "-", &name]).stdin(layer));
        assert!(tar.wait().expect("tar ends").success());
        Self(name)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        drop(Command::new("podman").args(["rmi", "--force", &self.0]).output());
    }
}

/// A project with its own sandbox, which is stopped before its image is removed.
pub(super) struct Sandboxed {
    pub(super) place: Place,
    image: Image,
}

impl Drop for Sandboxed {
    fn drop(&mut self) {
        drop(self.place.command(env!("CARGO_BIN_EXE_ecsws"), "sandbox stop").status());
    }
}

const PROJECT: &str = r#"
[platform.stack]
name = "base"
cluster_name = "demo"

[services.web]
stack = "web"
name = "web"
cpu = 256
memory = 512
count = 1

[services.web.container]
image = "IMAGE"
port = 3000
command = ["sh", "-c", "mkdir /www; env >/www/env; echo hello >/www/index.html; echo up; exec httpd -f -p 3000 -h /www"]
environment = { GREETING = "two\nlines of \"it\"", PATH = "/bin:/sbin", HOME = "/www" }

[services.web.logs]
prefix = "web"

[services.no-image]
stack = "no-image"
name = "no-image"
cpu = 256
memory = 512
count = 0

[services.no-image.container]
image = "localhost:1/not/there:1"

[sandbox]
runtime = "podman"
"#;

impl Sandboxed {
    /// `wrapper` is a script that the sandbox finds as `podman` in its PATH.
    pub(super) fn start(wrapper: Option<&str>) -> Self {
        let image = Image::build();
        let mut place = Place::new(&PROJECT.replace("IMAGE", &image.0));
        let state = place.dir.path().join("sandbox").to_string_lossy().into_owned();
        place.set("ECSWS_SANDBOX_DIR", &state);
        if let Some(script) = wrapper {
            place.write("podman", script);
            let program = place.dir.path().join("podman");
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("permissions");
            let path = format!("{}:{}", place.dir.path().display(), place.environment["PATH"]);
            place.set("PATH", &path);
        }
        let started = Self { place, image };
        started.place.ecsws("sandbox start");
        started
    }

    /// The JSON output of the AWS CLI; null if there is none.
    pub(super) fn aws(&self, arguments: &[&str]) -> Value {
        let text = succeed(self.aws_command("--output json").args(arguments));
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub(super) fn aws_command(&self, arguments: &str) -> Command {
        let mut command = self.place.command(tool("aws"), arguments);
        for line in self.place.ecsws("sandbox env").lines() {
            if let Some((name, value)) = line.strip_prefix("export ").and_then(|line| line.split_once('=')) {
                command.env(name, value);
            }
        }
        command
    }

    fn endpoint(&self) -> Endpoint {
        let path = self.place.dir.path().join("sandbox/endpoint.json");
        serde_json::from_str(&read(&path)).expect("the endpoint file is JSON")
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.place.ecsws("--sandbox status web --output json")).expect("valid JSON")
    }

    /// The containers of this sandbox's tasks, by name.
    pub(super) fn containers(&self) -> BTreeMap<String, Value> {
        let tasks = self.aws(&["ecs", "list-tasks", "--cluster", "demo"]);
        let stopped = self.aws(&["ecs", "list-tasks", "--cluster", "demo", "--desired-status", "STOPPED"]);
        let arns =
            [tasks, stopped].into_iter().flat_map(|list| list["taskArns"].as_array().cloned().unwrap_or_default());
        let ids: Vec<String> = arns.filter_map(|arn| arn.as_str()?.rsplit('/').next().map(ToOwned::to_owned)).collect();
        containers().into_iter().filter(|(name, _)| ids.iter().any(|id| name.contains(id.as_str()))).collect()
    }

    /// Kills the sandbox with SIGKILL, and also its shims if `with_shims` is set.
    fn kill(&self, with_shims: bool) {
        let pid = i32::try_from(self.endpoint().pid).expect("a process id");
        let shims = children(pid);
        kill_process(pid);
        shims.into_iter().filter(|_| with_shims).for_each(kill_process);
        let mut status = self.place.command(env!("CARGO_BIN_EXE_ecsws"), "sandbox status");
        eventually("the end of the sandbox", || status.output().expect("the binary runs").status.code() == Some(5));
    }

    /// The id of the first subnet, or of a new one if there is none.
    fn subnet(&self) -> String {
        let existing = self.aws(&["ec2", "describe-subnets"]);
        if let Some(id) = existing["Subnets"][0]["SubnetId"].as_str() {
            return id.to_owned();
        }
        let vpc = self.aws(&["ec2", "create-vpc", "--cidr-block", "10.3.0.0/16"]);
        let vpc = vpc["Vpc"]["VpcId"].as_str().expect("an id");
        let subnet = self.aws(&["ec2", "create-subnet", "--vpc-id", vpc, "--cidr-block", "10.3.0.0/24"]);
        subnet["Subnet"]["SubnetId"].as_str().expect("an id").to_owned()
    }

    /// Runs a task, waits until it has stopped and returns its description.
    fn run(&self, definition: &str, overrides: &Value) -> Value {
        let network = json!({ "awsvpcConfiguration": { "subnets": [self.subnet()] } }).to_string();
        let run = [
            "ecs",
            "run-task",
            "--launch-type",
            "FARGATE",
            "--cluster",
            "demo",
            "--task-definition",
            definition,
            "--network-configuration",
            &network,
            "--overrides",
            &overrides.to_string(),
        ];
        let arn = self.aws(&run)["tasks"][0]["taskArn"].as_str().expect("a task is started").to_owned();
        for _ in 0..100 {
            let task = &self.aws(&["ecs", "describe-tasks", "--cluster", "demo", "--tasks", &arn])["tasks"][0];
            if task["lastStatus"] == "STOPPED" {
                return task.clone();
            }
        }
        panic!("the task does not stop");
    }

    /// The family of a stack's task definition.
    fn definition(&self, stack: &str) -> String {
        let resources = self.aws(&["cloudformation", "describe-stack-resources", "--stack-name", stack]);
        let resources = resources["StackResources"].as_array().cloned().unwrap_or_default();
        let definition = resources.iter().find(|resource| resource["ResourceType"] == "AWS::ECS::TaskDefinition");
        let arn = definition.and_then(|definition| definition["PhysicalResourceId"].as_str());
        arn.expect("the stack has a task definition").to_owned()
    }
}

/// All containers of this machine, by name.
fn containers() -> BTreeMap<String, Value> {
    let list = succeed(Command::new("podman").args(["ps", "--all", "--format={{.Names}}"]));
    let inspect = |name: &str| {
        let output = Command::new("podman").args(["container", "inspect", name]).output().expect("podman runs");
        // A container that has been removed in the meantime is skipped.
        let containers: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        containers.get(0).map(|container| (name.to_owned(), container.clone()))
    };
    list.lines().filter_map(inspect).collect()
}

/// Polls a condition until it holds. Each condition runs a program, so there are no pauses.
pub(super) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    assert!((0..200).any(|_| condition()), "timed out: {what}");
}

fn get(url: &str, path: &str) -> String {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("the service listens");
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {host}\r\n\r\n").expect("the request is sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("the service responds");
    response
}

fn kill_process(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("the process runs");
}

/// The child processes of a process.
fn children(parent: i32) -> Vec<i32> {
    let processes = fs::read_dir("/proc").expect("/proc");
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let is_child = |pid: &i32| {
        let stat = Path::new("/proc").join(pid.to_string()).join("stat");
        // A process that has ended in the meantime is skipped.
        let fields = String::from_utf8(fs::read(stat).unwrap_or_default()).unwrap_or_default();
        let after = fields.rsplit(')').next().unwrap_or_default().split_whitespace().nth(1);
        after == Some(parent.to_string().as_str())
    };
    pids.filter(is_child).collect()
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn images_run_as_containers_which_are_always_removed() {
    let sandbox = Sandboxed::start(None);
    let place = &sandbox.place;
    place.ecsws("--sandbox deploy");
    let url = sandbox.status()["url"].as_str().expect("the service has a URL").to_owned();
    eventually("a response", || get(&url, "/").ends_with("hello\n"));
    eventually("the log line", || place.ecsws("--sandbox logs web").contains(" up"));
    let environment = get(&url, "/env");
    for line in ["GREETING=two\nlines of \"it\"\n", "PATH=/bin:/sbin\n", "HOME=/www\n", "AWS_REGION=us-east-1\n"] {
        assert!(environment.contains(line), "{line} is not in {environment}");
    }
    assert!(!environment.contains("PORT="), "PORT is not set on AWS: {environment}");

    let containers = sandbox.containers();
    let (name, container) = containers.first_key_value().expect("there is a container");
    let host = &container["HostConfig"];
    let limits = [&host["Memory"], &host["NanoCpus"], &host["CpuShares"]];
    assert_eq!(limits, [&json!(512 << 20), &json!(250_000_000), &json!(2)], "{name}");

    place.ecsws("--sandbox scale web --count 2");
    assert_eq!(sandbox.containers().len(), 2);

    // Without the sandbox, the shims remove the containers.
    let ids: Vec<String> = sandbox.containers().into_keys().collect();
    sandbox.kill(false);
    eventually("the removal of the containers", || !ids.iter().any(|id| self::containers().contains_key(id)));

    // Without the sandbox and its shims, the next sandbox removes them.
    place.ecsws("sandbox start");
    eventually("new tasks", || sandbox.status()["running"] == 2);
    let ids: Vec<String> = sandbox.containers().into_keys().collect();
    sandbox.kill(true);
    assert!(ids.iter().all(|id| self::containers().contains_key(id)), "the containers still exist");
    place.ecsws("sandbox start");
    eventually("the removal of the containers", || !ids.iter().any(|id| self::containers().contains_key(id)));

    eventually("new tasks", || sandbox.status()["running"] == 2);
    let ids: Vec<String> = sandbox.containers().into_keys().collect();
    place.ecsws("--sandbox destroy --yes");
    eventually("the end of the service", || !ids.iter().any(|id| self::containers().contains_key(id)));
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn stopped_reasons_explain_why_a_container_exited_or_did_not_start() {
    let sandbox = Sandboxed::start(None);
    let deployed =
        sandbox.place.command(env!("CARGO_BIN_EXE_ecsws"), "--sandbox deploy").output().expect("the binary runs");
    let stderr = String::from_utf8_lossy(&deployed.stderr).into_owned();
    assert!(deployed.status.success(), "{stderr}");
    assert!(stderr.contains("podman pulls localhost:1/not/there:1, which is not on this machine yet"), "{stderr}");

    let web = sandbox.definition("web");
    let command = |command: &[&str]| json!({ "containerOverrides": [{ "name": "web", "command": command }] });
    let ended = sandbox.run(&web, &command(&["sh", "-c", "exit 7"]));
    assert_eq!(
        (&ended["containers"][0]["exitCode"], &ended["stopCode"]),
        (&json!(7), &json!("EssentialContainerExited"))
    );
    let no_program = sandbox.run(&web, &command(&["/not/there"]));
    let reason = no_program["stoppedReason"].as_str().unwrap_or_default();
    assert!(reason.starts_with("CannotStartContainerError: ") && reason.contains("/not/there"), "{reason}");
    assert_eq!(no_program["stopCode"], "TaskFailedToStart");

    let no_image = sandbox.run(&sandbox.definition("no-image"), &json!({}));
    let reason = no_image["stoppedReason"].as_str().unwrap_or_default();
    assert!(reason.starts_with("CannotPullContainerError: "), "{reason}");
    let remaining = sandbox.containers();
    assert_eq!(remaining.len(), 1, "only the service's container");

    // Resetting a killed sandbox also removes its containers.
    sandbox.kill(true);
    sandbox.place.ecsws("sandbox reset");
    assert!(remaining.into_keys().all(|name| !containers().contains_key(&name)));
}

/// Deploys a task definition with two containers, server and client, by the AWS CLI. `PutImages` sets podman as the stack's runtime, as
/// `ecsws deploy` does.
fn deploy_pair(sandbox: &Sandboxed, stack: &str, extra: &Value) {
    let image = &sandbox.image.0;
    let endpoint = sandbox.endpoint();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    #[expect(clippy::disallowed_methods, reason = "requests are signed with the clock of this machine")]
    let now = jiff::Timestamp::now();
    let input = json!({ "stackName": stack, "runtime": "podman" });
    runtime.block_on(endpoint.call::<Value>("PutImages", &input, now)).expect("the runtime is set");
    let mut client = json!({
        "Name": "client", "Image": image, "Essential": true, "Command": ["sh", "-c", "sleep 1; wget -q -O /dev/null http://127.0.0.1:3000/"]
    });
    let members = client.as_object_mut().expect("an object");
    members.extend(extra.as_object().cloned().unwrap_or_default());
    let server = json!({
        "Name": "server", "Image": image, "Essential": true, "PortMappings": [{ "ContainerPort": 3000 }], "StopTimeout": 2,
        "Command": ["sh", "-c", "mkdir /www; echo hello >/www/index.html; exec httpd -f -p 3000 -h /www"]
    });
    let properties = json!({
        "Family": stack, "NetworkMode": "awsvpc", "Cpu": "256", "Memory": "512", "ContainerDefinitions": [server, client]
    });
    let template = json!({ "Resources": { "Pair": { "Type": "AWS::ECS::TaskDefinition", "Properties": properties } } });
    // The CLI's waiter polls only every 30 seconds.
    sandbox.aws(&["cloudformation", "create-stack", "--stack-name", stack, "--template-body", &template.to_string()]);
    eventually("the stack", || {
        let stacks = sandbox.aws(&["cloudformation", "describe-stacks", "--stack-name", stack]);
        stacks["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    });
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn containers_of_a_task_share_localhost_and_unsupported_settings_are_rejected() {
    let sandbox = Sandboxed::start(None);
    sandbox.place.ecsws("--sandbox deploy base");
    deploy_pair(&sandbox, "pair", &json!({}));
    let ended = sandbox.run("pair", &json!({}));
    let client = ended["containers"].as_array().into_iter().flatten().find(|container| container["name"] == "client");
    assert_eq!(client.map(|client| &client["exitCode"]), Some(&json!(0)), "{ended:#}");
    assert_eq!(sandbox.containers().len(), 0);

    deploy_pair(&sandbox, "privileged", &json!({ "Privileged": true }));
    let refused = sandbox.run("privileged", &json!({}));
    assert_eq!(
        refused["stoppedReason"],
        "CannotCreateContainerError: privileged is not served with containers in the sandbox"
    );
    assert_eq!(sandbox.containers().len(), 0);
}

/// A wrapper of podman that cannot publish ports.
const WITHOUT_BRIDGE: &str = r#"#!/bin/sh
case "$*" in
    create*--publish=*) echo 'Error: netavark: iptables is not there' >&2; exit 126 ;;
esac
PATH=${PATH#*:}
exec podman "$@"
"#;

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn containers_use_the_host_network_and_get_a_port_if_podman_cannot_publish_ports() {
    let sandbox = Sandboxed::start(Some(WITHOUT_BRIDGE));
    sandbox.place.write(
        "ecsws.toml",
        &PROJECT.replace("IMAGE", &sandbox.image.0).replace("-p 3000", "-p $PORT").replace("count = 1", "count = 2"),
    );
    sandbox.place.ecsws("--sandbox deploy base web");
    let url = sandbox.status()["url"].as_str().expect("the service has a URL").to_owned();
    eventually("a response", || get(&url, "/").ends_with("hello\n"));
    let modes: Vec<Value> =
        sandbox.containers().into_values().map(|container| container["HostConfig"]["NetworkMode"].clone()).collect();
    assert_eq!(modes, ["host", "host"]);
}
