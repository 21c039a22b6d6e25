//! The workshop from end to end, with the binary: from an empty sandbox to a running, logged and scaled service and back.
#![cfg(unix)]

use std::io::{ErrorKind, Read as _};
use std::net::TcpListener;

use insta::{assert_snapshot, with_settings};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::common::assert_has;
use crate::workshop::{Finished, Workshop, connect, get, wait};
#[cfg(target_os = "linux")]
use crate::workshop::{descendants, is_alive, wait_until};

/// The URL of the service.
fn address(workshop: &Workshop) -> String {
    workshop.json("--sandbox status")["url"].as_str().expect("the service has a URL").to_owned()
}

#[test]
fn the_workshop_runs_from_an_empty_sandbox_to_its_end() {
    let workshop = Workshop::new();
    synth_does_not_wait_for_the_platform(&workshop);
    deploy_creates_all_resources(&workshop);
    deploying_again_changes_nothing(&workshop);
    a_request_is_in_the_logs(&workshop);
    scale_edits_the_count_and_starts_tasks(&workshop);
    diff_fails_only_after_an_edit(&workshop);
    killing_the_sandbox_ends_its_tasks_and_the_next_command_restarts_it(&workshop);
    destroy_deletes_everything_once(&workshop);
    assert!(!workshop.path("ecsws.lock").exists(), "look-ups of the sandbox were pinned");
}

fn synth_does_not_wait_for_the_platform(workshop: &Workshop) {
    assert_has(&workshop.run("--sandbox synth ecsworkshop-nodejs").success(), &["known after ecsworkshop-base"]);
}

fn deploy_creates_all_resources(workshop: &Workshop) {
    let deployed = workshop.run("--sandbox deploy");
    assert_has(
        &deployed.stderr,
        &[
            "→ the sandbox on this machine, us-east-1\n",
            "ecsworkshop-base: creating …\n",
            "| CREATE_COMPLETE      | AWS::EC2::VPC                  | BaseVPC (BaseVPCD45965B8)\n",
            "✓  ecsworkshop-base created in ",
            "ecsworkshop-nodejs: creating …\n",
            "| CREATE_COMPLETE      | AWS::ECS::Service              | NodejsFargateService/Service (NodejsFargateService948C9DA8)\n",
            "✓  ecsworkshop-nodejs created in ",
        ],
    );
    let filters = vec![
        (r"127\.0\.0\.1:\d+", "LOCAL"),
        (r"\S+/ecsws ", "ecsws "),
        (r"= 10\.0\.0\.\d+", "= 10.0.0.N"),
        (r"\b(vpc|subnet|sg|ns|i)-[0-9a-z]+", "$1-ID"),
    ];
    with_settings!({ filters => filters }, { assert_snapshot!(deployed.success()) });
    assert!(get(&address(workshop), "/nodejs").starts_with("HTTP/1.1 200 OK\r\n"));
}

fn deploying_again_changes_nothing(workshop: &Workshop) {
    let Finished { code, stderr, .. } = workshop.run("--sandbox deploy");
    assert_eq!(code, Some(0), "{stderr}");
    assert_has(&stderr, &["✓  ecsworkshop-base (no changes)\n", "✓  ecsworkshop-nodejs (no changes)\n"]);
    assert!(!stderr.contains("_COMPLETE"), "{stderr}");
}

fn a_request_is_in_the_logs(workshop: &Workshop) {
    get(&address(workshop), "/nodejs/api?of=the-story");
    let is_request = |line: &str| line.contains("\"GET /nodejs/api?of=the-story HTTP/1.1\" 200 ");
    let mut logs = workshop.follow("--sandbox logs --watch");
    let line = logs.wait_for_line(is_request);
    assert!(line.ends_with("\"story/1\""), "Apache's combined form ends with the user agent: {line}");
    assert_eq!(logs.interrupt(), Some(130));

    assert!(workshop.run("--sandbox logs").success().lines().any(is_request));
    let events = workshop.run("--sandbox logs --output json").success();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let event = events.iter().find(|event| is_request(event["message"].as_str().expect("text")));
    let event = event.expect("the request is an event");
    let stream = event["stream"].as_str().expect("text");
    assert!(stream.starts_with("ecsworkshop-nodejs/NodeServiceContainerDef/"), "{stream}");
}

