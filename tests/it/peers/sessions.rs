//! Sessions of the AWS CLI on the workshop's instance, in a process task and in a container. Third-party packages replace AWS's session
//! manager plugin.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Place, Sandboxed, podman, tool};

/// Starts a command of the AWS CLI that opens a session. `package` is the folder of the plugin's replacement.
fn open(mut command: Command, place: &Place, package: &str) -> Child {
    let plugin = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/peers").join(package);
    let tools = tool("");
    let path = format!("{}:{}:{}", plugin.display(), tools.display(), place.environment["PATH"]);
    command.env("PATH", path).env("NODE_PATH", tool("../cdk-cli/node_modules"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the aws CLI runs")
}

/// Types into a session, waits until it ends and returns its output.
fn typed(mut session: Child, text: &str) -> String {
    let mut stdin = session.stdin.take().expect("the stream is piped");
    stdin.write_all(text.as_bytes()).expect("the input is written");
    // Stdin stays open, so that the session ends with the command and not with its input.
    let output = session.wait_with_output().expect("the process ends");
    drop(stdin);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn the_aws_cli_opens_terminals_on_the_instance_and_in_a_task() {
    let sandbox = Sandboxed::start();
    let place = &sandbox.0;
    let spec = crate::common::read(&place.dir.path().join("ecsws.toml"));
    place.write("ecsws.toml", &spec.replace("[services.nodejs]\n", "[services.nodejs]\nexec = true\n"));
    place.ecsws("--sandbox deploy");

    let instances = "ssm describe-instance-information --query InstanceInformationList[0].InstanceId --output text";
    let instance = place.aws(instances);
    let start = place.command(tool("aws"), &format!("ssm start-session --target {}", instance.trim()));
    let printed = typed(open(start, place, "ssm-session"), "stty size; echo on-$((40 + 2)); exit\r");
    assert!(printed.contains("27 91\r\non-42\r\n"), "{printed}");

    let task = place.aws("ecs list-tasks --cluster container-demo --query taskArns[0] --output text");
    let execute = format!("ecs execute-command --cluster container-demo --task {} --interactive", task.trim());
    let mut execute = place.command(tool("aws"), &execute);
    execute.args(["--command", "sh -c 'read line; stty size; echo \"got $line\"'"]);
    let printed = typed(open(execute, place, "pyssm-client"), "something\n");
    assert!(printed.contains("27 91\r\ngot something\r\n"), "{printed}");
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn the_aws_cli_opens_a_terminal_inside_a_container() {
    let sandbox = podman::Sandboxed::start(None);
    let place = &sandbox.place;
    let spec = crate::common::read(&place.dir.path().join("ecsws.toml"));
    place.write("ecsws.toml", &spec.replace("[services.web]\n", "[services.web]\nexec = true\n"));
    place.ecsws("--sandbox deploy base web");
    let tasks = sandbox.aws(&["ecs", "list-tasks", "--cluster", "demo"]);
    let task = tasks["taskArns"][0].as_str().expect("a task runs");
    let execute = |command: &str| {
        let mut execute =
            sandbox.aws_command(&format!("ecs execute-command --cluster demo --task {task} --interactive"));
        execute.args(["--command", command]);
        open(execute, place, "pyssm-client")
    };
    let printed = typed(execute("/bin/sh"), "busybox stty size; cat /www/index.html; exit\n");
    assert!(printed.contains("27 91\r\n") && printed.contains("hello\r\n"), "{printed}");

    let containers = sandbox.containers();
    let (name, _) = containers.first_key_value().expect("there is a container");
    let processes = || {
        let top = Command::new("podman").args(["top", name, "args"]).output().expect("podman runs");
        String::from_utf8_lossy(&top.stdout).into_owned()
    };
    let mut session = execute("sleep 1234");
    podman::eventually("the command", || processes().contains("1234"));
    let sessions = sandbox.aws(&["ssm", "describe-sessions", "--state", "Active"]);
    let id = sessions["Sessions"][0]["SessionId"].as_str().expect("an active session");
    sandbox.aws(&["ssm", "terminate-session", "--session-id", id]);
    assert!(session.wait().expect("the process ends").success());
    podman::eventually("the end of the command", || !processes().contains("1234"));
    assert!(processes().contains("httpd"));
}
