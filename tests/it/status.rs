//! `status` and `restart`.
#![cfg(unix)]

use serde_json::Value;

use crate::workshop::{SMALL_PROJECT, Workshop};

/// A second service, whose tasks end at once.
const BROKEN: &str = r#"
[services.broken]
stack = "broken"
cpu = 256
memory = 512

[services.broken.container]
image = "acme/broken:1"

[sandbox.images]
"acme/broken:1" = { command = ["sh", "-c", "echo no database >&2; exit 3"] }
"#;

#[test]
fn an_overview_has_a_summary_for_each_service() {
    let workshop = Workshop::with_spec(&(SMALL_PROJECT.to_owned() + BROKEN));
    workshop.run("--sandbox deploy base api").success();
    let overview = workshop.run("--sandbox status").success();
    let lines: Vec<Vec<&str>> = overview.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines,
        [vec!["SERVICE", "RUNNING", "STATE"], vec!["api", "1/1", "steady"], vec!["broken", "0/0", "not", "deployed"]]
    );
    workshop.run("--sandbox status --check").exit_code(5);
    workshop.run("--sandbox status api --check").success();
    let json = workshop.json("--sandbox status");
    assert_eq!(json["services"][1]["summary"]["phase"], "missing");
    let list = workshop.run("--sandbox ls").success();
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((&lines[1][..2], &lines[2][..2]), (&["base", "CREATE_COMPLETE"][..], &["api", "CREATE_COMPLETE"][..]));
    assert_eq!((&lines[2][3..], &lines[3][..]), (&["1/1", "api:", "steady"][..], &["broken", "not", "deployed"][..]));
    assert_eq!(workshop.json("--sandbox ls")["stacks"][1]["service"]["running"], 1);
}

#[test]
fn a_crash_loop_is_shown_with_its_cause_and_lines() {
    let workshop = Workshop::with_spec(&(SMALL_PROJECT.to_owned() + BROKEN));
    workshop.run("--sandbox deploy base").success();
    let _deploy = workshop.follow("--sandbox deploy broken");
    let mut json = Value::Null;
    while json["summary"]["phase"] != "failing" || json["stopped"][0]["lines"][0].is_null() {
        let status = workshop.run("--sandbox status broken --output json");
        json = serde_json::from_str(&status.stdout).unwrap_or_default();
    }
    let stopped = &json["stopped"][0];
    assert_eq!((&stopped["exit_code"], &stopped["lines"][0]), (&3.into(), &"no database".into()));
    let summary = json["summary"]["text"].as_str().expect("a text");
    assert!(summary.starts_with("failing: exit code 3, "), "{summary}");
    let text = workshop.run("--sandbox status broken --check").exit_code(5);
    assert!(text.contains("exit code 3") && text.contains("no database"), "{text}");
}

#[test]
fn a_restart_replaces_the_tasks() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    workshop.run("--sandbox deploy").success();
    let tasks = |status: Value| status["tasks"][0]["id"].as_str().expect("a task").to_owned();
    let before = tasks(workshop.wait_until_steady(1));
    let events = workshop.run("--sandbox restart --output json").success();
    assert!(events.lines().last().is_some_and(|line| line.contains(r#""event":"done""#)), "{events}");
    assert_ne!(tasks(workshop.wait_until_steady(1)), before);
}

#[test]
fn activities_of_autoscaling_are_shown() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    workshop.run("--sandbox deploy").success();
    workshop.run("--sandbox scale --min 2 --max 4 --cpu 50 --yes").success();
    workshop.wait_until_steady(2);
    let scaling = &workshop.json("--sandbox status")["scaling"];
    assert_eq!(
        (&scaling["suspended"], &scaling["activities"][0]["status"]),
        (&Value::Array(vec![]), &"Successful".into())
    );
    assert_eq!(scaling["activities"][0]["description"], "Setting desired count to 2.");
    let text = workshop.run("--sandbox status").success();
    assert!(text.contains("2 to 4 tasks, ECSServiceAverageCPUUtilization at 50"), "{text}");
    assert!(text.contains("Setting desired count to 2. minimum capacity was set to 2"), "{text}");
}
