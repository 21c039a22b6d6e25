//! Custom names and exports that are in use are rejected by deploy, and noted by diff, before anything changes.
#![cfg(unix)]

use serde_json::{Value, json};

use crate::common::assert_has;
use crate::workshop::{Finished, SMALL_PROJECT, Workshop};

/// The small project with more members of its service.
fn project(more: &str) -> String {
    SMALL_PROJECT.replace("memory = 512\n", &format!("memory = 512\n{more}\n"))
}

/// The project without its platform stack, in whose VPC the service runs.
fn without_platform(text: &str) -> String {
    let service = text.find("[services.api]").expect("the project has the service");
    "[platform]\nvpc = \"base/BaseVPC\"\n\n".to_owned() + &text[service..]
}

/// Asserts that deploy is rejected with an error that contains `parts`, that diff notes the first of them, and that neither changes
/// anything.
fn assert_rejected(workshop: &Workshop, flags: &str, parts: &[&str]) -> Finished {
    let before = log_lines(workshop);
    let diff = workshop.run(&format!("--sandbox {flags} diff --fail"));
    assert_eq!(diff.code, Some(5), "{}", diff.stderr);
    assert_has(&diff.stderr, &[&format!("deploy rejects this: {}", parts[0])]);
    let deploy = workshop.run(&format!("--sandbox {flags} deploy"));
    assert_eq!(deploy.code, Some(1), "{}", deploy.stderr);
    assert_has(deploy.error(), parts);
    let requests = log_lines(workshop).split_off(before.len());
    let count = |operation: &str| requests.iter().filter(|one| one.contains(operation)).count();
    assert_eq!(count(":ExecuteChangeSet") + count(":DeleteStack"), 0, "{requests:#?}");
    assert!(count(":CreateChangeSet") <= count(":DeleteChangeSet"), "{requests:#?}");
    deploy
}

