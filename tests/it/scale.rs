//! `ecsws scale`: the service has the new count afterwards, or the command fails; changes beyond scaling need approval.
#![cfg(unix)]

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use serde_json::json;

use crate::common::assert_has;
use crate::workshop::{Finished, Workshop};

const PROJECT: &str = r#"# a comment
[platform.stack]
name = "base"
stress_tool = false

[services.api]
stack  = "api"
name   = "api"
cpu    = 256
memory = 512
count  = 1  # for now

[services.api.container]
image = "acme/api:1"

[services.api.deployment]
circuit_breaker = true

[sandbox.images]
"acme/broken:1" = { command = ["sh", "-c", "exit 3"] }
"acme/sleeps:1" = { command = ["sleep", "1000"] }
"#;

fn deployed_from(text: &str) -> Workshop {
    let workshop = Workshop::with_spec(text);
    workshop.run("--sandbox deploy").success();
    workshop
}

fn deployed() -> Workshop {
    deployed_from(PROJECT)
}

/// The desired and the running count.
fn counts(workshop: &Workshop) -> (u64, u64) {
    let status = workshop.json("--sandbox status");
    let count = |name: &str| status[name].as_u64().expect("a number");
    (count("desired"), count("running"))
}

/// Runs a command that needs approval, without a terminal. Asserts that it is refused and that nothing has changed.
fn refused(workshop: &Workshop, arguments: &str, expected: &[&str]) -> Finished {
    let text = workshop.text();
    let changes = || {
        let log = workshop.run("sandbox logs").success();
        let changing = ["ExecuteChangeSet", "CreateStack", "UpdateStack", "DeleteStack", "UpdateService"];
        let count = |name: &str| log.matches(&format!(":{name}")).count();
        let is_undeleted = log.rfind(":DeleteChangeSet") < log.rfind(":CreateChangeSet");
        (changing.map(count), count("CreateChangeSet"), is_undeleted)
    };
    let (before, change_sets_before, _) = changes();
    let refused = workshop.run(arguments);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert_has(refused.error(), expected);
    assert_has(refused.error(), &["pass --yes"]);
    assert_eq!(workshop.text(), text);
    let (after, change_sets, is_undeleted) = changes();
    assert_eq!(after, before, "{}", refused.stderr);
    assert!(change_sets == change_sets_before || !is_undeleted, "the change set was not deleted");
    refused
}

#[test]
fn scale_compares_the_count_in_ecs_and_not_only_the_template() {
    let workshop = deployed();
    let hotswapped = workshop.run("--sandbox scale --count 3 --hotswap");
    let swapped = "api: desired count 1 → 3 (ECS only); the next deploy that changes this service resets it to ecsws.toml's count, 1\n";
    assert_has(&hotswapped.stderr, &[swapped]);
    hotswapped.success();
    assert_eq!((counts(&workshop), workshop.text().as_str()), ((3, 3), PROJECT));

    let written = std::fs::metadata(workshop.path("ecsws.toml")).expect("the file exists").mtime_nsec();
    let deploy = workshop.run("--sandbox deploy api");
    let drift = "api: desired count is 3, but the template says 1; the next deploy that changes the service resets it";
    assert_has(&deploy.stderr, &[drift]);
    assert_has(&workshop.run("--sandbox deploy api --output json").success(), &[drift]);
    let scaled = workshop.run("--sandbox scale --count 1");
    assert_has(
        &scaled.stderr,
        &["✓  api (no changes)", "api: desired count 3 → 1, set in ECS: the stack already had 1\n"],
    );
    assert!(!scaled.stderr.contains("ecsws.toml") && !scaled.stderr.contains("warning"), "{}", scaled.stderr);
    scaled.success();
    assert_eq!((counts(&workshop), workshop.text().as_str()), ((1, 1), PROJECT));
    assert_eq!(std::fs::metadata(workshop.path("ecsws.toml")).expect("the file exists").mtime_nsec(), written);
    assert!(!workshop.run("--sandbox deploy api").stderr.contains("desired count"));
    // Any other change of the service resets the count, although the templates do not show it.
    workshop.run("--sandbox scale --count 3 --hotswap").success();
    let deploy = workshop.run("--sandbox deploy api --image api=acme/sleeps:1");
    assert_has(&deploy.stderr, &["warning: api: desired count is 3, and this deploy resets it to 1\n"]);
    assert_eq!(counts(&workshop), (1, 1));
    workshop.run("--sandbox deploy api").success();

    // The count in the file differs from that of the stack and the service.
    workshop.edit("count  = 1", "count  = 4");
    let scaled = workshop.run("--sandbox scale --count 1");
    assert_has(&scaled.stderr, &["ecsws.toml: services.api.count 4 → 1\n", "✓  api (no changes)"]);
    assert_eq!((scaled.code, workshop.text().as_str()), (Some(0), PROJECT));
    // All three differ.
    workshop.run("--sandbox scale --count 3 --hotswap").success();
    let scaled = workshop.run("--sandbox scale --count 2");
    assert_has(&scaled.stderr, &["ecsws.toml: services.api.count 1 → 2\n", "✓  api updated in "]);
    assert_eq!((scaled.code, counts(&workshop)), (Some(0), (2, 2)));
}

