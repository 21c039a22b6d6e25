//! Our commands against moto's server. It never completes a rollout, so the tests do not wait for services.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::Value;

use super::{Place, tool};

const PROJECT: &str = r#"
[platform]
cluster = "demo"
subnets = ["subnet-0bb00000000000001"]
security_group = "sg-0bb00000000000001"

[services.web]
stack = "web"
name = "web"
cpu = 256
memory = 512
count = 1

[services.web.container]
image = "nginx"
port = 80

[services.web.logs]
retention_days = 7
"#;

/// A project and moto's server on a free port. The server is killed when this is dropped.
struct Moto {
    place: Place,
    server: Child,
}

impl Moto {
    fn start(project: &str) -> Self {
        Self::start_with(project, &[])
    }

    fn start_with(project: &str, variables: &[(&str, &str)]) -> Self {
        let mut place = Place::new(project);
        for (name, value) in variables {
            place.set(name, value);
        }
        let mut command = place.command(tool("moto_server"), "--port 0");
        let mut server = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("moto starts");
        let lines = BufReader::new(server.stderr.take().expect("the stream is piped")).lines();
        let mut lines = lines.map(|line| line.expect("moto writes text"));
        let url = lines
            .find_map(|line| Some(line.split_once("Running on ")?.1.trim().to_owned()))
            .expect("moto prints its URL");
        // Reads the rest of moto's output, because a full pipe would block it.
        std::thread::spawn(move || lines.for_each(drop));
        let settings = [
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("AWS_ACCESS_KEY_ID", "testing"),
            ("AWS_SECRET_ACCESS_KEY", "testing"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ];
        for (name, value) in settings {
            place.set(name, value);
        }
        Self { place, server }
    }

    /// The JSON output of the AWS CLI.
    fn aws(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.place.aws(arguments)).expect("valid JSON")
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn deploy_status_scale_logs_and_destroy_work_against_moto() {
    let moto = Moto::start(PROJECT);
    moto.aws("ecs create-cluster --cluster-name demo");

    moto.place.ecsws("deploy --no-wait-services --require-approval never");
    let stacks = moto.aws("cloudformation describe-stacks --stack-name web");
    assert_eq!(stacks["Stacks"][0]["StackStatus"], "CREATE_COMPLETE");
    let again = moto.place.ecsws("deploy --no-wait-services --output json");
    assert!(again.contains(r#""event":"no_changes""#), "{again}");

    let status: Value = serde_json::from_str(&moto.place.ecsws("status --output json")).expect("valid JSON");
    assert_eq!((&status["service"], &status["desired"]), (&"web".into(), &1.into()));

    moto.place.ecsws("scale --count 3 --no-wait-services");
    let services = moto.aws("ecs describe-services --cluster demo --services web");
    assert_eq!(services["services"][0]["desiredCount"], 3);
    moto.place.ecsws("scale --count 2 --hotswap --no-wait-services");
    let services = moto.aws("ecs describe-services --cluster demo --services web");
    assert_eq!(services["services"][0]["desiredCount"], 2);
    // The stack has this count already, so it is set in ECS.
    moto.place.ecsws("scale --count 3 --no-wait-services");
    let services = moto.aws("ecs describe-services --cluster demo --services web");
    assert_eq!(services["services"][0]["desiredCount"], 3);

    let groups = moto.place.ecsws("logs groups");
    // Name, size and retention.
    let groups = groups.split_whitespace().next().unwrap_or_default().to_owned();
    let group = groups.trim();
    moto.place
        .aws(&format!("logs create-log-stream --log-group-name {group} --log-stream-name web/web/0123456789abcdef"));
    #[expect(clippy::disallowed_methods, reason = "moto has the clock of this machine")]
    let now = jiff::Timestamp::now().as_millisecond();
    moto.place.aws(&format!(
        "logs put-log-events --log-group-name {group} --log-stream-name web/web/0123456789abcdef --log-events timestamp={now},message=hello"
    ));
    let streams = moto.place.ecsws("logs streams");
    assert_eq!(streams.split_whitespace().next(), Some("web/web/0123456789abcdef"));
    let logs = moto.place.ecsws("logs --start 1m");
    assert!(logs.trim_end().ends_with("web/web/0123456789abcdef hello"), "{logs}");

    moto.place.ecsws("destroy --yes");
    let remaining = moto.aws("cloudformation list-stacks --stack-status-filter CREATE_COMPLETE UPDATE_COMPLETE");
    assert_eq!(remaining["StackSummaries"], Value::Array(Vec::new()));
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn services_are_waited_for_without_events_of_resources() {
    let moto = Moto::start(PROJECT);
    moto.aws("ecs create-cluster --cluster-name demo");
    for command in ["deploy --timeout 3s --require-approval never", "scale --count 2 --timeout 3s --yes"] {
        let late = moto.place.command(env!("CARGO_BIN_EXE_ecsws"), command).output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&late.stderr);
        assert_eq!(late.status.code(), Some(4), "{stderr}");
        assert!(stderr.contains("service `web` is not steady"), "{stderr}");
    }
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn names_and_exports_that_are_in_use_are_rejected_against_moto() {
    let project = format!("{PROJECT}group = \"/ecs/web\"\n");
    let moto = Moto::start(&project);
    let rejected = |project: &str| {
        moto.place.write("ecsws.toml", project);
        let mut deploy = moto.place.command(env!("CARGO_BIN_EXE_ecsws"), "deploy --no-wait-services --yes");
        let output = deploy.output().expect("the program runs");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        stderr
    };
    moto.aws("ecs create-cluster --cluster-name demo");
    moto.place.aws("logs create-log-group --log-group-name /ecs/web2");
    moto.place.aws("logs create-log-group --log-group-name /ecs/web");
    let stderr = rejected(&project);
    assert!(stderr.contains("web: log group `/ecs/web` cannot be created, because it already exists"), "{stderr}");
    let (_, command) = stderr.split_once("`aws logs ").expect("the hint has a command");
    moto.place.aws(&format!("logs {}", command.split('`').next().expect("a command")));

    let containers = r#"[{"name":"web","image":"nginx","memory":64}]"#;
    moto.aws(&format!("ecs register-task-definition --family web --container-definitions {containers}"));
    moto.aws("ecs create-service --cluster demo --service-name web --task-definition web --desired-count 0");
    let stderr = rejected(&project);
    assert!(!stderr.contains("log group"), "{stderr}");
    assert!(stderr.contains("web: service `web` cannot be created, because it already exists"), "{stderr}");

    let outputs =
        r#"{"Outputs":{"A":{"Value":"x","Export":{"Name":"NSID"}}},"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}"#;
    moto.aws(&format!("cloudformation create-stack --stack-name first --template-body {outputs}"));
    let stderr = rejected("[platform.stack]\nname = \"second\"\n");
    assert!(stderr.contains("second: stack first already exports NSID"), "{stderr}");
    let stacks = moto.aws("cloudformation list-stacks");
    assert_eq!(stacks["StackSummaries"].as_array().map(Vec::len), Some(1), "{stacks}");
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn a_service_with_an_arn_of_the_old_format_is_found_in_its_cluster() {
    let moto = Moto::start_with(PROJECT, &[("MOTO_ECS_NEW_ARN", "false")]);
    moto.aws("ecs create-cluster --cluster-name demo");
    moto.place.ecsws("deploy --no-wait-services --require-approval never");
    let services = moto.aws("ecs list-services --cluster demo");
    assert_eq!(services["serviceArns"][0], "arn:aws:ecs:us-east-1:123456789012:service/web");
    let status: Value = serde_json::from_str(&moto.place.ecsws("status --output json")).expect("valid JSON");
    assert_eq!((&status["cluster"], &status["service"]), (&"demo".into(), &"web".into()));
    moto.place.ecsws("scale --count 2 --hotswap --no-wait-services");
    let services = moto.aws("ecs describe-services --cluster demo --services web");
    assert_eq!(services["services"][0]["desiredCount"], 2);
    let diff = moto.place.ecsws("diff --method template --output json");
    assert!(diff.contains("desired count is 2"), "{diff}");
}

const LOOKED_UP: &str = r#"
[platform]
vpc = "shared"
cluster = "demo"
security_group = "sg-0bb00000000000001"

[services.web]
cpu = 256
memory = 512

[services.web.container]
image = "nginx"
"#;

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn a_vpc_is_looked_up_once_and_pinned() {
    let mut moto = Moto::start(LOOKED_UP);
    let tag = |kind: &str, key: &str, value: &str| {
        format!("--tag-specifications ResourceType={kind},Tags=[{{Key={key},Value={value}}}]")
    };
    let vpc = moto.aws(&format!("ec2 create-vpc --cidr-block 10.9.0.0/16 {}", tag("vpc", "Name", "shared")));
    let vpc = vpc["Vpc"]["VpcId"].as_str().expect("an id").to_owned();
    let subnet = |network: &str, zone: &str, kind: &str| {
        let tags = tag("subnet", "aws-cdk:subnet-type", kind);
        let arguments = format!("--vpc-id {vpc} --cidr-block {network} --availability-zone {zone} {tags}");
        let subnet = moto.aws(&format!("ec2 create-subnet {arguments}"));
        subnet["Subnet"]["SubnetId"].as_str().expect("an id").to_owned()
    };
    let (second, first) =
        (subnet("10.9.1.0/24", "us-east-1b", "Private"), subnet("10.9.2.0/24", "us-east-1a", "Private"));
    let public = subnet("10.9.3.0/24", "us-east-1a", "Public");

    let template = moto.place.ecsws("synth --json");
    let template: Value = serde_json::from_str(&template).expect("valid JSON");
    let resources = template["Resources"].as_object().expect("the template has resources");
    let service = resources
        .values()
        .find(|resource| resource["Type"] == "AWS::ECS::Service")
        .expect("the template has a service");
    let network = &service["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"];
    assert_eq!(network["Subnets"], serde_json::json!([first, second]), "the private subnets by zone, without {public}");

    // Pinned look-ups are not repeated: without an endpoint, the template is the same.
    moto.place.set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let again: Value = serde_json::from_str(&moto.place.ecsws("synth --json")).expect("valid JSON");
    assert_eq!(again, template);
}
