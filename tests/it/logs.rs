//! `logs` against the sandbox: sources, selection and output.
#![cfg(unix)]

use serde_json::Value;

use crate::workshop::{SMALL_PROJECT, Workshop, wait};

/// A second service.
const WEB: &str = r#"
[services.web]
stack = "web"
cpu = 256
memory = 512

[services.web.container]
image = "acme/web:1"
"#;

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// The project, once both services have printed that they listen.
fn deployed() -> Workshop {
    let workshop = Workshop::with_spec(&(SMALL_PROJECT.to_owned() + WEB));
    workshop.run("--sandbox deploy").success();
    for service in ["api", "web"] {
        let mut logs = workshop.follow(&format!("--sandbox logs {service} --watch"));
        logs.wait_for_line(|line| line.contains("listening on port"));
        logs.interrupt();
    }
    workshop
}

#[test]
fn events_of_all_services_are_merged_and_selected() {
    let workshop = deployed();
    let all = workshop.run("--sandbox logs").success();
    assert!(lines(&all).len() >= 4, "{all}");
    assert!(lines(&all).is_sorted_by_key(|line| line.split(' ').next()), "{all}");
    for service in ["api", "web"] {
        assert!(lines(&all).iter().any(|line| line.split(' ').nth(1) == Some(service)), "{all}");
    }
    let last = workshop.run("--sandbox logs -n 1").success();
    assert_eq!(lines(&last), lines(&all)[lines(&all).len() - 1..]);
    let listening = workshop.run("--sandbox logs api --raw --grep listening").success();
    assert!(listening.starts_with("listening on port ") && lines(&listening).len() == 1, "{listening}");
    let others = workshop.run("--sandbox logs api --no-timestamp -S --exclude listening").success();
    assert!(others.starts_with("mock backend for acme/api:1") && !others.contains("listening"), "{others}");
    assert_eq!(workshop.run("--sandbox logs --start 1w --filter listening -n 100").success().lines().count(), 2);
    let stderr = workshop.run("--sandbox logs --grep no-such").stderr;
    assert!(stderr.contains("no matching events since"), "{stderr}");
    let stderr = workshop.run("--sandbox logs api --container no-such").stderr;
    assert!(stderr.contains("has no container `no-such` with logs; it has "), "{stderr}");
}

#[test]
fn a_group_is_read_without_a_project() {
    let workshop = deployed();
    let groups: Value =
        serde_json::from_str(&workshop.run("--sandbox logs groups --output json").success()).expect("JSON");
    let group = groups["groups"][0]["name"].as_str().expect("a group");
    let outside = tempfile::tempdir().expect("a folder");
    let read = |arguments: &[&str]| {
        let mut command = workshop.command("--sandbox");
        let output = command.current_dir(outside.path()).args(arguments).output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let events = read(&["logs", "--group", group, "--output", "json"]);
    let event: Value = serde_json::from_str(lines(&events)[0]).expect("JSON");
    let (timestamp, ingestion_time) = (event["timestamp"].as_str(), event["ingestion_time"].as_str());
    assert!(timestamp.is_some() && timestamp <= ingestion_time, "{event}");
    let task = event["stream"].as_str().and_then(|stream| stream.rsplit('/').next()).expect("a task");
    assert_eq!(read(&["logs", "--group", group, "--task", &task[..8], "--output", "json"]), events);
    assert_eq!(read(&["logs", "--group", group, "--task", "ffff-no-such"]), "");
    assert!(read(&["logs", "streams", "--group", group, "--stream", task]).contains(task));
    assert_eq!(read(&["logs", "groups", "-p", "no-such"]), "");
}

#[test]
fn the_last_tasks_that_stopped_are_shown_with_their_cause_and_lines() {
    let workshop = deployed();
    let stderr = workshop.run("--sandbox logs web --previous").stderr;
    assert!(stderr.contains("no task of service `web` has stopped within the last hour"), "{stderr}");
    workshop.run("--sandbox scale api --count 2 --yes").success();
    workshop.run("--sandbox scale api --count 1 --yes").success();
    let mut previous = String::new();
    while !previous.contains("listening") {
        previous = workshop.run("--sandbox logs api --previous").success();
    }
    let title = lines(&previous)[0];
    assert!(title.starts_with("task ") && title.contains(" of api stopped at "), "{previous}");
    assert!(title.contains("Scaling activity initiated by") && title.contains("exit code 0"), "{previous}");
    let task = title.split(' ').nth(1).expect("an id");
    assert!(lines(&previous)[1..].iter().all(|line| line.contains(&task[..8])), "{previous}");
    let json = workshop.run(&format!("--sandbox logs api --previous --task {task} -n 1 --output json")).success();
    let json: Vec<Value> = lines(&json).iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((json.len(), &json[0]["event"], &json[1]["event"]), (2, &"stopped_task".into(), &"log".into()));
    assert_eq!((&json[0]["task"]["id"], &json[0]["task"]["containers"][0]["exit_code"]), (&task.into(), &0.into()));
}

#[test]
fn a_watch_ends_with_the_deployment_or_the_task() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    // The service is deployed later.
    let stable = workshop.start("--sandbox logs api --until-stable");
    workshop.run("--sandbox deploy").success();
    let stable = wait(stable);
    assert!(stable.stderr.contains("the deployment of service `api` is complete"), "{}", stable.stderr);
    assert!(stable.success().contains("listening on port"));
    let status: Value = serde_json::from_str(&workshop.run("--sandbox status --output json").success()).expect("JSON");
    let task = status["tasks"][0]["id"].as_str().expect("a task");
    let stopped = workshop.start(&format!("--sandbox logs api --live --until-stopped --task {}", &task[..8]));
    workshop.run("--sandbox scale --count 0 --yes").success();
    let stopped = wait(stopped);
    assert!(stopped.stderr.contains(&format!("task {task} of `api` stopped: ")), "{}", stopped.stderr);
    stopped.success();
}

#[test]
fn a_wrong_query_is_a_usage_error() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    for (query, cause) in [("lenght(x)", "undefined function lenght in `lenght()`"), ("x==", "Parse error")] {
        let finished = workshop.run(&format!("--sandbox logs --query {query}"));
        assert!(finished.stderr.contains(cause), "{}", finished.stderr);
        finished.exit_code(2);
    }
}

#[test]
fn a_watch_of_the_last_events_prints_events_that_arrive_late() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    workshop.run("--sandbox deploy").success();
    let faults = r#"{"logs":[{"group":"*","seconds":12,"times":1}]}"#;
    assert_eq!(wait(workshop.start_with(&["sandbox", "faults", faults])).code, Some(0));
    // The events of this task arrive after those of the next one.
    workshop.run("--sandbox scale --count 2").success();
    workshop.run("--sandbox scale --count 3").success();
    let mut logs = workshop.follow("--sandbox logs -n 2 --watch");
    let last = logs.wait_for_line(|line| line.contains("listening"));
    let late = logs.wait_for_line(|line| line.contains("listening"));
    assert!(late.contains("(late)") && late.split(' ').next() < last.split(' ').next(), "{late} after {last}");
    assert_eq!(logs.interrupt(), Some(130));
}
