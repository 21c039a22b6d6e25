//! `ecsws cancel`, and commands that find an operation in progress.
#![cfg(all(unix, feature = "sandbox"))]

use std::process::Child;

use serde_json::{Value, json};

use crate::common::assert_has;
use crate::terminal::run_on_terminal;
use crate::workshop::{Finished, SMALL_PROJECT, Workshop, wait};

/// The small project, whose task is healthy unless its image is replaced by `acme/ill:1`: a deploy of that never ends by itself.
fn project() -> Workshop {
    Workshop::with_spec(&format!(
        r#"{SMALL_PROJECT}
[services.api.container.health_check]
command = ["CMD-SHELL", "test $HEALTH = good"]
interval = "5s"

[sandbox.images]
"acme/api:1" = {{ command = ["env", "HEALTH=good", "sleep", "1000"] }}
"#
    ))
}

/// Starts a deploy and waits until the service is being created or updated.
fn start_deploy(workshop: &Workshop) -> Child {
    let deploy = workshop.start("--sandbox deploy");
    wait_for_status(workshop, "_IN_PROGRESS");
    deploy
}

fn wait_for_status(workshop: &Workshop, status: &str) {
    crate::workshop::wait_until(|| {
        let stacks = workshop.json("sandbox status")["stacks"].clone();
        let of_api = stacks.as_array().and_then(|stacks| stacks.iter().find(|stack| stack["name"] == "api").cloned());
        of_api.is_some_and(|stack| stack["status"].as_str().is_some_and(|name| name.ends_with(status)))
    });
}

/// A project whose service is deployed, and a deploy of a change that does not end by itself.
fn updating() -> (Workshop, Child) {
    let workshop = project();
    workshop.edit("test $HEALTH = good", "test ! -e ill");
    workshop.run("--sandbox deploy").success();
    workshop.edit("test ! -e ill", "false");
    let deploy = start_deploy(&workshop);
    (workshop, deploy)
}

/// A project whose service is being created, which does not end by itself.
fn creating() -> (Workshop, Child) {
    let workshop = project();
    workshop.run("--sandbox deploy base").success();
    workshop.edit("test $HEALTH = good", "false");
    let deploy = start_deploy(&workshop);
    (workshop, deploy)
}

fn assert_fails(finished: &Finished, code: i32, expected: &[&str]) {
    assert_eq!(finished.code, Some(code), "{}", finished.stderr);
    assert_has(finished.error(), expected);
}

#[test]
fn an_update_is_rolled_back() {
    let (workshop, deploy) = updating();
    let cancelled = workshop.run("--sandbox cancel");
    assert_has(&cancelled.stderr, &["api: its update is cancelled and rolled back", "✓  api rolled back in "]);
    cancelled.success();
    assert_fails(&wait(deploy), 1, &["stack `api` is UPDATE_ROLLBACK_COMPLETE"]);
    assert_fails(&workshop.run("--sandbox cancel"), 1, &["no operation is in progress on base, api"]);
}

#[test]
fn a_creation_is_only_cancelled_by_deleting_the_stack() {
    let (workshop, deploy) = creating();
    let refused = workshop.run("--sandbox cancel api");
    let message = "stack `api` is being created, which can only be cancelled by deleting it";
    assert_fails(&refused, 1, &[message, "hint: `ecsws --sandbox cancel api --delete` deletes it"]);
    let (code, printed) = run_on_terminal(workshop.command("--sandbox cancel api"), &[("Delete api?", "n")]);
    assert_eq!(code, Some(1), "{printed}");
    assert_has(&printed, &[message, "not approved; api was not changed"]);
    let cancelled = workshop.run("--sandbox cancel api --delete --output json");
    let events: Vec<Value> = cancelled.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let finished = events.iter().find(|event| event["event"] == "finished").expect("it finishes");
    assert_eq!((&finished["operation"], &finished["stack"]), (&json!("delete"), &json!("api")));
    cancelled.success();
    assert_fails(&wait(deploy), 1, &["stack `api` is DELETE_COMPLETE"]);
}

#[test]
fn a_deploy_or_destroy_stops_following_an_update_after_its_time_limit() {
    let (workshop, mut deploy) = updating();
    for (command, follows) in [
        ("--sandbox deploy --timeout 1s", "`ecsws --sandbox deploy` follows it"),
        ("--sandbox destroy --yes --timeout 1s", "`ecsws --sandbox --yes destroy` follows it"),
    ] {
        let late = workshop.run(command);
        let message = "another operation on stack `api` is still in progress after 1s";
        assert_fails(&late, 4, &[message, follows, "cancel api` cancels it"]);
    }
    deploy.kill().expect("it runs");
    deploy.wait().expect("it ends");
}

#[test]
fn a_deploy_cancels_the_operation_of_another_only_on_request() {
    let (workshop, deploy) = updating();
    workshop.edit("\"false\"", "\"test ! -e ill\"");
    let deployed = workshop.run("--sandbox deploy --cancel-running");
    assert_has(&deployed.stderr, &["api: its update is cancelled and rolled back", "✓  api"]);
    deployed.success();
    assert_fails(&wait(deploy), 1, &["stack `api` is UPDATE_ROLLBACK_COMPLETE"]);
}

#[test]
fn a_resource_at_which_a_rollback_is_stuck_can_be_skipped() {
    let stuck = || {
        let workshop = Workshop::with_spec(SMALL_PROJECT);
        workshop.run("--sandbox deploy").success();
        workshop.edit("memory = 512", "memory = 512\ncount = 2");
        let rule = json!({ "resource": "AWS::ECS::Service", "on": "update", "reason": "No-capacity", "times": 3 });
        workshop.run(&format!("sandbox faults {}", json!({ "resources": [rule] }))).success();
        workshop.run("--sandbox deploy").exit_code(1);
        let service = workshop.run("--sandbox deploy").stderr;
        let service = service.split_once("stuck at\n  ").expect("it is stuck").1.split_whitespace().next();
        (workshop, service.expect("a resource").to_owned())
    };
    let (workshop, service) = stuck();
    let unknown = workshop.run("--sandbox deploy --yes --skip-resource Nothing");
    assert_fails(&unknown, 1, &["the rollback of api is not stuck at `Nothing`"]);
    let skipped = workshop.run(&format!("--sandbox deploy --yes --skip-resource {service}"));
    assert_has(&skipped.stderr, &["UPDATE_ROLLBACK_COMP"]);
    let (workshop, service) = stuck();
    let skip = format!("Skip {service}, which are then left as they are?");
    let dialog = [("Continue its rollback first?", "y"), (skip.as_str(), "y")];
    let (_, printed) = run_on_terminal(workshop.command("--sandbox deploy"), &dialog);
    assert_has(&printed, &["UPDATE_ROLLBACK_COMP"]);
}
