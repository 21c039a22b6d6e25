//! Following operations: time limits, operations in progress, services that are replaced or cannot be read.

use super::{api, assert_failed, denied, deployed, faults};
use crate::common::assert_has;
use crate::workshop::Workshop;

#[test]
fn an_update_that_takes_too_long_is_cancelled_and_rolled_back() {
    let workshop = api(
        "[services.api.container.health_check]\ncommand = [\"CMD-SHELL\", \"test ! -e slow\"]\ninterval = \"5s\"\n",
    );
    workshop.run("--sandbox deploy").success();
    workshop.edit("test ! -e slow", "false");
    workshop.edit("circuit_breaker = true", "circuit_breaker = false");
    let late = workshop.run("--sandbox deploy --timeout 2s");
    assert_eq!(late.code, Some(4), "{}", late.stderr);
    assert_has(
        late.error(),
        &["the operation on stack `api` exceeded its time limit of 2s; the stack is UPDATE_ROLLBACK_COMPLETE"],
    );
    assert_has(&late.stderr, &["api: time limit exceeded; the update is cancelled and rolled back"]);
}

#[test]
fn a_creation_that_takes_too_long_is_left_or_deleted() {
    let workshop = api("[services.api.container.health_check]\ncommand = [\"CMD\", \"false\"]\ninterval = \"5s\"\n");
    workshop.edit("circuit_breaker = true", "circuit_breaker = false");
    workshop.run("--sandbox deploy base").success();
    let late = workshop.run("--sandbox deploy --timeout 1s");
    assert_eq!(late.code, Some(4), "{}", late.stderr);
    assert_has(
        late.error(),
        &["the stack is CREATE_IN_PROGRESS", "CloudFormation continues; `ecsws --sandbox deploy` follows it"],
    );
    workshop.run("--sandbox destroy api").success();
    let late = workshop.run("--sandbox deploy --timeout 1s --on-timeout delete");
    assert_eq!(late.code, Some(4), "{}", late.stderr);
    assert_has(late.error(), &["the stack is DELETE_COMPLETE"]);
}

#[test]
fn a_deploy_follows_an_operation_in_progress_from_its_first_event_and_then_starts() {
    let workshop = deployed();
    workshop.edit("memory = 512", "memory = 512\ncount = 2");
    let mut first = workshop.follow("--sandbox deploy --output json");
    first.wait_for_line(|line| line.contains("UPDATE_IN_PROGRESS"));
    assert_eq!(first.interrupt(), Some(130));
    let second = workshop.run("--sandbox deploy");
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert_eq!(workshop.json("--sandbox status")["running"], 2);
}

#[test]
fn a_replacement_service_is_watched_like_a_new_one() {
    let workshop = api("");
    workshop.edit("stack = \"api\"", "stack = \"api\"\nname = \"api\"");
    workshop.run("--sandbox deploy").success();
    workshop.edit("\nname = \"api\"", "\nname = \"other\"");
    let failed = workshop.run("--sandbox deploy --image api=acme/broken:1");
    assert_failed(
        &failed,
        &["UPDATE_ROLLBACK_COMPLETE", "tasks of other stopped: Essential container", "│ no database"],
    );
}

#[test]
fn without_ecs_permissions_only_cloudformation_is_followed() {
    let workshop = deployed();
    workshop.edit("memory = 512", "memory = 512\ncount = 2");
    faults(&workshop, &denied("ecs:DescribeServices"));
    let unwatched = workshop.run("--sandbox deploy");
    assert_eq!(unwatched.code, Some(3), "{}", unwatched.stderr);
    let hint = "hint: its stack is complete, and ECS continues its deployment; --no-wait-services does not need this permission";
    assert_has(
        &unwatched.stderr,
        &["cannot follow service api-", "cannot wait until service `api-", "is steady: cannot describe service", hint],
    );
    workshop.edit("count = 2", "count = 3");
    let deployed = workshop.run("--sandbox deploy --no-wait-services");
    assert_has(&deployed.stderr, &["cannot follow service api", "✓  api updated in "]);
    deployed.success();
    let diff = workshop.run("--sandbox diff");
    assert_has(&diff.stderr, &["cannot compare the running service with the template: cannot describe service"]);
    diff.success();
}

/// An ECS client of the sandbox.
fn ecs(workshop: &Workshop) -> aws_sdk_ecs::Client {
    let keys = aws_sdk_ecs::config::Credentials::new(
        workshop.sandbox_variable("AWS_ACCESS_KEY_ID"),
        workshop.sandbox_variable("AWS_SECRET_ACCESS_KEY"),
        None,
        None,
        "test",
    );
    let config = aws_sdk_ecs::Config::builder()
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .behavior_version(aws_sdk_ecs::config::BehaviorVersion::latest())
        .region(aws_sdk_ecs::config::Region::new("us-east-1"))
        .endpoint_url(workshop.sandbox_variable("AWS_ENDPOINT_URL"))
        .credentials_provider(keys);
    aws_sdk_ecs::Client::from_conf(config.build())
}

#[tokio::test]
async fn a_deregistered_task_definition_is_registered_again() {
    let workshop = deployed();
    for count in [2, 3] {
        let client = ecs(&workshop);
        let active =
            client.list_task_definitions().send().await.expect("they are listed").task_definition_arns.expect("a list");
        let [arn] = active.as_slice() else { panic!("{active:?}") };
        client.deregister_task_definition().task_definition(arn).send().await.expect("it is deregistered");
        let message = format!("api: task definition {arn} was deregistered");
        assert_has(&workshop.run("--sandbox diff").stderr, &[&message]);
        workshop.edit("memory = 512", &format!("memory = 512\ncount = {count}"));
        let repaired = workshop.run("--sandbox deploy");
        assert_has(&repaired.stderr, &[&message, "a new revision is registered", "✓  api updated in "]);
        repaired.success();
        assert_eq!(workshop.json("--sandbox status")["running"], count);
        workshop.run("--sandbox diff --fail").success();
        workshop.edit(&format!("memory = 512\ncount = {count}"), "memory = 512");
    }
}
