//! The aws CLI, jq and awslogs take the sandbox for AWS: they deploy our templates, count tasks and read logs.

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

/// The workshop's one-liner.
fn counts(place: &Place) -> String {
    let services = place.aws("ecs describe-services --cluster container-demo --services ecsdemo-nodejs");
    let filter = r#".services[] | "Tasks Desired: \(.desiredCount) vs Tasks Running: \(.runningCount)""#;
    let mut jq =
        Command::new("jq").arg(filter).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("jq is there");
    jq.stdin.take().expect("it is piped").write_all(services.as_bytes()).expect("jq reads");
    let output = jq.wait_with_output().expect("jq ends");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn get(url: &str) -> String {
    get_path(url, "/nodejs/api")
}

fn get_path(url: &str, path: &str) -> String {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("the service answers");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").expect("it takes a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

fn answer_url(status: &serde_json::Value) -> String {
    status["url"].as_str().expect("the sandbox says where the service answers").to_owned()
}

/// A process that ends with this value.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// `awslogs get --watch` tells of a request that is made after it began.
fn awslogs_follows(place: &Place, group: &str, url: &str) {
    let mut watching =
        place.command(tool("awslogs"), &format!("get {group} --no-group --no-stream --watch --start 1m"));
    // Python keeps lines back when they go into a pipe.
    watching.env("PYTHONUNBUFFERED", "1").stdout(Stdio::piped());
    let mut watching = Ending(watching.spawn().expect("awslogs runs"));
    let mut lines = BufReader::new(watching.0.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    // What was there already shows that it watches by now.
    lines.find(|line| line.contains("GET /nodejs/api")).expect("it tells what was there");
    let answer = get_path(url, "/nodejs?watched=1");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    lines.find(|line| line.contains("GET /nodejs?watched=1")).expect("it tells what is new");
}

/// The steps of the workshop that look and scale, by the aws CLI alone.
fn the_cli_looks_at_everything(place: &Place) {
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
    let found = place.aws("servicediscovery discover-instances --namespace-name service --service-name ecsdemo-nodejs");
    assert!(found.contains("AWS_INSTANCE_PORT"), "{found}");
    place.aws("application-autoscaling describe-scalable-targets --service-namespace ecs");
    place.aws("cloudwatch describe-alarms");
    place.aws("ssm get-parameters-by-path --path /aws/service/ecs/optimized-ami/amazon-linux-2/recommended");
    let exports = place.aws("cloudformation list-exports --query Exports[].Name --output text");
    assert!(exports.contains("ECSClusterName"), "{exports}");
    place.aws(&format!("ecs stop-task --cluster container-demo --task {}", tasks[0]));
    place.aws(&format!("ecs wait services-stable {service}"));
}

#[test]
#[ignore = "needs other people's tools: just peers"]
fn the_aws_cli_deploys_our_templates_and_awslogs_reads_what_they_log() {
    let sandbox = Sandboxed::start();
    let place = &sandbox.0;
    deploy_with_the_cli(place, "ecsworkshop-base", "");
    deploy_with_the_cli(place, "ecsworkshop-nodejs", "--json");
    assert_eq!(counts(place), r#""Tasks Desired: 1 vs Tasks Running: 1""#);
    place.ecsws("--sandbox diff --fail");

    place.ecsws("--sandbox scale --count 3");
    assert_eq!(counts(place), r#""Tasks Desired: 3 vs Tasks Running: 3""#);

    let status: serde_json::Value =
        serde_json::from_str(&place.ecsws("--sandbox status --output json")).expect("it is JSON");
    let answer = get(&answer_url(&status));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let awslogs = |arguments: &str| succeed(&mut place.command(tool("awslogs"), arguments));
    let groups = awslogs("groups -p ecsworkshop-nodejs");
    let group = groups.lines().next().expect("awslogs finds the group");
    let mut lines = String::new();
    // Lines reach the log group a moment after they are printed.
    for _ in 0..50 {
        lines = awslogs(&format!("get {group} --no-group --no-stream --timestamp --start 1m"));
        if lines.contains("GET /nodejs/api") {
            break;
        }
    }
    let line =
        lines.lines().find(|line| line.contains("GET /nodejs/api")).unwrap_or_else(|| panic!("no request in {lines}"));
    assert!(line.contains("\"GET /nodejs/api HTTP/1.1\" 200"), "{line}");

    awslogs_follows(place, group, &answer_url(&status));
    the_cli_looks_at_everything(place);

    place.aws("cloudformation delete-stack --stack-name ecsworkshop-nodejs");
    let wait = "cloudformation wait stack-delete-complete --stack-name ecsworkshop-nodejs";
    let deleted = place.command(tool("aws"), wait).status().expect("it can be run").success();
    let events = || place.aws("cloudformation describe-stack-events --stack-name ecsworkshop-nodejs --output text");
    assert!(deleted, "{}", events());
    place.ecsws("--sandbox destroy --yes");
    assert_eq!(place.aws("cloudformation list-exports --query Exports --output text").trim(), "");
}