/// The sandbox's log of requests.
fn log_lines(workshop: &Workshop) -> Vec<String> {
    workshop.run("sandbox logs").success().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn a_rejected_deploy_marks_no_stack_as_failed() {
    let workshop = Workshop::with_spec(
        r#"
[platform.stack]
name = "base"
stress_tool = false

[services.api]
stack = "api"
cpu = 256
memory = 512
container = { image = "acme/api:1", secrets = { A = "ssm:/no/such" } }
"#,
    );
    let rejected = workshop.run("--sandbox deploy");
    assert_eq!(rejected.code, Some(1), "{}", rejected.stderr);
    assert_has(
        &rejected.stderr,
        &["  - base  not changed\n", "  - api   not changed\n", "there is no parameter `/no/such`"],
    );
    assert!(!rejected.stderr.contains("failed"), "{}", rejected.stderr);
}

#[test]
fn a_log_group_that_destroy_retained_is_found_before_the_next_creation() {
    let workshop = Workshop::with_spec(&project("logs = { group = \"/ecs/api\" }\n"));
    workshop.run("--sandbox deploy").success();
    // While the stack exists, the log group is its own.
    workshop.edit("memory = 512", "memory = 512\ncount = 2");
    workshop.run("--sandbox deploy").success();
    workshop.run("--sandbox destroy api").success();
    let error = "api: log group `/ecs/api` cannot be created, because it already exists";
    let hint =
        "aws logs delete-log-group --log-group-name /ecs/api`), change `group` in [services.api.logs], or leave it out";
    assert_rejected(&workshop, "", &[error, hint]);
    // The suggested command must not call AWS.
    assert_has(&workshop.run("--sandbox deploy").stderr, &["`eval \"$(ecsws sandbox env)\" && aws logs"]);
    workshop.edit("/ecs/api", "/ecs/api2");
    workshop.run("--sandbox deploy").success();
}

#[test]
fn a_log_group_that_a_failed_creation_retained_is_found_before_the_next_creation() {
    let workshop = Workshop::with_spec(&project("logs = { group = \"/ecs/api\" }\n"));
    workshop.run("--sandbox deploy base").success();
    let fault = json!({ "resources": [{ "resource": "AWS::ECS::Service", "on": "create", "reason": "No-capacity", "times": 1 }] });
    workshop.run(&format!("sandbox faults {fault}")).success();
    assert_eq!(workshop.run("--sandbox deploy").code, Some(1));
    let error = "api: log group `/ecs/api` cannot be created, because it already exists";
    assert_rejected(&workshop, "", &[error]);
    workshop.edit("/ecs/api", "/ecs/api2");
    workshop.run("--sandbox deploy").success();
}

#[test]
fn a_second_platform_with_the_same_exports_is_rejected_before_it_is_created() {
    let workshop = Workshop::with_spec(&project("name = \"api\"\ndiscovery = \"api\"\n"));
    workshop.run("--sandbox deploy").success();
    let second = workshop.text().replace("\"base\"", "\"second\"").replace("\"api\"", "\"other\"");
    workshop.write("second/ecsws.toml", &second.replace("stress_tool", "cluster_name = \"second\"\nstress_tool"));
    let exports = "second: stack base already exports NSARN, NSNAME, NSID, SecGrpId, ECSClusterName, ECSSecGrpList, ServicesSecGrp";
    let hint = "to run on what base exports, remove [platform.stack] and set vpc = \"base/BaseVPC\" in [platform]";
    let rejected = assert_rejected(&workshop, "-C second", &[exports, hint]);
    assert!(!rejected.stderr.contains("other:"), "{}", rejected.stderr);
    assert_has(
        &workshop.run("--sandbox -C second destroy").stderr,
        &["there is no stack second", "there is no stack other"],
    );
    // With the same cluster name, too.
    workshop.write("second/ecsws.toml", &second);
    assert_rejected(
        &workshop,
        "-C second",
        &["second: cluster `container-demo` cannot be created, because it already exists in stack base", exports],
    );
}

#[test]
fn all_names_that_another_stack_uses_are_reported_together() {
    let workshop =
        Workshop::with_spec(&project("name = \"api\"\ndiscovery = \"api\"\nlogs = { group = \"/ecs/api\" }\n"));
    workshop.run("--sandbox deploy").success();
    let other = without_platform(&workshop.text()).replace("stack = \"api\"", "stack = \"other\"");
    workshop.write("other/ecsws.toml", &other);
    let names = ["service `api`", "Cloud Map service `api`", "log group `/ecs/api`"];
    let errors = names.map(|name| format!("other: {name} cannot be created, because it already exists in stack api"));
    let mut parts: Vec<&str> = errors.iter().map(String::as_str).collect();
    parts.push("hint: change the service's `name`, or leave it out");
    assert_rejected(&workshop, "-C other", &parts);
    workshop.write("other/ecsws.toml", &other.replace("\"api\"", "\"other\"").replace("/ecs/api", "/ecs/other"));
    workshop.run("--sandbox -C other deploy").success();
    // A new name of a deployed service is checked, too.
    workshop.edit("name = \"api\"", "name = \"other\"");
    assert_rejected(
        &workshop,
        "",
        &["api: service `other` cannot be created, because it already exists in stack other"],
    );
}

#[test]
fn a_name_that_moves_to_another_construct_is_rejected() {
    let workshop = Workshop::with_spec(&project("name = \"api\"\nlogs = { id = \"Logs\", group = \"/ecs/api\" }\n"));
    workshop.run("--sandbox deploy").success();
    workshop.edit("name = \"api\"", "name = \"api\"\nid = \"Other\"");
    workshop.edit("id = \"Logs\"", "id = \"OtherLogs\"");
    assert_rejected(
        &workshop,
        "",
        &[
            "api: log group `/ecs/api` cannot be created as OtherLogs",
            "api: service `api` cannot be created as OtherService",
            "hint: keep the construct id that ApiFargateService",
        ],
    );
    workshop.edit("name = \"api\"", "name = \"api2\"");
    workshop.edit("/ecs/api", "/ecs/api2");
    workshop.run("--sandbox deploy").success();
}

#[test]
fn changing_an_export_that_is_imported_is_rejected() {
    let workshop = Workshop::with_spec(&project(""));
    workshop.run("--sandbox deploy").success();
    workshop.edit("stress_tool", "cluster_name = \"other\"\nstress_tool");
    let error = "base: the value of export `ECSClusterName` cannot change, because api imports it";
    assert_rejected(&workshop, "", &[error]);
    workshop.run("--sandbox destroy api").success();
    workshop.run("--sandbox deploy").success();
}

#[test]
fn a_check_without_permission_is_only_noted() {
    let workshop = Workshop::with_spec(&project("logs = { group = \"/ecs/api\" }\n"));
    workshop.run("--sandbox deploy base").success();
    let fault = json!({ "operations": [{ "operation": "logs:DescribeLogGroups", "effect": "fail", "code": "AccessDeniedException", "message": "denied", "status": 400 }] });
    workshop.run(&format!("sandbox faults {fault}")).success();
    let deploy = workshop.run("--sandbox deploy");
    assert_has(&deploy.stderr, &["not checked: cannot look for log group `/ecs/api`: denied (AccessDeniedException)"]);
    assert_eq!(deploy.stderr.matches("not checked").count(), 1, "{}", deploy.stderr);
    deploy.success();
}

#[test]
fn checks_can_be_skipped() {
    let workshop = Workshop::with_spec(&project("logs = { group = \"/ecs/api\" }\n"));
    workshop.run("--sandbox deploy").success();
    workshop.run("--sandbox destroy api").success();
    let failed = workshop.run("--sandbox deploy --no-preflight --output json");
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    let is_failure =
        |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|event| event["status"] == "CREATE_FAILED");
    assert!(failed.stdout.lines().any(is_failure), "{}", failed.stdout);
}