fn scale_edits_the_count_and_starts_tasks(workshop: &Workshop) {
    let before = workshop.text();
    workshop.run("--sandbox scale --count 3").success();
    let (one, three) = (
        "count         = 1
",
        "count         = 3
",
    );
    assert_eq!(workshop.text(), before.replace(one, three));
    let status = workshop.json("--sandbox status");
    assert_eq!((&status["schema"], &status["steady"], &status["running"]), (&1.into(), &true.into(), &3.into()));
    assert_eq!(status["tasks"].as_array().map(Vec::len), Some(3));
    workshop.run("--sandbox status --check").success();
}

fn diff_fails_only_after_an_edit(workshop: &Workshop) {
    workshop.run("--sandbox diff --fail").success();
    let text = workshop.text();
    workshop.write("ecsws.toml", &text.replace("count         = 3", "count         = 2"));
    let shown = workshop.run("--sandbox diff --fail").exit_code(5);
    assert_has(&shown, &["AWS::ECS::Service", "DesiredCount", "[-] 3", "[+] 2"]);
    workshop.write("ecsws.toml", &text);
}

fn killing_the_sandbox_ends_its_tasks_and_the_next_command_restarts_it(workshop: &Workshop) {
    let status = workshop.json("--sandbox status");
    let instances = status["discovery"][0]["instances"].as_array().expect("a list");
    let ports = instances.iter().map(|instance| instance["port"].as_str().expect("a port"));
    let tasks: Vec<String> = ports.map(|port| format!("http://127.0.0.1:{port}")).collect();
    assert_eq!(tasks.len(), 3);
    // A connection ends with its process, so the test can wait for that.
    let connections: Vec<_> = tasks.iter().map(|task| connect(task).expect("the task listens")).collect();
    let sandbox = workshop.sandbox_pid();
    #[cfg(target_os = "linux")]
    let processes = descendants(sandbox);

    let mut watching = workshop.follow("--sandbox status --watch");
    watching.wait_for_line(|_| true);
    kill(Pid::from_raw(sandbox), Signal::SIGKILL).expect("the sandbox runs");
    for mut connection in connections {
        let ended = connection.read(&mut [0]);
        assert!(
            matches!(&ended, Ok(0)) || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset),
            "the task still responds"
        );
    }
    #[cfg(target_os = "linux")]
    {
        assert!(processes.len() >= 6, "three shims and three tasks: {processes:?}");
        wait_until(|| !processes.iter().any(|pid| is_alive(*pid)));
    }
    assert!(tasks.iter().all(|task| connect(task).is_err()), "a task still listens");

    workshop.run("--sandbox status").success();
    let status = workshop.wait_until_steady(3);
    assert_eq!(status["desired"], 3);
    assert_ne!(workshop.sandbox_pid(), sandbox);
    assert_eq!(watching.interrupt(), Some(130), "the watch ended when the sandbox did");
    let url = status["url"].as_str().expect("the service has a URL");
    assert!(get(url, "/nodejs").starts_with("HTTP/1.1 200 OK\r\n"));
}

fn destroy_deletes_everything_once(workshop: &Workshop) {
    let url = address(workshop);
    let destroyed = workshop.run("--sandbox destroy");
    assert_has(&destroyed.stderr, &["✓  ecsworkshop-nodejs deleted in ", "✓  ecsworkshop-base deleted in "]);
    destroyed.success();
    assert!(connect(&url).is_err(), "the service still listens");

    let again = workshop.run("--sandbox destroy");
    assert_has(&again.stderr, &["there is no stack ecsworkshop-nodejs\n", "there is no stack ecsworkshop-base\n"]);
    again.success();
    assert_has(workshop.run("--sandbox status").error(), &["stack `ecsworkshop-nodejs` is not deployed"]);
}

