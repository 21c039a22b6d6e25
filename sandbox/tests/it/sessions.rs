//! Sessions in the sandbox: ECS Exec, Session Manager and Run Command.

use std::time::Duration;

use serde_json::{Value, json};

use crate::channel::{Channel, dial};
use crate::local_aws::LocalAws;
use crate::raw_requests;
use crate::tasks::Lifeline;

const LIMIT: Duration = Duration::from_secs(20);

/// A stack with an instance that reports to Systems Manager, a role that ECS Exec can work with and one that it cannot.
fn template() -> Value {
    let role = |service: &str, more: Value| {
        let principal = json!({ "Service": service });
        let trust = json!([{ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" }]);
        let mut properties = json!({ "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": trust } });
        properties.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({ "Type": "AWS::IAM::Role", "Properties": properties })
    };
    let allow = json!([{ "Effect": "Allow", "Action": "ssmmessages:*Channel", "Resource": "*" }]);
    let inline = json!([{ "PolicyName": "exec", "PolicyDocument": { "Version": "2012-10-17", "Statement": allow } }]);
    let definition = |family: &str, role: &str| {
        let shell = json!({ "Name": "web", "Image": "web", "PortMappings": [{ "ContainerPort": 3000 }] });
        let other = json!({ "Name": "other", "Image": "web" });
        json!({ "Type": "AWS::ECS::TaskDefinition", "Properties": {
            "Family": family, "Cpu": "256", "Memory": "512", "NetworkMode": "awsvpc", "RequiresCompatibilities": ["FARGATE"],
            "TaskRoleArn": { "Fn::GetAtt": [role, "Arn"] },
            "ContainerDefinitions": if family == "two" { json!([shell, other]) } else { json!([shell]) },
        } })
    };
    let core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";
    json!({ "Resources": {
        "Vpc": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.0.0.0/16" } },
        "Subnet": { "Type": "AWS::EC2::Subnet", "Properties": { "VpcId": { "Ref": "Vpc" }, "CidrBlock": "10.0.0.0/24" } },
        "Cluster": { "Type": "AWS::ECS::Cluster", "Properties": { "ClusterName": "demo_1" } },
        "Managed": role("ec2.amazonaws.com", json!({ "ManagedPolicyArns": [core] })),
        "Profile": { "Type": "AWS::IAM::InstanceProfile", "Properties": { "Roles": [{ "Ref": "Managed" }] } },
        "Machine": { "Type": "AWS::EC2::Instance", "Properties": {
            "ImageId": "ami-0123456789abcdef0", "SubnetId": { "Ref": "Subnet" }, "IamInstanceProfile": { "Ref": "Profile" },
            "Tags": [{ "Key": "Name", "Value": "tool" }],
        } },
        "Lonely": { "Type": "AWS::EC2::Instance", "Properties": {
            "ImageId": "ami-0123456789abcdef0", "SubnetId": { "Ref": "Subnet" },
        } },
        "Exec": role("ecs-tasks.amazonaws.com", json!({ "Policies": inline })),
        "Bare": role("ecs-tasks.amazonaws.com", json!({})),
        "One": definition("one", "Exec"),
        "Two": definition("two", "Exec"),
        "Three": definition("three", "Bare"),
    }, "Outputs": {
        "Subnet": { "Value": { "Ref": "Subnet" } },
        "Machine": { "Value": { "Ref": "Machine" } },
        "Lonely": { "Value": { "Ref": "Lonely" } },
    } })
}

struct Place {
    aws: LocalAws,
    subnet: String,
    machine: String,
    lonely: String,
}

impl Place {
    async fn start(host_exec: bool) -> Self {
        let aws = LocalAws::start_with(host_exec).await;
        let stacks = aws.cloudformation();
        let create = stacks.create_stack().stack_name("place").template_body(template().to_string());
        let capability = aws_sdk_cloudformation::types::Capability::CapabilityIam;
        create.capabilities(capability).send().await.expect("it is made");
        loop {
            let described = stacks.describe_stacks().stack_name("place").send().await.expect("it is there");
            let stack = &described.stacks()[0];
            let status = stack.stack_status().expect("a status").as_str();
            assert!(status.starts_with("CREATE_") && status != "CREATE_FAILED", "{status}");
            if status == "CREATE_COMPLETE" {
                let value = |name: &str| {
                    let output = stack.outputs().iter().find(|output| output.output_key() == Some(name));
                    output.and_then(|output| output.output_value.clone()).expect("an output")
                };
                let (subnet, machine, lonely) = (value("Subnet"), value("Machine"), value("Lonely"));
                return Self { aws, subnet, machine, lonely };
            }
        }
    }

    fn try_ssm(&self, operation: &str, input: &Value) -> Result<Value, String> {
        Self::outcome(&raw_requests::json(&self.aws, "ssm", &format!("AmazonSSM.{operation}"), input))
    }

    fn try_ecs(&self, operation: &str, input: &Value) -> Result<Value, String> {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        Self::outcome(&raw_requests::json(&self.aws, "ecs", &target, input))
    }

    /// The answer, or `CODE: message`.
    fn outcome(answer: &raw_requests::Answer) -> Result<Value, String> {
        let body = answer.json();
        if answer.status == 200 {
            return Ok(body);
        }
        let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        let message = text("message") + &text("Message");
        Err(format!("{}: {message}", text("__type").rsplit('#').next().unwrap_or_default()))
    }

    fn ssm(&self, operation: &str, input: &Value) -> Value {
        self.try_ssm(operation, input).expect("it is served")
    }

    fn ecs(&self, operation: &str, input: &Value) -> Value {
        self.try_ecs(operation, input).expect("it is served")
    }

    /// A running task of a family.
    async fn task(&self, family: &str, exec: bool) -> String {
        let network = json!({ "awsvpcConfiguration": { "subnets": [self.subnet] } });
        let run = self.ecs(
            "RunTask",
            &json!({
                "cluster": "demo_1", "taskDefinition": family, "launchType": "FARGATE", "enableExecuteCommand": exec,
                "networkConfiguration": network,
            }),
        );
        let arn = run["tasks"][0]["taskArn"].as_str().expect("an ARN").to_owned();
        let running = async {
            while self.described(&arn)["lastStatus"] != "RUNNING" {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, running).await.expect("it runs");
        arn
    }

    fn described(&self, task: &str) -> Value {
        self.ecs("DescribeTasks", &json!({ "cluster": "demo_1", "tasks": [task] }))["tasks"][0].clone()
    }

    fn exec(&self, task: &str, command: &str) -> Result<(String, String, String), String> {
        let input = json!({ "cluster": "demo_1", "task": task, "interactive": true, "command": command });
        self.try_ecs("ExecuteCommand", &input)
            .map(|answer| session(&answer["session"], "sessionId", "streamUrl", "tokenValue"))
    }

    fn shell(&self, target: &str) -> (String, String, String) {
        session(&self.ssm("StartSession", &json!({ "Target": target })), "SessionId", "StreamUrl", "TokenValue")
    }

    fn resume(&self, id: &str) -> (String, String, String) {
        session(&self.ssm("ResumeSession", &json!({ "SessionId": id })), "SessionId", "StreamUrl", "TokenValue")
    }

    fn active(&self) -> usize {
        let sessions = self.ssm("DescribeSessions", &json!({ "State": "Active" }));
        sessions["Sessions"].as_array().map_or(0, Vec::len)
    }
}

/// Id, address and token.
fn session(answer: &Value, id: &str, url: &str, token: &str) -> (String, String, String) {
    let text = |member: &str| answer[member].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    (text(id), text(url), text(token))
}

#[tokio::test]
async fn a_command_in_a_container_has_its_terminal_its_environment_and_its_end() {
    let place = Place::start(true).await;
    let task = place.task("one", true).await;
    assert_eq!(place.described(&task)["containers"][0]["managedAgents"][0]["lastStatus"], "RUNNING");
    let (_, url, token) = place.exec(&task, "/bin/sh").expect("it is let in");
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
    assert_eq!(place.described(&task)["lastStatus"], "RUNNING");
}

#[tokio::test]
async fn what_cannot_be_executed_is_refused_in_ecss_words() {
    let place = Place::start(true).await;
    let not_enabled = "InvalidParameterException: The execute command failed because execute command was not enabled when the \
                       task was run or the execute command agent isn’t running. Wait and try again or run a new task with \
                       execute command enabled and try again.";
    let plain = place.task("one", false).await;
    assert_eq!(place.exec(&plain, "ls"), Err(not_enabled.to_owned()));
    assert_eq!(place.described(&plain)["containers"][0].get("managedAgents"), None);
    // Its role lacks what the agent needs, which is how most people's first try ends on AWS too.
    let unable = place.task("three", true).await;
    let words = "TargetNotConnectedException: The execute command failed due to an internal error. Try again later.";
    assert_eq!(place.exec(&unable, "ls"), Err(words.to_owned()));
    let two = place.task("two", true).await;
    let of = |input: Value| place.try_ecs("ExecuteCommand", &input).expect_err("it is refused");
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
    let answer = place.ecs("ExecuteCommand", &good);
    assert_eq!(answer["containerName"], "other");
    let (_, url, token) = place.exec(&place.task("one", true).await, "/nowhere/ls").expect("it is let in");
    let closed = Channel::greet(&url, &token).await.until_closed().await;
    assert!(
        closed.contains("Unable to start command: Failed to start pty") && closed.contains("/nowhere/ls"),
        "{closed}"
    );
}

#[tokio::test]
async fn nothing_is_lost_when_messages_are() {
    let place = Place::start(true).await;
    let (id, url, token) = place.shell(&place.machine);
    let mut channel = Channel::connect(&url, &token).await;
    // An input that comes before its turn waits, one that comes again is acknowledged again, and each is typed once.
    let first = channel.sent;
    channel.send_as(first + 1, 1, b"second-$((1 + 1))\r").await;
    channel.send_as(first, 1, b"echo first-").await;
    channel.send_as(first, 1, b"echo first-").await;
    channel.sent += 2;
    channel.until_printed("first-second-2\r\n").await;
    channel.ping(first + 1).await;
    let again = channel.acknowledged.iter().filter(|number| **number == first).count();
    assert_eq!(again, 2, "{:?}", channel.acknowledged);
    // An output that is not acknowledged comes again, and the rest waits for nothing.
    channel.acknowledges = false;
    channel.type_line("echo lost-$((2 + 2))").await;
    let output = channel.until(|received| received.kind == "output_stream_data").await;
    let repeated = channel.until(|received| received.sequence == output.sequence && received.kind == output.kind).await;
    assert_eq!(repeated, output);
    channel.acknowledges = true;
    channel.until_printed("lost-4\r\n").await;
    // A connection that breaks off is taken up again, with another token.
    channel.type_line("i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo line-$i; done; echo all-$((4 + 4))").await;
    channel.until_printed("line-2").await;
    let (_, url, other) = place.resume(&id);
    let mut channel = channel.resume(&url, &other).await;
    channel.until_printed("all-8\r\n").await;
    let lines: Vec<&str> = channel.printed.split("\r\n").filter(|line| line.starts_with("line-")).collect();
    let expected: Vec<String> = (1..=3000).map(|number| format!("line-{number}")).collect();
    assert_eq!(lines, expected);
    place.ssm("TerminateSession", &json!({ "SessionId": id }));
    assert_eq!(channel.until_closed().await, "");
    assert_eq!(place.active(), 0);
    assert_eq!(place.ssm("ResumeSession", &json!({ "SessionId": id }))["TokenValue"], Value::Null);
}

/// Types `text` in messages of a KiB as a client does whose messages are lost and come out of order: a message is sent until it
/// is acknowledged, never after that, and up to forty at a time. Returns when all are acknowledged.
async fn type_over_a_bad_line(channel: &mut Channel, text: &[u8], mut meanwhile: impl FnMut(usize)) {
    let first = channel.sent;
    let chunks: Vec<&[u8]> = text.chunks(1024).collect();
    let mut open: Vec<usize> = (0..chunks.len()).collect();
    let mut round = 0_usize;
    while !open.is_empty() {
        round += 1;
        let mut window: Vec<usize> = open.iter().copied().take(40).collect();
        // Reordered each time in another way, and every seventh message is lost.
        let turn = round % window.len();
        window.rotate_left(turn);
        window.retain(|index| !(index + round).is_multiple_of(7));
        for index in window {
            let sequence = first + i64::try_from(index).expect("it fits");
            channel.send_as(sequence, 1, chunks[index]).await;
        }
        // The answers to these come before that to a message that is known.
        channel.acknowledged.clear();
        channel.ping(first - 1).await;
        open.retain(|index| !channel.acknowledged.contains(&(first + i64::try_from(*index).expect("it fits"))));
        meanwhile(chunks.len() - open.len());
    }
    channel.sent += i64::try_from(chunks.len()).expect("it fits");
}

#[tokio::test]
async fn what_is_acknowledged_is_typed_however_long_the_program_does_not_read() {
    const BYTES: usize = 1_600_000;
    let place = Place::start(true).await;
    let (_, url, token) = place.shell(&place.machine);
    let mut channel = Channel::connect(&url, &token).await;
    let go = place.aws.folder().join("go");
    let script = format!(
        "stty raw -echo; echo ready-$((1 + 1)); while ! test -e {}; do sleep 0.05; done; head -c {BYTES} | sha256sum; stty sane",
        go.display()
    );
    channel.type_line(&script).await;
    channel.until_printed("ready-2").await;
    let numbers = (0..BYTES / 8).map(|number| format!("{number:07}\n"));
    let text = numbers.collect::<String>().into_bytes();
    let mut accepted = Vec::new();
    type_over_a_bad_line(&mut channel, &text, |count| {
        // Once nothing more is accepted, the program reads.
        accepted.push(count);
        if accepted.iter().rev().take(50).all(|earlier| *earlier == count) && accepted.len() > 50 {
            std::fs::File::create(&go).expect("it is made");
        }
    })
    .await;
    assert!(go.exists(), "the terminal was never full");
    let sum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&text));
    channel.until_printed(&sum).await;
    // It goes on as before.
    channel.type_line("echo after-$((3 + 3))").await;
    channel.until_printed("after-6").await;
}

#[tokio::test]
async fn what_is_typed_during_the_handshake_waits_for_the_program() {
    let place = Place::start(true).await;
    let task = place.task("one", true).await;
    let (_, url, token) = place.exec(&task, "/bin/sh").expect("it is let in");
    let mut channel = Channel::connect(&url, &token).await;
    let request = channel.until(|received| received.payload_type == 5).await.json();
    channel.type_line("echo early-$((2 + 2))").await;
    channel.finish_handshake(&request).await;
    channel.until_printed("early-4").await;
}

#[tokio::test]
async fn a_session_is_let_into_by_its_token_once() {
    let place = Place::start(true).await;
    let (id, url, token) = place.shell(&place.machine);
    let refused = async |token: &str| {
        use futures_util::StreamExt as _;
        let mut socket = dial(&url, token).await.expect("it changes over");
        matches!(socket.next().await, Some(Ok(message)) if message.is_close())
    };
    assert!(refused("").await && refused("0000").await);
    let _channel = Channel::connect(&url, &token).await;
    assert!(refused(&token).await, "a token is good for one connection");
    let elsewhere = url.replace(&id, "sandbox-0123456789abcdef0");
    assert!(dial(&elsewhere, &token).await.is_err());
    let browser = raw_requests::send(
        &place.aws,
        "ssmmessages",
        &format!("/v1/data-channel/{id}"),
        &[("origin", "http://x")],
        b"",
    );
    assert_eq!(browser.status, 403);
    let plain = raw_requests::send(&place.aws, "ssmmessages", &format!("/v1/data-channel/{id}"), &[], b"");
    assert_eq!(plain.status, 426);
    let elsewhere = raw_requests::send(&place.aws, "ssm", &format!("/v1/data-channel/{id}"), &[], b"");
    assert_eq!(elsewhere.status, 403, "a signature has to be for the service ssmmessages");
}

#[tokio::test]
async fn a_session_ends_with_its_target() {
    let place = Place::start(true).await;
    let task = place.task("one", true).await;
    let (_, url, token) = place.exec(&task, "/bin/sh").expect("it is let in");
    let mut in_task = Channel::greet(&url, &token).await;
    let (_, url, token) = place.shell(&place.machine);
    let mut on_machine = Channel::connect(&url, &token).await;
    for channel in [&mut in_task, &mut on_machine] {
        channel.type_line("(trap '' HUP TERM; sleep 1000) & echo pid=$!=").await;
        channel.until_printed("pid=").await;
        while channel.printed.matches('=').count() < 4 {
            channel.next().await;
        }
    }
    let pid =
        |channel: &Channel| channel.printed.rsplit('=').nth(1).and_then(|id| id.parse::<i32>().ok()).expect("an id");
    let pids = [pid(&in_task), pid(&on_machine)].map(nix::unistd::Pid::from_raw);
    place.ecs("StopTask", &json!({ "cluster": "demo_1", "task": task }));
    assert_eq!(in_task.until_closed().await, "");
    place.aws.query("ec2", "2016-11-15", "TerminateInstances", &[("InstanceId.1", &place.machine)]).await;
    assert_eq!(on_machine.until_closed().await, "");
    let gone = async {
        while pids.iter().any(|pid| nix::sys::signal::kill(*pid, None).is_ok()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, gone).await.expect("nothing of them is left");
    let refused = place.try_ssm("StartSession", &json!({ "Target": place.machine }));
    assert_eq!(refused, Err(format!("TargetNotConnected: {} is not connected.", place.machine)));
}

#[tokio::test]
async fn only_instances_whose_role_allows_it_are_managed() {
    let place = Place::start(true).await;
    let known = place.ssm("DescribeInstanceInformation", &json!({}));
    let ids: Vec<&Value> =
        known["InstanceInformationList"].as_array().expect("a list").iter().map(|one| &one["InstanceId"]).collect();
    assert_eq!(ids, [&json!(place.machine)]);
    let refused = place.try_ssm("StartSession", &json!({ "Target": place.lonely }));
    assert_eq!(refused, Err(format!("TargetNotConnected: {} is not connected.", place.lonely)));
    let start = |document: &str, parameters: Value| {
        let input = json!({ "Target": place.machine, "DocumentName": document, "Parameters": parameters });
        place.try_ssm("StartSession", &input).expect_err("it is refused")
    };
    assert_eq!(start("none", json!({})), "InvalidDocument: Document with name none does not exist.");
    assert!(start("AWS-StartSSHSession", json!({})).contains("AWS-StartSSHSession"));
    assert!(start("AWS-StartInteractiveCommand", json!({})).starts_with("InvalidParameters"));
}

#[tokio::test]
async fn no_command_of_a_request_runs_here_when_that_is_switched_off() {
    let place = Place::start(false).await;
    let task = place.task("one", true).await;
    let commands = json!({ "commands": ["true"] });
    let send = json!({ "InstanceIds": [place.machine], "DocumentName": "AWS-RunShellScript", "Parameters": commands });
    let refusals = [
        place.exec(&task, "ls").expect_err("it is refused"),
        place.try_ssm("StartSession", &json!({ "Target": place.machine })).expect_err("it is refused"),
        place.try_ssm("SendCommand", &send).expect_err("it is refused"),
    ];
    for refusal in refusals {
        assert!(refusal.starts_with("AccessDeniedException") && refusal.contains("--no-host-exec"), "{refusal}");
    }
}

#[tokio::test]
async fn a_command_that_is_sent_leaves_its_outputs_its_code_and_nothing_else() {
    let mut place = Place::start(true).await;
    let send = |place: &Place, script: &str| {
        let group = json!({ "CloudWatchOutputEnabled": true, "CloudWatchLogGroupName": "/commands" });
        let sent = place.ssm(
            "SendCommand",
            &json!({
                "Targets": [{ "Key": "tag:Name", "Values": ["tool"] }], "DocumentName": "AWS-RunShellScript",
                "Parameters": { "commands": [script] }, "CloudWatchOutputConfig": group,
            }),
        );
        assert_eq!((&sent["Command"]["Status"], &sent["Command"]["TargetCount"]), (&json!("Pending"), &json!(1)));
        sent["Command"]["CommandId"].as_str().expect("an id").to_owned()
    };
    let get = |place: &Place, id: &str| {
        place.ssm("GetCommandInvocation", &json!({ "CommandId": id, "InstanceId": place.machine }))
    };
    let until = async |place: &Place, id: &str, statuses: &[&str]| {
        let ended = async {
            loop {
                let invocation = get(place, id);
                if statuses.contains(&invocation["Status"].as_str().expect("a status")) {
                    return invocation;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, ended).await.expect("it gets there")
    };
    let id = send(&place, "echo one; echo two >&2; i=0; while [ $i -lt 9000 ]; do i=$((i + 1)); echo $i; done; exit 3");
    let failed = until(&place, &id, &["Failed", "Success"]).await;
    assert_eq!((&failed["Status"], &failed["ResponseCode"]), (&json!("Failed"), &json!(3)));
    assert_eq!(failed["StandardErrorContent"], "two\nfailed to run commands: exit status 3");
    let output = failed["StandardOutputContent"].as_str().expect("a text");
    assert!(output.starts_with("one\n1\n2\n") && output.ends_with("--output truncated--") && output.len() == 24_000);
    let stream = format!("{id}/{}/aws-runShellScript/stdout", place.machine);
    let logs = place.aws.logs();
    let whole = async {
        loop {
            let last = logs.get_log_events().log_group_name("/commands").log_stream_name(&stream).send().await;
            let events = last.expect("the stream is there").events.unwrap_or_default();
            if events.last().and_then(|event| event.message()).is_some_and(|message| message == "9000") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, whole).await.expect("all of it is in the log");

    // At once after it was sent, or when it has just begun.
    for round in 0..20 {
        let id = send(&place, "sleep 1000");
        if round % 2 == 1 {
            until(&place, &id, &["InProgress"]).await;
        }
        place.ssm("CancelCommand", &json!({ "CommandId": id }));
        let seen = get(&place, &id);
        assert!(["Cancelling", "Cancelled"].iter().any(|status| seen["Status"] == *status), "{seen}");
        let ended = until(&place, &id, &["Cancelled", "Success", "Failed", "TimedOut", "InProgress", "Pending"]).await;
        assert_eq!(ended["Status"], "Cancelled", "{ended}");
        place.ssm("CancelCommand", &json!({ "CommandId": id }));
        assert_eq!(get(&place, &id)["Status"], "Cancelled", "it is over already");
    }

    let id = send(&place, "(trap '' TERM; sleep 1000) & echo $!; wait");
    until(&place, &id, &["InProgress"]).await;
    place.ssm("CancelCommand", &json!({ "CommandId": id }));
    let cancelled = until(&place, &id, &["Cancelled", "Success", "Failed"]).await;
    assert_eq!(cancelled["Status"], "Cancelled");

    let id = send(&place, "sleep 1000");
    until(&place, &id, &["InProgress"]).await;
    place.aws.kill_and_restart().await;
    assert_eq!(get(&place, &id)["Status"], "Failed", "what a killed sandbox ran has failed");
    let commands = place.ssm("ListCommands", &json!({}));
    assert_eq!(commands["Commands"].as_array().map(Vec::len), Some(23));
    let lonely = json!({ "InstanceIds": [place.lonely], "DocumentName": "AWS-RunShellScript", "Parameters": { "commands": ["x"] } });
    let refused = place.try_ssm("SendCommand", &lonely).expect_err("it is not managed");
    let words =
        format!("InvalidInstanceId: Instances [[{}]] not in a valid state for account 123456789012", place.lonely);
    assert_eq!(refused, words);
}

#[tokio::test]
async fn what_runs_on_an_instance_acts_as_its_role_and_has_nothing_of_the_callers_home() {
    let place = Place::start(true).await;
    let send = json!({
        "InstanceIds": [place.machine], "DocumentName": "AWS-RunShellScript", "Parameters": { "commands": ["env"] },
    });
    let sent = place.ssm("SendCommand", &send);
    let get = json!({ "CommandId": sent["Command"]["CommandId"], "InstanceId": place.machine });
    let ended = async {
        loop {
            let invocation = place.ssm("GetCommandInvocation", &get);
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
    let instances = place.aws.folder().join("instances").display().to_string();
    for name in ["HOME", "TMPDIR", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        assert!(value(name).starts_with(&instances), "{name}: {output}");
    }
    assert_eq!(value("AWS_ENDPOINT_URL"), place.aws.endpoint.url);
    let uri = value("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let headers = format!(
        "host: {}\r\nauthorization: {}\r\n",
        place.aws.endpoint.host(),
        value("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    );
    let credentials = async || {
        let mut stream = tokio::net::TcpStream::connect(place.aws.endpoint.host()).await.expect("it listens");
        let path = uri.trim_start_matches(&place.aws.endpoint.url);
        let request = format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.expect("it answers");
        answer
    };
    let given = credentials().await;
    assert!(given.contains(" 200 ") && given.contains(":role/place-Managed-"), "{given}");
    place.aws.query("ec2", "2016-11-15", "TerminateInstances", &[("InstanceId.1", &place.machine)]).await;
    assert!(credentials().await.contains(" 403 "), "they end with the instance");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_sent_command_leaves_ends_with_it_even_without_environment_and_shim() {
    let (place, lifeline) = (Place::start(true).await, Lifeline::new());
    let script = lifeline.script("(setsid env -i sleep 600 &); setsid env -i sleep 600 & kill -9 $PPID; sleep 600");
    let send = json!({
        "InstanceIds": [place.machine], "DocumentName": "AWS-RunShellScript", "Parameters": { "commands": [script] },
    });
    let sent = place.ssm("SendCommand", &send);
    let get = json!({ "CommandId": sent["Command"]["CommandId"], "InstanceId": place.machine });
    let ended = async {
        while place.ssm("GetCommandInvocation", &get)["Status"] != "Failed" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, ended).await.expect("it ends");
    lifeline.everything_ends().await;
}
