//! `ecsws deploy` in every state of a stack, with what it finds and what it is asked, against the sandbox and its faults.
#![cfg(unix)]

use serde_json::{Value, json};

use crate::workshop::{Ended, Workshop};

/// A service on a platform that takes no time: no gateways, no instance.
fn api(more: &str) -> Workshop {
    Workshop::of(&format!(
        r#"
[platform.stack]
name = "base"
stress_tool = false

[services.api]
stack = "api"
cpu = 256
memory = 512

[services.api.container]
image = "acme/api:1"

[services.api.deployment]
circuit_breaker = true
{more}
[sandbox.images]
"acme/broken:1" = {{ command = ["sh", "-c", "echo no database >&2; exit 3"] }}
"acme/sleeps:1" = {{ command = ["sleep", "1000"] }}
"#
    ))
}

/// With both stacks deployed.
fn deployed() -> Workshop {
    let workshop = api("");
    workshop.run("--sandbox deploy").good();
    workshop
}

fn faults(workshop: &Workshop, faults: &Value) {
    workshop.run(&format!("sandbox faults {faults}")).good();
}

fn resource_fails(on: &str, times: u32) -> Value {
    json!({ "resources": [{ "resource": "AWS::ECS::Service", "on": on, "reason": "No-capacity", "times": times }] })
}

