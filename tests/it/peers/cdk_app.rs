//! The real cdk works with the sandbox: look-ups, diff, deploy, scaling, autoscaling, destroy.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Place, Sandboxed, succeed, tool};

const APP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/peers/cdk_app/app.py");

fn cdk(place: &Place, arguments: &str) -> Command {
    let mut command = place.command(tool("cdk"), arguments);
    let app = format!("{} {APP}", tool("python").display());
    command.args(["--app", &app, "--no-notices"]);
    command.envs([("CI", "1"), ("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")]);
    command.envs([("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "1"), ("CDK_DISABLE_CLI_TELEMETRY", "true")]);
    command
}

fn deploy(place: &Place, stack: &str) -> String {
    succeed(&mut cdk(place, &format!("deploy {stack} --exclusively --require-approval never")))
}

fn counts(place: &Place) -> (u64, u64) {
    let services = place.aws("ecs describe-services --cluster peers --services peers-web");
    let services: Value = serde_json::from_str(&services).expect("valid JSON");
    let service = &services["services"][0];
    let count = |name: &str| service[name].as_u64().unwrap_or_else(|| panic!("no {name} in {services}"));
    (count("desiredCount"), count("runningCount"))
}

#[test]
#[ignore = "needs third-party tools: run `just peers`"]
fn the_cdk_deploys_diffs_scales_and_destroys() {
    let sandbox = Sandboxed::start();
    let place = &sandbox.0;
    let shown = deploy(place, "platform");
    let events = place.aws("cloudformation describe-stack-events --stack-name platform");
    let events: Value = serde_json::from_str(&events).expect("valid JSON");
    let events = events["StackEvents"].as_array().expect("events").iter();
    // The cdk does not print events from before the deployment.
    let expected = events.filter(|event| event["ResourceStatus"] != "REVIEW_IN_PROGRESS").count();
    let printed = shown.lines().filter(|line| line.contains("| CREATE_")).count();
    assert_eq!(printed, expected, "{shown}");
    deploy(place, "service");
    assert_eq!(counts(place), (1, 1));

    // The look-ups in its context come from the sandbox.
    let context = crate::common::read(&Path::new(place.dir.path()).join("cdk.context.json"));
    assert!(context.contains("\"vpcId\": \"vpc-"), "{context}");

    let diff = cdk(place, "diff service --fail -c count=3").output().expect("the binary runs");
    let shown = String::from_utf8_lossy(&diff.stdout).into_owned() + &String::from_utf8_lossy(&diff.stderr);
    assert_eq!(diff.status.code(), Some(1), "{shown}");
    assert!(shown.contains("[~] AWS::ECS::Service") && shown.contains("[+] 3"), "{shown}");
    deploy(place, "service -c count=3");
    assert_eq!(counts(place), (3, 3));

    deploy(place, "service -c scaled=1");
    let policies = place.aws("application-autoscaling describe-scaling-policies --service-namespace ecs");
    assert!(policies.contains("ECSServiceAverageCPUUtilization"), "{policies}");

    succeed(&mut cdk(place, "destroy --all --force"));
    let remaining = place.aws("cloudformation list-stacks --stack-status-filter CREATE_COMPLETE UPDATE_COMPLETE");
    assert!(!remaining.contains("StackName"), "{remaining}");
}
