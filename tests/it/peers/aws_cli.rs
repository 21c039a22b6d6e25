//! The aws CLI, jq and awslogs take the sandbox for AWS: they deploy our templates, count tasks and read logs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use super::{Place, succeed, tool};
use crate::common::read;

/// A sandbox of its own, stopped at the end.
pub(super) struct Sandboxed(pub(super) Place);

impl Sandboxed {
    pub(super) fn start() -> Self {
        let workshop = read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workshop/ecsws.toml"));
        let mut place = Place::new(&workshop);
        let state = place.dir.path().join("sandbox").to_string_lossy().into_owned();
        place.set("ECSWS_SANDBOX_DIR", &state);
        place.ecsws("sandbox start");
        for line in place.ecsws("sandbox env").lines() {
            if let Some((name, value)) = line.strip_prefix("export ").and_then(|line| line.split_once('=')) {
                place.set(name, value);
            }
        }
        Self(place)
    }
}

impl Drop for Sandboxed {
    fn drop(&mut self) {
        drop(self.0.command(env!("CARGO_BIN_EXE_ecsws"), "sandbox stop").status());
    }
}

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
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).expect("the service answers");
    write!(stream, "GET /nodejs/api HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
        .expect("it takes a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
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
    let answer = get(status["url"].as_str().expect("the sandbox says where the service answers"));
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

    place.aws("cloudformation delete-stack --stack-name ecsworkshop-nodejs");
    let wait = "cloudformation wait stack-delete-complete --stack-name ecsworkshop-nodejs";
    let deleted = place.command(tool("aws"), wait).status().expect("it can be run").success();
    let events = || place.aws("cloudformation describe-stack-events --stack-name ecsworkshop-nodejs --output text");
    assert!(deleted, "{}", events());
    place.ecsws("--sandbox destroy --yes");
    assert_eq!(place.aws("cloudformation list-exports --query Exports --output text").trim(), "");
}
