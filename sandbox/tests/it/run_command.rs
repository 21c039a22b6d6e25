//! Systems Manager Run Command.

use std::time::Duration;

use serde_json::json;

use crate::processes::Lifeline;
use crate::session_targets::{LIMIT, SessionTargets};

#[tokio::test]
async fn run_command_records_outputs_exit_codes_and_cancellations() {
    let mut targets = SessionTargets::start(true).await;
    let send = |targets: &SessionTargets, script: &str| {
        let group = json!({ "CloudWatchOutputEnabled": true, "CloudWatchLogGroupName": "/commands" });
        let sent = targets.ssm(
            "SendCommand",
            &json!({
                "Targets": [{ "Key": "tag:Name", "Values": ["tool"] }], "DocumentName": "AWS-RunShellScript",
                "Parameters": { "commands": [script] }, "CloudWatchOutputConfig": group,
            }),
        );
        assert_eq!((&sent["Command"]["Status"], &sent["Command"]["TargetCount"]), (&json!("Pending"), &json!(1)));
        sent["Command"]["CommandId"].as_str().expect("an id").to_owned()
    };
    let get = |targets: &SessionTargets, id: &str| {
        targets.ssm("GetCommandInvocation", &json!({ "CommandId": id, "InstanceId": targets.instance }))
    };
    let until = async |targets: &SessionTargets, id: &str, statuses: &[&str]| {
        let ended = async {
            loop {
                let invocation = get(targets, id);
                if statuses.contains(&invocation["Status"].as_str().expect("a status")) {
                    return invocation;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, ended).await.expect("it gets there")
    };
    let id =
        send(&targets, "echo one; echo two >&2; i=0; while [ $i -lt 9000 ]; do i=$((i + 1)); echo $i; done; exit 3");
    let failed = until(&targets, &id, &["Failed", "Success"]).await;
    assert_eq!((&failed["Status"], &failed["ResponseCode"]), (&json!("Failed"), &json!(3)));
    assert_eq!(failed["StandardErrorContent"], "two\nfailed to run commands: exit status 3");
    let output = failed["StandardOutputContent"].as_str().expect("a text");
    assert!(output.starts_with("one\n1\n2\n") && output.ends_with("--output truncated--") && output.len() == 24_000);
    let stream = format!("{id}/{}/aws-runShellScript/stdout", targets.instance);
    let logs = targets.aws.logs();
    let all_logged = async {
        loop {
            let last = logs.get_log_events().log_group_name("/commands").log_stream_name(&stream).send().await;
            let events = last.expect("the stream is there").events.unwrap_or_default();
            if events.last().and_then(|event| event.message()).is_some_and(|message| message == "9000") {
                return;
            }
            // GetLogEvents has a rate limit.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(LIMIT, all_logged).await.expect("all of it is in the log");

    // At once after it was sent, or when it has just begun.
    for round in 0..20 {
        let id = send(&targets, "sleep 1000");
        if round % 2 == 1 {
            until(&targets, &id, &["InProgress"]).await;
        }
        targets.ssm("CancelCommand", &json!({ "CommandId": id }));
        let seen = get(&targets, &id);
        assert!(["Cancelling", "Cancelled"].iter().any(|status| seen["Status"] == *status), "{seen}");
        let ended =
            until(&targets, &id, &["Cancelled", "Success", "Failed", "TimedOut", "InProgress", "Pending"]).await;
        assert_eq!(ended["Status"], "Cancelled", "{ended}");
        targets.ssm("CancelCommand", &json!({ "CommandId": id }));
        assert_eq!(get(&targets, &id)["Status"], "Cancelled", "it is over already");
    }

    let id = send(&targets, "(trap '' TERM; sleep 1000) & echo $!; wait");
    until(&targets, &id, &["InProgress"]).await;
    targets.ssm("CancelCommand", &json!({ "CommandId": id }));
    let cancelled = until(&targets, &id, &["Cancelled", "Success", "Failed"]).await;
    assert_eq!(cancelled["Status"], "Cancelled");

    let id = send(&targets, "sleep 1000");
    until(&targets, &id, &["InProgress"]).await;
    targets.aws.kill_and_restart().await;
    assert_eq!(get(&targets, &id)["Status"], "Failed", "what a killed sandbox ran has failed");
    let commands = targets.ssm("ListCommands", &json!({}));
    assert_eq!(commands["Commands"].as_array().map(Vec::len), Some(23));
    let unmanaged_instance = json!({ "InstanceIds": [targets.unmanaged_instance], "DocumentName": "AWS-RunShellScript", "Parameters": { "commands": ["x"] } });
    let refused = targets.try_ssm("SendCommand", &unmanaged_instance).expect_err("it is not managed");
    let words = format!(
        "InvalidInstanceId: Instances [[{}]] not in a valid state for account 123456789012",
        targets.unmanaged_instance
    );
    assert_eq!(refused, words);
}

#[tokio::test]
async fn commands_on_an_instance_have_its_role_and_not_the_callers_home() {
    let targets = SessionTargets::start(true).await;
    let send = json!({
        "InstanceIds": [targets.instance], "DocumentName": "AWS-RunShellScript", "Parameters": { "commands": ["env"] },
    });
    let sent = targets.ssm("SendCommand", &send);
    let get = json!({ "CommandId": sent["Command"]["CommandId"], "InstanceId": targets.instance });
    let ended = async {
        loop {
            let invocation = targets.ssm("GetCommandInvocation", &get);
            if invocation["Status"] == "Success" {
                return invocation["StandardOutputContent"].as_str().expect("an output").to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let output = tokio::time::timeout(LIMIT, ended).await.expect("it ends");
    let value = |name: &str| {
        let mut lines = output.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        lines.next().unwrap_or_else(|| panic!("{name} is missing in {output}")).to_owned()
    };
    let instances = targets.aws.folder().join("instances").display().to_string();
    for name in ["HOME", "TMPDIR", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        assert!(value(name).starts_with(&instances), "{name}: {output}");
    }
    assert_eq!(value("AWS_ENDPOINT_URL"), targets.aws.endpoint.url);
    let uri = value("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let headers = format!(
        "host: {}\r\nauthorization: {}\r\n",
        targets.aws.endpoint.host(),
        value("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    );
    let credentials = async || {
        let mut stream = tokio::net::TcpStream::connect(targets.aws.endpoint.host()).await.expect("it listens");
        let path = uri.trim_start_matches(&targets.aws.endpoint.url);
        let request = format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("it reads");
        let mut response = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut response).await.expect("a response");
        response
    };
    let given = credentials().await;
    assert!(given.contains(" 200 ") && given.contains(":role/targets-Managed-"), "{given}");
    targets.aws.query("ec2", "2016-11-15", "TerminateInstances", &[("InstanceId.1", &targets.instance)]).await;
    assert!(credentials().await.contains(" 403 "), "they end with the instance");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn processes_of_a_command_end_with_it_even_without_environment_and_shim() {
    let (targets, lifeline) = (SessionTargets::start(true).await, Lifeline::new());
    let script = lifeline.script("(setsid env -i sleep 600 &); setsid env -i sleep 600 & kill -9 $PPID; sleep 600");
    let send = json!({
        "InstanceIds": [targets.instance], "DocumentName": "AWS-RunShellScript", "Parameters": { "commands": [script] },
    });
    let sent = targets.ssm("SendCommand", &send);
    let get = json!({ "CommandId": sent["Command"]["CommandId"], "InstanceId": targets.instance });
    let ended = async {
        while targets.ssm("GetCommandInvocation", &get)["Status"] != "Failed" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, ended).await.expect("it ends");
    lifeline.everything_ends().await;
}
