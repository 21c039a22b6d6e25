//! `ecsws deploy` against the sandbox and its injected faults: what it shows, asks and changes.
#![cfg(unix)]

mod destroy;
mod diffs;
mod failures;
mod following;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::common::assert_has;
use crate::workshop::{Finished, SMALL_PROJECT, Workshop};

/// The small project with a circuit breaker, and images whose tasks fail or do not answer.
fn api(more: &str) -> Workshop {
    Workshop::with_spec(&format!(
        r#"{SMALL_PROJECT}
[services.api.deployment]
circuit_breaker = true
{more}
[sandbox.images]
"acme/broken:1" = {{ command = ["sh", "-c", "echo no database >&2; exit 3"] }}
"acme/sleeps:1" = {{ command = ["sleep", "1000"] }}
"#
    ))
}

/// The project with both stacks deployed.
fn deployed() -> Workshop {
    let workshop = api("");
    workshop.run("--sandbox deploy").success();
    workshop
}

fn faults(workshop: &Workshop, faults: &Value) {
    workshop.run(&format!("sandbox faults {faults}")).success();
}

fn resource_fails(on: &str, times: u32) -> Value {
    json!({ "resources": [{ "resource": "AWS::ECS::Service", "on": on, "reason": "No-capacity", "times": times }] })
}

fn assert_failed(ended: &Finished, expected: &[&str]) {
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_has(ended.error(), expected);
}

/// The status of a stack in the last event of a deploy in JSON; `None` without an event.
fn last_status(ended: &Finished, stack: &str) -> Option<String> {
    let events = ended.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut own = events.filter(|event| event["event"] == "resource" && event["logical_id"] == stack);
    own.next_back().and_then(|event| event["status"].as_str().map(ToOwned::to_owned))
}