fn assert_has(text: &str, wanted: &[&str]) {
    for part in wanted {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
}

fn assert_failed(ended: &Ended, wanted: &[&str]) {
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_has(ended.error(), wanted);
}

fn edit(workshop: &Workshop, old: &str, new: &str) {
    let text = workshop.text();
    assert!(text.contains(old), "{text}");
    workshop.write("ecsws.toml", &text.replace(old, new));
}

/// The status of a stack by what a deploy in JSON says of it last; `None` when it says nothing.
fn last_status(ended: &Ended, stack: &str) -> Option<String> {
    let events = ended.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut own = events.filter(|event| event["event"] == "resource" && event["logical_id"] == stack);
    own.next_back().and_then(|event| event["status"].as_str().map(ToOwned::to_owned))
}

/// The requests so far, by operation.
fn requests(workshop: &Workshop) -> Vec<String> {
    let log = workshop.run("sandbox logs").good();
    let words = log.lines().flat_map(str::split_whitespace);
    words
        .filter(|word| word.contains(':') && word.chars().all(|c| c.is_ascii_alphanumeric() || c == ':'))
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn what_is_there_takes_two_calls_a_stack_and_no_change_set() {
    let workshop = deployed();
    let before = requests(&workshop).len();
    let again = workshop.run("--sandbox deploy base");
    assert_has(&again.stderr, &["✓  base (no changes)"]);
    let calls: Vec<String> = requests(&workshop).split_off(before);
    let of_stacks: Vec<&str> = calls.iter().filter_map(|call| call.strip_prefix("cloudformation:")).collect();
    assert_eq!(of_stacks, ["DescribeStacks", "GetTemplate"], "{calls:?}");
    assert_has(&workshop.run("--sandbox deploy --force").stderr, &["✓  base (no changes)", "✓  api (no changes)"]);
}

#[test]
fn a_failing_update_tells_the_cause_with_the_containers_last_lines_and_is_rolled_back() {
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
    workshop.run("--sandbox status --check").good();
}

#[test]
fn a_creation_that_never_worked_is_deleted_and_made_anew() {
    let workshop = api("");
    workshop.run("--sandbox deploy base").good();
    faults(&workshop, &resource_fails("create", 1));
    assert_failed(&workshop.run("--sandbox deploy"), &["stack `api` is ROLLBACK_COMPLETE", "No-capacity"]);
    let again = workshop.run("--sandbox deploy");
    assert_has(&again.stderr, &["stack `api` was never created (ROLLBACK_COMPLETE): it is deleted and created anew"]);
    again.good();
}

#[test]
fn what_failed_and_was_left_so_is_rolled_back_first_or_gone_on_with() {
    let workshop = deployed();
    edit(&workshop, "memory = 512", "memory = 512\ncount = 2");
    faults(&workshop, &resource_fails("update", 1));
    let failed = workshop.run("--sandbox deploy --no-rollback --output json");
    assert_eq!(
        (failed.code, last_status(&failed, "api").as_deref()),
        (Some(1), Some("UPDATE_FAILED")),
        "{}",
        failed.stderr
    );

    let asked = workshop.run("--sandbox deploy");
    assert_eq!(asked.code, Some(2), "{}", asked.stderr);
    assert_has(asked.error(), &["Stack api is UPDATE_FAILED: roll it back first?", "--yes"]);

    let gone_on = workshop.run("--sandbox deploy --no-rollback");
    assert_has(&gone_on.stderr, &["✓  api updated in "]);

    edit(&workshop, "count = 2", "count = 3");
    faults(&workshop, &resource_fails("update", 1));
    workshop.run("--sandbox deploy --no-rollback").with(1);
    let rolled_back = workshop.run("--sandbox deploy --yes");
    assert_has(&rolled_back.stderr, &["api: rolling back …", "UPDATE_ROLLBACK_COMP", "✓  api updated in "]);
    assert_eq!(workshop.json("--sandbox status")["running"], 3);
}

#[test]
fn a_rollback_that_is_stuck_is_gone_on_with() {
    let workshop = deployed();
    edit(&workshop, "memory = 512", "memory = 512\ncount = 2");
    faults(&workshop, &resource_fails("update", 2));
    assert_failed(&workshop.run("--sandbox deploy"), &["stack `api` is UPDATE_ROLLBACK_FAILED", "No-capacity"]);
    let asked = workshop.run("--sandbox deploy");
    assert_eq!(asked.code, Some(2), "{}", asked.stderr);
    assert_has(asked.error(), &["Stack api is UPDATE_ROLLBACK_FAILED, stuck at\n  ", "(AWS::ECS::Service)", "--yes"]);
    let diff = workshop.run("--sandbox diff");
    assert_has(&diff.stderr, &["api is UPDATE_ROLLBACK_FAILED: deploy goes on with its rollback first"]);
    let repaired = workshop.run("--sandbox deploy --yes");
    assert_has(&repaired.stderr, &["api: rolling back …", "✓  api updated in "]);
}

#[test]
fn an_update_that_takes_too_long_is_cancelled_and_rolled_back() {
    let workshop = api(
        "[services.api.container.health_check]\ncommand = [\"CMD-SHELL\", \"test ! -e slow\"]\ninterval = \"5s\"\n",
    );
    workshop.run("--sandbox deploy").good();
    edit(&workshop, "test ! -e slow", "false");
    edit(&workshop, "circuit_breaker = true", "circuit_breaker = false");
    let late = workshop.run("--sandbox deploy --timeout 2s");
    assert_eq!(late.code, Some(4), "{}", late.stderr);
    assert_has(late.error(), &["stack `api` is not done after 2 s; it is UPDATE_ROLLBACK_COMPLETE"]);
    assert_has(&late.stderr, &["api: the time is up; the update is cancelled and rolled back"]);
}

#[test]
fn a_creation_that_takes_too_long_is_left_or_deleted() {
    let workshop = api("[services.api.container.health_check]\ncommand = [\"CMD\", \"false\"]\ninterval = \"5s\"\n");
    edit(&workshop, "circuit_breaker = true", "circuit_breaker = false");
    workshop.run("--sandbox deploy base").good();
    let late = workshop.run("--sandbox deploy --timeout 1s");
    assert_eq!(late.code, Some(4), "{}", late.stderr);
    assert_has(
        late.error(),
        &["it is CREATE_IN_PROGRESS", "CloudFormation continues; `ecsws --sandbox deploy` follows it"],
    );
    workshop.run("--sandbox destroy api").good();
    let late = workshop.run("--sandbox deploy --timeout 1s --on-timeout delete");
    assert_eq!(late.code, Some(4), "{}", late.stderr);
    assert_has(late.error(), &["it is DELETE_COMPLETE"]);
}

#[test]
fn an_operation_in_progress_is_followed_with_all_that_it_tells_and_then_gone_on_from() {
    let workshop = deployed();
    edit(&workshop, "memory = 512", "memory = 512\ncount = 2");
    let mut first = workshop.follow("--sandbox deploy --output json");
    first.line(|line| line.contains("UPDATE_IN_PROGRESS"));
    assert_eq!(first.interrupt(), Some(130));
    let second = workshop.run("--sandbox deploy");
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert_eq!(workshop.json("--sandbox status")["running"], 2);
}

#[test]
fn everything_that_is_missing_is_told_at_once_before_anything_begins() {
    let workshop =
        api("[services.api.container.secrets]\nTOKEN = \"ssm:/api/token\"\nKEY = \"secretsmanager:api-key\"\n");
    workshop.run("--sandbox deploy base").good();
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
fn outputs_tags_parameters_and_images_are_as_the_flags_say() {
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
fn a_change_set_can_be_left_to_somebody_else_and_done_without() {
    let workshop = api("");
    workshop.run("--sandbox deploy --method direct").good();
    assert_has(&workshop.run("--sandbox deploy --method direct --force").stderr, &["✓  api (no changes)"]);
    edit(&workshop, "memory = 512", "memory = 512\ncount = 2");
    let prepared = workshop.run("--sandbox deploy api --method prepare-change-set");
    assert_has(&prepared.stderr, &["api: change set created: arn:aws:cloudformation:"]);
    assert_eq!(workshop.json("--sandbox status")["running"], 1);
    assert_has(&workshop.run("--sandbox deploy api").stderr, &["✓  api updated in "]);
}

#[test]
fn a_diff_says_what_templates_do_not_show_and_leaves_no_change_set() {
    let workshop = deployed();
    workshop.run("--sandbox scale --count 2 --hotswap").good();
    edit(&workshop, "memory = 512", "memory = 512\ncount = 3");
    let diff = workshop.run("--sandbox diff --fail");
    assert_eq!(diff.code, Some(5), "{}", diff.stderr);
    assert_has(&diff.stderr, &["desired count is 2, but the template says 1"]);
    let calls = requests(&workshop);
    let count = |name: &str| calls.iter().filter(|call| call.ends_with(name)).count();
    assert_eq!(count(":CreateChangeSet"), count(":DeleteChangeSet") + count(":ExecuteChangeSet"), "{calls:?}");
    let before = calls.len();
    workshop.run("--sandbox diff --method template").good();
    assert!(!requests(&workshop)[before..].iter().any(|call| call.ends_with(":CreateChangeSet")));
}

#[test]
fn a_diff_with_a_file_asks_nobody() {
    let workshop = Workshop::of(&crate::common::read(&crate::common::data("synth/seed/ecsws.toml")));
    workshop.write("ecsws.lock", &crate::common::read(&crate::common::data("synth/seed/ecsws.lock")));
    workshop.write("old.json", &crate::common::read(&crate::common::data("synth/seed-count3/template.json")));
    let diff = workshop.run("diff --template old.json --fail --endpoint-url http://127.0.0.1:1").with(5);
    assert_has(&diff, &["DesiredCount", "[-] 3", "[+] 1"]);
}

#[test]
fn what_others_import_is_not_destroyed_and_what_needs_a_stack_goes_with_it() {
    let workshop = deployed();
    let text = workshop.text();
    let stack = text.find("[services.api]").expect("it is there");
    workshop.write("base/ecsws.toml", &text[..stack]);
    let refused = workshop.run("--sandbox -C base destroy --yes");
    assert_failed(&refused, &["stack base exports `ECSClusterName`, which api imports; nothing was changed"]);
    let destroyed = workshop.run("--sandbox destroy base");
    assert_has(&destroyed.stderr, &["keeps: AWS::Logs::LogGroup", "✓  api deleted in ", "✓  base deleted in "]);
    destroyed.good();
}

#[test]
fn a_deletion_that_fails_says_what_is_in_the_way() {
    let workshop = deployed();
    faults(&workshop, &resource_fails("delete", 1));
    assert_failed(
        &workshop.run("--sandbox destroy"),
        &["stack `api` is DELETE_FAILED", "No-capacity", "then repeat `ecsws --sandbox destroy`"],
    );
    let refused = workshop.run("--sandbox deploy");
    assert_failed(&refused, &["stack `api` is DELETE_FAILED", "(AWS::ECS::Service)"]);
    workshop.run("--sandbox destroy").good();
}

#[test]
fn what_needs_a_replacement_is_not_begun_without_rollback() {
    let workshop = api("");
    edit(&workshop, "stack = \"api\"", "stack = \"api\"\nname = \"api\"");
    workshop.run("--sandbox deploy").good();
    edit(&workshop, "\nname = \"api\"", "\nname = \"other\"");
    let refused = workshop.run("--sandbox deploy --no-rollback");
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert_has(refused.error(), &["would be replaced", "leave --no-rollback out"]);
    assert_has(&workshop.run("--sandbox deploy").stderr, &["✓  api updated in "]);
}

#[test]
fn a_deploy_that_is_killed_anywhere_is_carried_on_by_the_next() {
    let workshop = deployed();
    let text = workshop.text();
    // So many lines are read before it is killed: while it prepares, while CloudFormation works, while tasks start.
    for (count, lines) in [(2, 1), (3, 2), (1, 3), (2, 5), (3, 7)] {
        workshop.write("ecsws.toml", &text.replace("memory = 512", &format!("memory = 512\ncount = {count}")));
        let mut killed = workshop.follow("--sandbox deploy --output json");
        for _ in 0..lines {
            killed.line(|_| true);
        }
        drop(killed);
        let carried_on = workshop.run("--sandbox deploy");
        assert_eq!(carried_on.code, Some(0), "{}", carried_on.stderr);
        assert_eq!(workshop.json("--sandbox status")["running"], count);
        workshop.run("--sandbox diff --fail --method template").good();
    }
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

#[test]
fn a_service_that_takes_the_place_of_another_is_watched_like_a_new_one() {
    let workshop = api("");
    edit(&workshop, "stack = \"api\"", "stack = \"api\"\nname = \"api\"");
    workshop.run("--sandbox deploy").good();
    edit(&workshop, "\nname = \"api\"", "\nname = \"other\"");
    let failed = workshop.run("--sandbox deploy --image api=acme/broken:1");
    assert_failed(
        &failed,
        &["UPDATE_ROLLBACK_COMPLETE", "tasks of other stopped: Essential container", "│ no database"],
    );
}

#[test]
fn who_may_not_ask_ecs_is_told_so_and_follows_cloudformation_alone() {
    let workshop = deployed();
    edit(&workshop, "memory = 512", "memory = 512\ncount = 2");
    faults(&workshop, &denied("ecs:DescribeServices"));
    let deployed = workshop.run("--sandbox deploy");
    assert_has(&deployed.stderr, &[" is not watched: cannot describe service", "✓  api updated in "]);
    deployed.good();
    let diff = workshop.run("--sandbox diff");
    assert_has(&diff.stderr, &["what runs is not compared: cannot describe service"]);
    diff.good();
}

#[test]
fn diffs_that_run_at_the_same_time_leave_each_other_alone() {
    let workshop = deployed();
    edit(&workshop, "memory = 512", "memory = 512\ncount = 2");
    let diffs: Vec<_> = (0..3).map(|_| workshop.start("--sandbox diff --fail")).collect();
    for diff in diffs {
        assert_has(&crate::workshop::ended(diff).with(5), &["DesiredCount"]);
    }
    // Who may not make one compares templates, and says so.
    faults(&workshop, &denied("cloudformation:CreateChangeSet"));
    let diff = workshop.run("--sandbox diff --fail");
    assert_has(&diff.stderr, &["api is compared by template only: cannot create a change set"]);
    diff.with(5);
}

#[test]
fn what_cannot_be_executed_leaves_nothing_behind() {
    let workshop = api("");
    workshop.run("sandbox start").good();
    faults(&workshop, &denied("cloudformation:ExecuteChangeSet"));
    let refused = workshop.run("--sandbox deploy base");
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    faults(&workshop, &json!({}));
    assert_has(&workshop.run("--sandbox destroy").stderr, &["there is no stack base"]);
}

#[test]
fn an_answer_that_is_lost_and_a_service_that_fails_for_a_moment_do_not_end_a_deploy() {
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
        deployed.good();
    }
}

#[test]
fn a_log_group_that_goes_with_its_stack_is_named_before() {
    let workshop = api("[services.api.logs]\ngroup = \"/ecs/api\"\nremoval = \"destroy\"\n");
    workshop.run("--sandbox deploy").good();
    let destroyed = workshop.run("--sandbox destroy api");
    assert_has(&destroyed.stderr, &["deletes: log group /ecs/api with its events"]);
    assert!(!destroyed.stderr.contains("keeps:"), "{}", destroyed.stderr);
    destroyed.good();
    // Its name is free again.
    workshop.run("--sandbox deploy api").good();
}