#[test]
fn a_changed_image_is_listed_and_needs_approval() {
    let workshop = deployed();
    workshop.run("--sandbox deploy api --image api=acme/sleeps:1").success();
    let refused_image = refused(
        &workshop,
        "--sandbox scale --count 2",
        &[
            "More than the scaling of `api` would change in stack api:\n  TaskDef (AWS::ECS::TaskDefinition): ContainerDefinitions\n",
        ],
    );
    assert_has(&refused_image.stderr, &["acme/sleeps:1", "acme/api:1"]);
    assert_eq!(counts(&workshop), (1, 1));
    // An edited but undeployed count is a change to scaling only.
    workshop.run("--sandbox deploy api").success();
    workshop.edit("count  = 1", "count  = 3");
    workshop.run("--sandbox scale --count 2").success();
    assert_eq!(counts(&workshop), (2, 2));
    // Other edits need approval, which --yes gives.
    workshop.edit("[sandbox.images]", "[tags]\nteam = \"web\"\n\n[sandbox.images]");
    let text = workshop.text();
    let tags = "would change in stack api:\n  Tag team\n  Deploy all of it?";
    refused(&workshop, "--sandbox scale --min 1 --max 4 --cpu 50", &[tags]);
    workshop.run("--sandbox --yes scale --count 1").success();
    assert_eq!((counts(&workshop), workshop.text()), ((1, 1), text.replace("count  = 2", "count  = 1")));
    workshop.run("--sandbox scale --count 2").success();
}

#[test]
fn creating_the_stack_needs_approval() {
    let workshop = Workshop::with_spec(PROJECT);
    workshop.run("--sandbox deploy base").success();
    let question = "Stack api does not exist yet: scaling `api` would create all of it.";
    refused(&workshop, "--sandbox scale --count 2", &[question]);
    // Replacing a failed creation needs approval, too.
    let failed = workshop.run("--sandbox deploy api --image api=acme/broken:1");
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    refused(&workshop, "--sandbox scale --count 2", &[question]);
    workshop.run("--sandbox --yes scale --count 2").success();
    assert_eq!((counts(&workshop), workshop.text()), ((2, 2), PROJECT.replace("count  = 1", "count  = 2")));
}

#[test]
fn a_rolled_back_update_keeps_the_new_count_in_the_file_and_warns() {
    let workshop = deployed();
    let fails = json!({ "resources": [{ "resource": "AWS::ECS::Service", "on": "update", "reason": "no-capacity", "times": 1 }] });
    workshop.run(&format!("sandbox faults {fails}")).success();
    let failed = workshop.run("--sandbox scale --count 2");
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    assert_has(
        &failed.stderr,
        &[
            "ecsws.toml: services.api.count 1 → 2\n",
            "warning: ecsws.toml has the new numbers (services.api.count 1 → 2); stack api does not have them: it is UPDATE_ROLLBACK_COMPLETE\n",
        ],
    );
    assert_eq!(workshop.text(), PROJECT.replace("count  = 1", "count  = 2"));
    assert_eq!(counts(&workshop), (1, 1));
    // A failure before the approval does not change the file.
    let fails = json!({ "operations": [{ "operation": "cloudformation:CreateChangeSet", "effect": "fail", "code": "AccessDenied", "message": "no", "status": 403, "times": 1 }] });
    workshop.run(&format!("sandbox faults {fails}")).success();
    let text = workshop.text();
    let refused = workshop.run("--sandbox scale --count 3");
    assert_eq!((refused.code, workshop.text()), (Some(3), text), "{}", refused.stderr);
    assert!(!refused.stderr.contains("ecsws.toml"), "{}", refused.stderr);
}

