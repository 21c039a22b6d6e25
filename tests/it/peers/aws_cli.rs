//! The AWS CLI, jq and awslogs work with the sandbox: they deploy our templates, count tasks and read logs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use super::{Place, Sandboxed, succeed, tool};

fn deploy_with_the_cli(place: &Place, stack: &str, format: &str) {
    let template = place.ecsws(&format!("--sandbox synth {stack} {format}"));
    place.write("template", &template);
    place.aws(&format!(
        "cloudformation deploy --stack-name {stack} --template-file template --capabilities CAPABILITY_NAMED_IAM"
    ));
}

/// The output of the workshop's `aws … | jq` command.
fn counts(place: &Place) -> String {
    let services = place.aws("ecs describe-services --cluster container-demo --services ecsdemo-nodejs");
    let filter = r#".services[] | "Tasks Desired: \(.desiredCount) vs Tasks Running: \(.runningCount)""#;
    let mut jq = Command::new("jq").arg(filter).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("jq runs");
    jq.stdin.take().expect("the stream is piped").write_all(services.as_bytes()).expect("jq reads");
    let output = jq.wait_with_output().expect("jq ends");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn get(url: &str) -> String {
    get_path(url, "/nodejs/api")
}

fn get_path(url: &str, path: &str) -> String {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("the service listens");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("the request is sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("the service responds");
    response
}

fn service_url(status: &serde_json::Value) -> String {
    status["url"].as_str().expect("the service has a URL").to_owned()
}

/// A process that is killed when this is dropped.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Asserts that `awslogs get --watch` prints a request that is sent after it was started.
fn awslogs_follows(place: &Place, group: &str, url: &str) {
    let mut watching =
        place.command(tool("awslogs"), &format!("get {group} --no-group --no-stream --watch --start 1m"));
    // Python buffers lines that it writes to a pipe.
    watching.env("PYTHONUNBUFFERED", "1").stdout(Stdio::piped());
    let mut watching = KillOnDrop(watching.spawn().expect("awslogs runs"));
    let mut lines =
        BufReader::new(watching.0.stdout.take().expect("the stream is piped")).lines().map_while(Result::ok);
    // Once it has printed an earlier request, it is watching.
    lines.find(|line| line.contains("GET /nodejs/api")).expect("an earlier request is printed");
    let response = get_path(url, "/nodejs?watched=1");
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    lines.find(|line| line.contains("GET /nodejs?watched=1")).expect("a new request is printed");
}

/// The workshop's commands that inspect and scale, with the AWS CLI only.
fn the_cli_inspects_and_scales(place: &Place) {
    let service = "--cluster container-demo --services ecsdemo-nodejs";
    place.aws("ecs update-service --cluster container-demo --service ecsdemo-nodejs --desired-count 2");
    place.aws(&format!("ecs wait services-stable {service}"));
    assert_eq!(counts(place), r#""Tasks Desired: 2 vs Tasks Running: 2""#);
    let tasks = place.aws("ecs list-tasks --cluster container-demo --query taskArns --output text");
    let tasks: Vec<&str> = tasks.split_whitespace().collect();
    assert_eq!(tasks.len(), 2, "{tasks:?}");
    let described = place.aws(&format!("ecs describe-tasks --cluster container-demo --tasks {}", tasks.join(" ")));
    assert!(described.contains("ElasticNetworkInterface"), "{described}");
    place.aws("ecs describe-clusters --clusters container-demo --include SETTINGS STATISTICS");
    place.aws("servicediscovery list-services");
    let discovered =
        place.aws("servicediscovery discover-instances --namespace-name service --service-name ecsdemo-nodejs");
    assert!(discovered.contains("AWS_INSTANCE_PORT"), "{discovered}");
    place.aws("application-autoscaling describe-scalable-targets --service-namespace ecs");
    place.aws("cloudwatch describe-alarms");
    place.aws("ssm get-parameters-by-path --path /aws/service/ecs/optimized-ami/amazon-linux-2/recommended");
    let exports = place.aws("cloudformation list-exports --query Exports[].Name --output text");
    assert!(exports.contains("ECSClusterName"), "{exports}");
    place.aws(&format!("ecs stop-task --cluster container-demo --task {}", tasks[0]));
    place.aws(&format!("ecs wait services-stable {service}"));
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn the_aws_cli_deploys_our_templates_and_awslogs_reads_their_logs() {
    let sandbox = Sandboxed::start();
    let place = &sandbox.0;
    deploy_with_the_cli(place, "ecsworkshop-base", "");
    deploy_with_the_cli(place, "ecsworkshop-nodejs", "--json");
    assert_eq!(counts(place), r#""Tasks Desired: 1 vs Tasks Running: 1""#);
    place.ecsws("--sandbox diff --fail");

    place.ecsws("--sandbox scale --count 3");
    assert_eq!(counts(place), r#""Tasks Desired: 3 vs Tasks Running: 3""#);

    let status: serde_json::Value =
        serde_json::from_str(&place.ecsws("--sandbox status --output json")).expect("valid JSON");
    let response = get(&service_url(&status));
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");

    let awslogs = |arguments: &str| succeed(&mut place.command(tool("awslogs"), arguments));
    let groups = awslogs("groups -p ecsworkshop-nodejs");
    let group = groups.lines().next().expect("awslogs finds the group");
    let mut lines = String::new();
    // Lines reach the log group with a delay.
    for _ in 0..50 {
        lines = awslogs(&format!("get {group} --no-group --no-stream --timestamp --start 1m"));
        if lines.contains("GET /nodejs/api") {
            break;
        }
    }
    let line =
        lines.lines().find(|line| line.contains("GET /nodejs/api")).unwrap_or_else(|| panic!("no request in {lines}"));
    assert!(line.contains("\"GET /nodejs/api HTTP/1.1\" 200"), "{line}");

    awslogs_follows(place, group, &service_url(&status));
    the_cli_inspects_and_scales(place);

    place.aws("cloudformation delete-stack --stack-name ecsworkshop-nodejs");
    let wait = "cloudformation wait stack-delete-complete --stack-name ecsworkshop-nodejs";
    let deleted = place.command(tool("aws"), wait).status().expect("the program runs").success();
    let events = || place.aws("cloudformation describe-stack-events --stack-name ecsworkshop-nodejs --output text");
    assert!(deleted, "{}", events());
    place.ecsws("--sandbox destroy --yes");
    assert_eq!(place.aws("cloudformation list-exports --query Exports --output text").trim(), "");
}
