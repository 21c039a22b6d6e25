//! Failed stacks: what a deploy reports of them, and how the next deploy repairs them.

use serde_json::json;

use super::{api, assert_failed, denied, deployed, faults, last_status, operation_fails, resource_fails};
use crate::common::assert_has;

#[test]
fn a_failed_update_reports_the_cause_with_the_containers_last_lines_and_is_rolled_back() {
    let workshop = deployed();
    let failed = workshop.run("--sandbox deploy --image api=acme/broken:1");
    assert_failed(
        &failed,
        &[
            "stack `api` is UPDATE_ROLLBACK_COMPLETE",
            "Circuit Breaker was triggered",
            "3 tasks of ",
            "stopped: Essential container in task exited; container api: exit code 3\n    │ no database",
        ],
    );
    assert_has(&failed.stderr, &["tasks keep stopping for the same reason", "  │ no database\n", "1 of 1 running"]);
    assert_has(&workshop.text(), &["acme/api:1"]);
    // After a rollback only CloudFormation knows whether there is something to do.
    assert_has(&workshop.run("--sandbox deploy").stderr, &["✓  api (no changes)"]);
    workshop.run("--sandbox status --check").success();
}

#[test]
fn a_failed_creation_is_deleted_and_created_again() {
    let workshop = api("");
    workshop.run("--sandbox deploy base").success();
    faults(&workshop, &resource_fails("create", 1));
    assert_failed(&workshop.run("--sandbox deploy"), &["stack `api` is ROLLBACK_COMPLETE", "No-capacity"]);
    let again = workshop.run("--sandbox deploy");
    assert_has(
        &again.stderr,
        &["the creation of stack `api` failed (ROLLBACK_COMPLETE): deleting it and creating it again"],
    );
    again.success();
}

#[test]
fn a_stack_that_failed_without_rollback_is_rolled_back_first_or_continued() {
    let workshop = deployed();
    workshop.edit("memory = 512", "memory = 512\ncount = 2");
    faults(&workshop, &resource_fails("update", 1));
    let failed = workshop.run("--sandbox deploy --no-rollback --output json");
    assert_eq!(
        (failed.code, last_status(&failed, "api").as_deref()),
        (Some(1), Some("UPDATE_FAILED")),
        "{}",
        failed.stderr
    );

    let refused = workshop.run("--sandbox deploy");
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert_has(refused.error(), &["Stack api is UPDATE_FAILED: roll it back first?", "--yes"]);

    let gone_on = workshop.run("--sandbox deploy --no-rollback");
    assert_has(&gone_on.stderr, &["✓  api updated in "]);

    workshop.edit("count = 2", "count = 3");
    faults(&workshop, &resource_fails("update", 1));
    workshop.run("--sandbox deploy --no-rollback").exit_code(1);
    let rolled_back = workshop.run("--sandbox deploy --yes");
    assert_has(&rolled_back.stderr, &["api: rolling back …", "UPDATE_ROLLBACK_COMP", "✓  api updated in "]);
    assert_eq!(workshop.json("--sandbox status")["running"], 3);
}

#[test]
fn a_failed_rollback_is_continued() {
    let workshop = deployed();
    workshop.edit("memory = 512", "memory = 512\ncount = 2");
    faults(&workshop, &resource_fails("update", 2));
    assert_failed(&workshop.run("--sandbox deploy"), &["stack `api` is UPDATE_ROLLBACK_FAILED", "No-capacity"]);
    let refused = workshop.run("--sandbox deploy");
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert_has(refused.error(), &["Stack api is UPDATE_ROLLBACK_FAILED, stuck at\n  ", "(AWS::ECS::Service)", "--yes"]);
    let diff = workshop.run("--sandbox diff");
    assert_has(&diff.stderr, &["api is UPDATE_ROLLBACK_FAILED: deploy continues its rollback first"]);
    let repaired = workshop.run("--sandbox deploy --yes");
    assert_has(&repaired.stderr, &["api: rolling back …", "✓  api updated in "]);
}

#[test]
fn a_killed_deploy_is_continued_by_the_next() {
    let workshop = deployed();
    let text = workshop.text();
    // So many lines are read before it is killed: while it prepares, while CloudFormation works, while tasks start.
    for (count, lines) in [(2, 1), (3, 2), (1, 3), (2, 5), (3, 7)] {
        workshop.write("ecsws.toml", &text.replace("memory = 512", &format!("memory = 512\ncount = {count}")));
        let mut killed = workshop.follow("--sandbox deploy --output json");
        for _ in 0..lines {
            killed.wait_for_line(|_| true);
        }
        drop(killed);
        let carried_on = workshop.run("--sandbox deploy");
        assert_eq!(carried_on.code, Some(0), "{}", carried_on.stderr);
        assert_eq!(workshop.json("--sandbox status")["running"], count);
        workshop.run("--sandbox diff --fail --method template").success();
    }
}

#[test]
fn a_change_set_that_cannot_be_executed_is_deleted() {
    let workshop = api("");
    workshop.run("sandbox start").success();
    faults(&workshop, &denied("cloudformation:ExecuteChangeSet"));
    let refused = workshop.run("--sandbox deploy base");
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    faults(&workshop, &json!({}));
    assert_has(&workshop.run("--sandbox destroy").stderr, &["there is no stack base"]);
}

#[test]
fn a_lost_response_and_a_transient_fault_do_not_end_a_deploy() {
    let workshop = deployed();
    for (count, operation, effect) in
        [(2, "cloudformation:ExecuteChangeSet", "cutAnswer"), (3, "cloudformation:DescribeStackEvents", "fail")]
    {
        let text = workshop.text().replace(&format!("\ncount = {}", count - 1), "");
        workshop.write("ecsws.toml", &text.replace("memory = 512", &format!("memory = 512\ncount = {count}")));
        let more = json!({ "times": 1, "code": "InternalFailure", "message": "oops", "status": 500 });
        let more = if effect == "fail" { more } else { json!({ "times": 1 }) };
        faults(&workshop, &operation_fails(operation, effect, more));
        let deployed = workshop.run("--sandbox deploy");
        assert_has(&deployed.stderr, &["✓  api updated in "]);
        deployed.success();
    }
}