#[test]
fn a_service_whose_tasks_exit_is_a_failed_deploy() {
    let workshop = Workshop::with_spec(
        &(Workshop::new().text()
            + r#"
[services.nodejs.deployment]
circuit_breaker = true

[sandbox.images]
"brentley/ecsdemo-nodejs" = { command = ["sh", "-c", "echo no database >&2; exit 3"] }
"#),
    );
    let deployed = workshop.run("--sandbox deploy");
    assert_eq!(deployed.code, Some(1), "{}", deployed.stderr);
    assert_has(
        deployed.error(),
        &[
            "stack `ecsworkshop-nodejs` is ROLLBACK_COMPLETE",
            "ECS Deployment Circuit Breaker was triggered",
            " tasks of ecsdemo-nodejs stopped: Essential container in task exited",
            "exit code 3\n    │ no database\n",
        ],
    );
    assert_has(&deployed.stderr, &["✓  ecsworkshop-base created in "]);
    #[cfg(target_os = "linux")]
    {
        let mut remaining = descendants(workshop.sandbox_pid());
        remaining.retain(|pid| is_alive(*pid));
        assert_eq!(remaining, Vec::<i32>::new());
    }
    assert_eq!(workshop.run("--sandbox status").code, Some(1));
}

#[test]
fn a_failed_replacement_keeps_the_old_resources() {
    let workshop = Workshop::new();
    workshop.run("--sandbox deploy").success();
    let text = workshop.text();
    let platform = text.replace("10.0.0.0/24", "10.1.0.0/24");
    assert_ne!(platform, text);
    workshop.write("ecsws.toml", &platform);
    workshop.run("--sandbox deploy ecsworkshop-base").exit_code(1);
    workshop.write("ecsws.toml", &text);
    workshop.run("--sandbox deploy").success();
    assert!(get(&address(&workshop), "/nodejs").starts_with("HTTP/1.1 200 OK\r\n"));
    workshop.run("--sandbox destroy").success();
}

#[test]
fn names_and_exports_in_use_are_rejected_with_and_without_preflight_checks() {
    let workshop = Workshop::new();
    workshop.run("--sandbox deploy").success();
    let other = workshop.text().replace("\"ecsworkshop-", "\"other-");
    workshop.write("platform/ecsws.toml", &other.replace("container-demo", "other-demo"));
    let refused = workshop.run("--sandbox -C platform deploy");
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert_has(
        refused.error(),
        &["other-base: stack ecsworkshop-base already exports NSARN, NSNAME, ", "ServicesSecGrp"],
    );
    let refused = workshop.run("--sandbox -C platform deploy --no-preflight");
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert_has(refused.error(), &["stack `other-base`", "is already exported by stack ecsworkshop-base"]);

    let start = other.find("[platform").expect("the project has a platform");
    let end = other.find("[services").expect("the project has services");
    workshop.write("service/ecsws.toml", &(other[..start].to_owned() + &other[end..]));
    let taken = workshop.run("--sandbox -C service deploy");
    assert_eq!(taken.code, Some(1), "{}", taken.stderr);
    assert_has(
        taken.error(),
        &[
            "other-nodejs: service `ecsdemo-nodejs` cannot be created, because it already exists in stack ecsworkshop-nodejs",
        ],
    );
    let refused = workshop.run("--sandbox -C service deploy --no-preflight");
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert_has(refused.error(), &["stack `other-nodejs`", "ROLLBACK_COMPLETE", "already exists"]);
    assert!(!workshop.path("service/ecsws.lock").exists(), "look-ups of the sandbox were pinned");

    workshop.run("--sandbox status --check").success();
}

#[test]
fn a_second_platform_with_the_same_cluster_name_does_not_affect_the_first() {
    let workshop = Workshop::new();
    workshop.run("--sandbox deploy ecsworkshop-base").success();
    workshop.write("other/ecsws.toml", &workshop.text().replace("\"ecsworkshop-", "\"other-"));
    assert_eq!(workshop.run("--sandbox -C other deploy other-base").code, Some(1));
    workshop.run("--sandbox deploy").success();
}

#[test]
fn the_sandbox_chooses_another_port_if_its_last_one_is_in_use() {
    let workshop = Workshop::new();
    let url = |status: &Value| status["url"].as_str().expect("an address").to_owned();
    let first = url(&workshop.json("sandbox start"));
    workshop.run("sandbox stop").success();
    let _taken = TcpListener::bind(first.trim_start_matches("http://")).expect("the port is free");
    let second = url(&workshop.json("sandbox start"));
    assert_ne!(first, second);
    assert_eq!(url(&workshop.json("sandbox status")), second);
    workshop.run("--sandbox destroy").success();
}

#[test]
fn of_two_concurrent_deploys_at_least_one_succeeds_and_the_other_is_explained() {
    let workshop = Workshop::new();
    workshop.run("sandbox start").success();
    let both = [workshop.start("--sandbox deploy"), workshop.start("--sandbox deploy")].map(wait);
    let succeeded = both.iter().filter(|finished| finished.code == Some(0)).count();
    let errors: Vec<&str> = both.iter().filter(|finished| finished.code != Some(0)).map(Finished::error).collect();
    assert!(succeeded >= 1, "both failed: {errors:#?}");
    assert!(
        errors.iter().all(|error| error.contains("in progress") || error.contains("IN_PROGRESS")),
        "the errors do not explain the failure: {errors:#?}"
    );
    workshop.run("--sandbox status --check").success();
}
