//! Sessions by ECS Exec and Session Manager: who may start and join them, and when they end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::data_channel::{Channel, dial};
use crate::raw_requests;
use crate::session_targets::{LIMIT, SessionTargets};

#[tokio::test]
async fn ecs_exec_runs_a_command_with_a_terminal_and_the_containers_environment() {
    let targets = SessionTargets::start(true).await;
    let task = targets.task("one", true).await;
    assert_eq!(targets.described(&task)["containers"][0]["managedAgents"][0]["lastStatus"], "RUNNING");
    let (_, url, token) = targets.exec(&task, "/bin/sh").expect("it is let in");
    let mut channel = Channel::greet(&url, &token).await;
    channel.send(3, br#"{"cols":91,"rows":27}"#).await;
    channel.type_line("stty size; test -t 0 && echo port-${PORT:+known}; sleep 100").await;
    channel.until_printed("27 91\r\nport-known\r\n").await;
    channel.send(1, b"\x03").await;
    channel.type_line("echo after-$((1 + 1)); exit 3").await;
    assert_eq!(channel.until_closed().await, "");
    assert!(channel.printed.contains("^C") && channel.printed.contains("after-2\r\n"), "{:?}", channel.printed);
    assert_eq!(channel.acknowledged, [0, 1, 2, 3, 4]);
    // The service of this task is not disturbed.
    assert_eq!(targets.described(&task)["lastStatus"], "RUNNING");
}

#[tokio::test]
async fn refused_ecs_exec_calls_have_ecss_messages() {
    let targets = SessionTargets::start(true).await;
    let not_enabled = "InvalidParameterException: The execute command failed because execute command was not enabled when the \
                       task was run or the execute command agent isn’t running. Wait and try again or run a new task with \
                       execute command enabled and try again.";
    let plain = targets.task("one", false).await;
    assert_eq!(targets.exec(&plain, "ls"), Err(not_enabled.to_owned()));
    assert_eq!(targets.described(&plain)["containers"][0].get("managedAgents"), None);
    // Its role lacks the agent's permissions, a common mistake on AWS too.
    let unable = targets.task("three", true).await;
    let words = "TargetNotConnectedException: The execute command failed due to an internal error. Try again later.";
    assert_eq!(targets.exec(&unable, "ls"), Err(words.to_owned()));
    let two = targets.task("two", true).await;
    let of = |input: Value| targets.try_ecs("ExecuteCommand", &input).expect_err("it is refused");
    let base = json!({ "cluster": "demo_1", "task": two, "interactive": true, "command": "ls" });
    let with = |member: &str, value: Value| {
        let mut input = base.clone();
        input[member] = value;
        of(input)
    };
    assert!(of(base.clone()).contains("more than one container"));
    assert!(with("container", json!("third")).contains("third"));
    assert!(with("interactive", json!(false)).starts_with("InvalidParameterException: Interactive is the only mode"));
    assert!(with("task", json!("abc")).contains("task length should be one of [32,36]"));
    assert!(with("cluster", json!("none")).starts_with("ClusterNotFoundException"));
    assert!(with("command", json!("echo 'x")).starts_with("InvalidParameterException"));
    let mut good = base.clone();
    good["container"] = json!("other");
    let response = targets.ecs("ExecuteCommand", &good);
    assert_eq!(response["containerName"], "other");
    let (_, url, token) = targets.exec(&targets.task("one", true).await, "/nowhere/ls").expect("it is let in");
    let closed = Channel::greet(&url, &token).await.until_closed().await;
    assert!(
        closed.contains("Unable to start command: Failed to start pty") && closed.contains("/nowhere/ls"),
        "{closed}"
    );
}

#[tokio::test]
async fn a_sessions_token_is_valid_for_one_connection() {
    let targets = SessionTargets::start(true).await;
    let (id, url, token) = targets.shell(&targets.instance);
    let refused = async |token: &str| {
        use futures_util::StreamExt as _;
        let mut socket = dial(&url, token).await.expect("it changes over");
        matches!(socket.next().await, Some(Ok(message)) if message.is_close())
    };
    assert!(refused("").await && refused("0000").await);
    let mut channel = Channel::connect(&url, &token).await;
    channel.next().await; // Its token has been read before the same token is sent over another connection.
    assert!(refused(&token).await, "a token is good for one connection");
    let elsewhere = url.replace(&id, "sandbox-0123456789abcdef0");
    assert!(dial(&elsewhere, &token).await.is_err());
    let browser = raw_requests::send(
        &targets.aws,
        "ssmmessages",
        &format!("/v1/data-channel/{id}"),
        &[("origin", "http://x")],
        b"",
    );
    assert_eq!(browser.status, 403);
    let plain = raw_requests::send(&targets.aws, "ssmmessages", &format!("/v1/data-channel/{id}"), &[], b"");
    assert_eq!(plain.status, 426);
    let elsewhere = raw_requests::send(&targets.aws, "ssm", &format!("/v1/data-channel/{id}"), &[], b"");
    assert_eq!(elsewhere.status, 403, "a signature has to be for the service ssmmessages");
}

#[tokio::test]
async fn a_session_ends_with_its_target() {
    let targets = SessionTargets::start(true).await;
    let task = targets.task("one", true).await;
    let (_, url, token) = targets.exec(&task, "/bin/sh").expect("it is let in");
    let mut in_task = Channel::greet(&url, &token).await;
    let (_, url, token) = targets.shell(&targets.instance);
    let mut on_instance = Channel::connect(&url, &token).await;
    for channel in [&mut in_task, &mut on_instance] {
        channel.type_line("(trap '' HUP TERM; sleep 1000) & echo pid=$!=").await;
        channel.until_printed("pid=").await;
        while channel.printed.matches('=').count() < 4 {
            channel.next().await;
        }
    }
    let pid =
        |channel: &Channel| channel.printed.rsplit('=').nth(1).and_then(|id| id.parse::<i32>().ok()).expect("an id");
    let pids = [pid(&in_task), pid(&on_instance)].map(nix::unistd::Pid::from_raw);
    targets.ecs("StopTask", &json!({ "cluster": "demo_1", "task": task }));
    assert_eq!(in_task.until_closed().await, "");
    targets.aws.query("ec2", "2016-11-15", "TerminateInstances", &[("InstanceId.1", &targets.instance)]).await;
    assert_eq!(on_instance.until_closed().await, "");
    let gone = async {
        while pids.iter().any(|pid| nix::sys::signal::kill(*pid, None).is_ok()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, gone).await.expect("nothing of them is left");
    let refused = targets.try_ssm("StartSession", &json!({ "Target": targets.instance }));
    assert_eq!(refused, Err(format!("TargetNotConnected: {} is not connected.", targets.instance)));
}

#[tokio::test]
async fn only_instances_whose_role_allows_it_are_managed() {
    let targets = SessionTargets::start(true).await;
    let known = targets.ssm("DescribeInstanceInformation", &json!({}));
    let ids: Vec<&Value> = known["InstanceInformationList"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|instance| &instance["InstanceId"])
        .collect();
    assert_eq!(ids, [&json!(targets.instance)]);
    let refused = targets.try_ssm("StartSession", &json!({ "Target": targets.unmanaged_instance }));
    assert_eq!(refused, Err(format!("TargetNotConnected: {} is not connected.", targets.unmanaged_instance)));
    let start = |document: &str, parameters: Value| {
        let input = json!({ "Target": targets.instance, "DocumentName": document, "Parameters": parameters });
        targets.try_ssm("StartSession", &input).expect_err("it is refused")
    };
    assert_eq!(start("none", json!({})), "InvalidDocument: Document with name none does not exist.");
    assert!(start("AWS-StartSSHSession", json!({})).contains("AWS-StartSSHSession"));
    assert!(start("AWS-StartInteractiveCommand", json!({})).starts_with("InvalidParameters"));
}

#[tokio::test]
async fn no_host_exec_refuses_every_command_of_a_request() {
    let targets = SessionTargets::start(false).await;
    let task = targets.task("one", true).await;
    let commands = json!({ "commands": ["true"] });
    let send =
        json!({ "InstanceIds": [targets.instance], "DocumentName": "AWS-RunShellScript", "Parameters": commands });
    let refusals = [
        targets.exec(&task, "ls").expect_err("it is refused"),
        targets.try_ssm("StartSession", &json!({ "Target": targets.instance })).expect_err("it is refused"),
        targets.try_ssm("SendCommand", &send).expect_err("it is refused"),
    ];
    for refusal in refusals {
        assert!(refusal.starts_with("AccessDeniedException") && refusal.contains("--no-host-exec"), "{refusal}");
    }
}