#[test]
fn autoscaling_is_set_or_the_command_fails() {
    let workshop = deployed();
    let scaled = workshop.run("--sandbox scale --min 1 --max 4 --cpu 50");
    assert_has(
        &scaled.stderr,
        &[
            "ecsws.toml: services.api.count = 1 removed, with its comment `# for now`\n",
            "ecsws.toml: services.api.autoscaling.max = 4 added\n",
        ],
    );
    scaled.success();
    let outside = workshop.run("scale --count 5 --region us-east-1");
    assert_eq!(outside.code, Some(2), "{}", outside.stderr);
    assert_has(
        outside.error(),
        &["count 5 is outside the autoscaling range of `api`, 1 to 4", "scale --max 5` changes the limit"],
    );
    // The registered scalable target cannot be read.
    let text = workshop.text();
    let denied = json!({ "operations": [{ "operation": "application-autoscaling:DescribeScalableTargets", "effect": "fail", "code": "AccessDeniedException", "message": "no", "status": 400, "times": 1 }] });
    workshop.run(&format!("sandbox faults {denied}")).success();
    let unread = workshop.run("--sandbox scale --max 4");
    assert_has(&unread.stderr, &["cannot compare the running autoscaling with the template: "]);
    assert_eq!((unread.code, workshop.text()), (Some(0), text));
    let hotswapped = workshop.run("--sandbox scale --count 2 --hotswap");
    assert_has(
        &hotswapped.stderr,
        &[
            "api: desired count 1 → 2 (ECS only)\n",
            "autoscaling keeps api between 1 and 4 tasks and may change the count from 2",
        ],
    );
}

#[test]
fn a_hotswap_that_times_out_does_not_offer_to_cancel() {
    // An image whose tasks fail to start once its program is removed.
    let workshop = Workshop::with_spec(PROJECT);
    let program = workshop.path("program");
    workshop.write("program", "#!/bin/sh\nexec sleep 1000\n");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let image = format!("\"acme/api:1\" = {{ command = [\"{}\"] }}\n", program.display());
    workshop.write("ecsws.toml", &format!("{PROJECT}{image}"));
    workshop.run("--sandbox deploy").success();
    std::fs::remove_file(&program).expect("the file exists");
    let late = workshop.run("--sandbox scale --count 2 --hotswap --timeout 5s");
    assert_eq!(late.code, Some(4), "{}", late.stderr);
    let hint = "  this will not recover by itself: ECS keeps starting tasks, and Ctrl-C only stops waiting\n";
    assert_has(&late.stderr, &["api: desired count 1 → 2 (ECS only)", hint, "service `api` is not steady after 5s"]);
    assert!(!late.stderr.contains("cancel"), "{}", late.stderr);
    // Without waiting, the command succeeds.
    let unwatched = workshop.run("--sandbox scale --count 0 --hotswap --no-wait-services --yes");
    assert_has(&unwatched.stderr, &["api: desired count 2 → 0 (ECS only)"]);
    unwatched.success();
}

#[test]
fn invalid_numbers_are_reported_with_the_accepted_range() {
    let workshop = Workshop::with_spec(PROJECT);
    for (flag, number, range) in [
        ("--count", "x", "0 to 5000, or a difference such as +1 or -2"),
        ("--count", "1.5", "0 to 5000, or a difference such as +1 or -2"),
        ("--min", "-1", "0 to 5000"),
        ("--max", "5001", "0 to 5000"),
        ("--cpu", "0", "1 to 100"),
        ("--memory", "5e1", "1 to 100"),
    ] {
        let wrong = workshop.run(&format!("scale {flag} {number}"));
        assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
        assert_has(
            wrong.error(),
            &[&format!("invalid value '{number}' for '{flag} <"), &format!(": expected a whole number, {range}\n")],
        );
    }
    assert_eq!(workshop.text(), PROJECT);
}

#[test]
fn a_difference_is_added_to_the_running_count_and_zero_has_to_be_confirmed() {
    let workshop = deployed();
    workshop.run("--sandbox scale --count +2").success();
    assert_eq!(counts(&workshop), (3, 3));
    assert!(workshop.text().contains("count  = 3"), "{}", workshop.text());
    workshop.run("--sandbox scale --count -1").success();
    assert_eq!(counts(&workshop), (2, 2));
    let too_few = workshop.run("--sandbox scale --count -3");
    assert!(too_few.stderr.contains("2 -3 is not a possible number"), "{}", too_few.stderr);
    too_few.exit_code(2);
    let unconfirmed = workshop.run("--sandbox scale --count 0");
    assert!(unconfirmed.stderr.contains("All tasks of `api` will stop"), "{}", unconfirmed.stderr);
    unconfirmed.exit_code(2);
    assert_eq!(counts(&workshop), (2, 2));
    workshop.run("--sandbox scale --count 0 --yes").success();
    assert_eq!(counts(&workshop), (0, 0));
}