/// The requests so far, by operation.
fn requests(workshop: &Workshop) -> Vec<String> {
    let log = workshop.run("sandbox logs").success();
    let words = log.lines().flat_map(str::split_whitespace);
    words
        .filter(|word| word.contains(':') && word.chars().all(|c| c.is_ascii_alphanumeric() || c == ':'))
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn an_unchanged_stack_takes_three_calls_and_no_change_set() {
    let workshop = deployed();
    let before = requests(&workshop).len();
    let again = workshop.run("--sandbox deploy base");
    assert_has(&again.stderr, &["✓  base (no changes)"]);
    let calls: Vec<String> = requests(&workshop).split_off(before);
    let mut of_stacks: Vec<&str> = calls.iter().filter_map(|call| call.strip_prefix("cloudformation:")).collect();
    of_stacks.sort_unstable();
    // The last one finds what an interrupted diff has left.
    assert_eq!(of_stacks, ["DescribeStacks", "GetTemplate", "ListChangeSets"], "{calls:?}");
    assert_has(&workshop.run("--sandbox deploy --force").stderr, &["✓  base (no changes)", "✓  api (no changes)"]);
}

/// How many of these calls read something that deploys of other stacks may change.
fn count_reads(calls: &[String]) -> BTreeMap<&str, usize> {
    let reads = ["DescribeStacks", "ListStackResources", "ListExports", "ListImports", "GetTemplate"];
    let mut counts = BTreeMap::new();
    for call in calls.iter().filter_map(|call| call.strip_prefix("cloudformation:")) {
        if reads.contains(&call) {
            *counts.entry(call).or_default() += 1;
        }
    }
    counts
}

#[test]
fn a_first_deploy_looks_each_thing_up_once() {
    let workshop = Workshop::new();
    workshop.run("--sandbox deploy").success();
    let calls = requests(&workshop);
    // Each stack is described at the start, once its change set exists, and at its end. The service's stack is described again after
    // the platform was deployed. Exports are listed before and after the platform's deploy.
    let expected = BTreeMap::from([("DescribeStacks", 7), ("ListExports", 2), ("ListStackResources", 2)]);
    assert_eq!(count_reads(&calls), expected, "{calls:?}");
}

#[test]
fn all_missing_requirements_are_reported_together_before_anything_changes() {
    let workshop =
        api("[services.api.container.secrets]\nTOKEN = \"ssm:/api/token\"\nKEY = \"secretsmanager:api-key\"\n");
    workshop.run("--sandbox deploy base").success();
    let text = workshop.text();
    let stack = text.find("[services.api]").expect("it is there");
    let platform = "[platform]\ncluster = { import = \"ECSClusterNam\" }\nsecurity_group = \"sg-0123456789abcdef0\"\nsubnets = [\"subnet-0123456789abcdef0\"]\n\n";
    workshop.write("other/ecsws.toml", &(platform.to_owned() + &text[stack..].replace("acme/api:1", "Acme/api")));
    let refused = workshop.run("--sandbox -C other deploy");
    assert_failed(
        &refused,
        &[
            "api: image `Acme/api`: `Acme` is not part of an image's name",
            "no stack exports `ECSClusterNam`, which api imports",
            "there is an export `ECSClusterName`",
            "there is no secret `api-key`, which api reads as KEY",
            "there is no parameter `/api/token`, which api reads as TOKEN",
        ],
    );
    assert!(!refused.stderr.contains("creating"), "{}", refused.stderr);
}

#[test]
fn flags_set_outputs_tags_parameters_and_images() {
    let workshop = api("");
    let deployed =
        workshop.run("--sandbox deploy --outputs-file outputs.json --tags team=web --image api=acme/sleeps:1");
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr);
    let outputs: Value = serde_json::from_str(&crate::common::read(&workshop.path("outputs.json"))).expect("JSON");
    assert_eq!(outputs["base"]["ECSClusterName"], "container-demo");
    assert_has(
        &workshop.run("--sandbox deploy --tags team=web --image api=acme/sleeps:1").stderr,
        &["api (no changes)"],
    );
    let unknown = workshop.run("--sandbox deploy api --parameters Size=3");
    assert_eq!(unknown.code, Some(2), "{}", unknown.stderr);
    assert_has(unknown.error(), &["the template of api has no parameter `Size`"]);
    let unknown = workshop.run("--sandbox deploy --image web=acme/api:2");
    assert_eq!(unknown.code, Some(2), "{}", unknown.stderr);
}

#[test]
fn a_change_set_can_be_only_prepared_or_skipped() {
    let workshop = api("");
    workshop.run("--sandbox deploy --method direct").success();
    assert_has(&workshop.run("--sandbox deploy --method direct --force").stderr, &["✓  api (no changes)"]);
    workshop.edit("memory = 512", "memory = 512\ncount = 2");
    let prepared = workshop.run("--sandbox deploy api --method prepare-change-set");
    assert_has(&prepared.stderr, &["api: change set created: arn:aws:cloudformation:"]);
    assert_eq!(workshop.json("--sandbox status")["running"], 1);
    assert_has(&workshop.run("--sandbox deploy api").stderr, &["✓  api updated in "]);
}

#[test]
fn a_replacement_is_rejected_without_rollback() {
    let workshop = api("");
    workshop.edit("stack = \"api\"", "stack = \"api\"\nname = \"api\"");
    workshop.run("--sandbox deploy").success();
    workshop.edit("\nname = \"api\"", "\nname = \"other\"");
    let refused = workshop.run("--sandbox deploy --no-rollback");
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert_has(refused.error(), &["would be replaced", "omit --no-rollback"]);
    assert_has(&workshop.run("--sandbox deploy").stderr, &["✓  api updated in "]);
}

fn operation_fails(operation: &str, effect: &str, mut more: Value) -> Value {
    more["operation"] = operation.into();
    more["effect"] = effect.into();
    json!({ "operations": [more] })
}

fn denied(operation: &str) -> Value {
    let message = "User-is-not-authorized-to-perform:-this";
    operation_fails(operation, "fail", json!({ "code": "AccessDeniedException", "message": message, "status": 400 }))
}
