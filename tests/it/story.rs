//! The workshop's story through the binary: from an empty sandbox to a running, logged, scaled service and back; and how it fails.
#![cfg(unix)]

use std::io::{ErrorKind, Read as _};
use std::net::TcpListener;

use insta::{assert_snapshot, with_settings};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::workshop::{Ended, Workshop, connect, ended, get};
#[cfg(target_os = "linux")]
use crate::workshop::{descendants, is_alive, until};

/// Where the service answers.
fn address(workshop: &Workshop) -> String {
    workshop.json("--sandbox status")["url"].as_str().expect("it has an address").to_owned()
}

fn assert_has(text: &str, wanted: &[&str]) {
    for part in wanted {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
}

#[test]
fn the_workshop_from_an_empty_sandbox_and_back() {
    let workshop = Workshop::new();
    synth_does_not_wait_for_the_platform(&workshop);
    deploy_makes_everything(&workshop);
    deploying_again_changes_nothing(&workshop);
    a_request_is_in_the_logs(&workshop);
    scale_edits_the_number_and_starts_tasks(&workshop);
    diff_fails_on_an_edit_only(&workshop);
    killing_the_sandbox_ends_its_tasks_and_the_next_command_goes_on(&workshop);
    destroy_deletes_everything_once(&workshop);
    assert!(!workshop.path("ecsws.lock").exists(), "what the sandbox says is not for the project's lock");
}

fn synth_does_not_wait_for_the_platform(workshop: &Workshop) {
    assert_has(&workshop.run("--sandbox synth ecsworkshop-nodejs").good(), &["known after ecsworkshop-base"]);
}

fn deploy_makes_everything(workshop: &Workshop) {
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
    with_settings!({ filters => filters }, { assert_snapshot!(deployed.good()) });
    assert!(get(&address(workshop), "/nodejs").starts_with("HTTP/1.1 200 OK\r\n"));
}

fn deploying_again_changes_nothing(workshop: &Workshop) {
    let Ended { code, stderr, .. } = workshop.run("--sandbox deploy");
    assert_eq!(code, Some(0), "{stderr}");
    assert_has(&stderr, &["✓  ecsworkshop-base (no changes)\n", "✓  ecsworkshop-nodejs (no changes)\n"]);
    assert!(!stderr.contains("_COMPLETE"), "{stderr}");
}

fn a_request_is_in_the_logs(workshop: &Workshop) {
    get(&address(workshop), "/nodejs/api?of=the-story");
    let is_request = |line: &str| line.contains("\"GET /nodejs/api?of=the-story HTTP/1.1\" 200 ");
    let mut logs = workshop.follow("--sandbox logs --watch");
    let line = logs.line(is_request);
    assert!(line.ends_with("\"story/1\""), "Apache's combined form ends with the user agent: {line}");
    assert_eq!(logs.interrupt(), Some(130));

    assert!(workshop.run("--sandbox logs").good().lines().any(is_request));
    let events = workshop.run("--sandbox logs --output json").good();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let event = events.iter().find(|event| is_request(event["message"].as_str().expect("text")));
    let event = event.expect("the request is an event");
    let stream = event["stream"].as_str().expect("text");
    assert!(stream.starts_with("ecsworkshop-nodejs/NodeServiceContainerDef/"), "{stream}");
}

fn scale_edits_the_number_and_starts_tasks(workshop: &Workshop) {
    let before = workshop.text();
    workshop.run("--sandbox scale --count 3").good();
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
    workshop.run("--sandbox status --check").good();
}

fn diff_fails_on_an_edit_only(workshop: &Workshop) {
    workshop.run("--sandbox diff --fail").good();
    let text = workshop.text();
    workshop.write("ecsws.toml", &text.replace("count         = 3", "count         = 2"));
    let shown = workshop.run("--sandbox diff --fail").with(5);
    assert_has(&shown, &["AWS::ECS::Service", "DesiredCount", "[-] 3", "[+] 2"]);
    workshop.write("ecsws.toml", &text);
}

fn killing_the_sandbox_ends_its_tasks_and_the_next_command_goes_on(workshop: &Workshop) {
    let status = workshop.json("--sandbox status");
    let instances = status["discovery"][0]["instances"].as_array().expect("a list");
    let ports = instances.iter().map(|instance| instance["port"].as_str().expect("a port"));
    let tasks: Vec<String> = ports.map(|port| format!("http://127.0.0.1:{port}")).collect();
    assert_eq!(tasks.len(), 3);
    // A connection ends when its process does: that can be waited for.
    let connections: Vec<_> = tasks.iter().map(|task| connect(task).expect("the task listens")).collect();
    let sandbox = workshop.sandbox_pid();
    #[cfg(target_os = "linux")]
    let processes = descendants(sandbox);

    let mut watching = workshop.follow("--sandbox status --watch");
    watching.line(|_| true);
    kill(Pid::from_raw(sandbox), Signal::SIGKILL).expect("it runs");
    let (code, stderr) = watching.ended();
    assert_eq!(code, Some(1));
    assert_has(&stderr, &["the sandbox has ended\nhint: the next command with --sandbox starts it again"]);
    for mut connection in connections {
        let ended = connection.read(&mut [0]);
        assert!(
            matches!(&ended, Ok(0)) || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset),
            "it still answers"
        );
    }
    #[cfg(target_os = "linux")]
    {
        assert!(processes.len() >= 6, "three shims and three tasks: {processes:?}");
        until(|| !processes.iter().any(|pid| is_alive(*pid)));
    }
    assert!(tasks.iter().all(|task| connect(task).is_err()), "a task still listens");

    workshop.run("--sandbox status").good();
    let status = workshop.steady(3);
    assert_eq!(status["desired"], 3);
    assert_ne!(workshop.sandbox_pid(), sandbox);
    let url = status["url"].as_str().expect("it has an address");
    assert!(get(url, "/nodejs").starts_with("HTTP/1.1 200 OK\r\n"));
}

fn destroy_deletes_everything_once(workshop: &Workshop) {
    let url = address(workshop);
    let destroyed = workshop.run("--sandbox destroy");
    assert_has(&destroyed.stderr, &["✓  ecsworkshop-nodejs deleted in ", "✓  ecsworkshop-base deleted in "]);
    destroyed.good();
    assert!(connect(&url).is_err(), "it still listens");

    let again = workshop.run("--sandbox destroy");
    assert_has(&again.stderr, &["there is no stack ecsworkshop-nodejs\n", "there is no stack ecsworkshop-base\n"]);
    again.good();
    assert_has(workshop.run("--sandbox status").error(), &["stack `ecsworkshop-nodejs` is not deployed"]);
}

#[test]
fn a_service_whose_tasks_exit_is_a_failed_deploy() {
    let workshop = Workshop::of(
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
        let mut left = descendants(workshop.sandbox_pid());
        left.retain(|pid| is_alive(*pid));
        assert_eq!(left, Vec::<i32>::new());
    }
    assert_eq!(workshop.run("--sandbox status").code, Some(1));
}

#[test]
fn a_replacement_that_fails_leaves_what_there_was() {
    let workshop = Workshop::new();
    workshop.run("--sandbox deploy").good();
    let text = workshop.text();
    let platform = text.replace("10.0.0.0/24", "10.1.0.0/24");
    assert_ne!(platform, text);
    workshop.write("ecsws.toml", &platform);
    workshop.run("--sandbox deploy ecsworkshop-base").with(1);
    workshop.write("ecsws.toml", &text);
    workshop.run("--sandbox deploy").good();
    assert!(get(&address(&workshop), "/nodejs").starts_with("HTTP/1.1 200 OK\r\n"));
    workshop.run("--sandbox destroy").good();
}

#[test]
fn what_cloudformation_refuses_is_told_in_its_words() {
    let workshop = Workshop::new();
    workshop.run("--sandbox deploy").good();
    let other = workshop.text().replace("\"ecsworkshop-", "\"other-");
    workshop.write("platform/ecsws.toml", &other.replace("container-demo", "other-demo"));
    let refused = workshop.run("--sandbox -C platform deploy");
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert_has(
        refused.error(),
        &["other-base: stack ecsworkshop-base exports NSARN, NSNAME, ", "ServicesSecGrp already"],
    );
    let refused = workshop.run("--sandbox -C platform deploy --no-preflight");
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert_has(refused.error(), &["stack `other-base`", "is already exported by stack ecsworkshop-base"]);

    let (begin, end) = (other.find("[platform").expect("it is there"), other.find("[services").expect("it is there"));
    workshop.write("service/ecsws.toml", &(other[..begin].to_owned() + &other[end..]));
    let taken = workshop.run("--sandbox -C service deploy");
    assert_eq!(taken.code, Some(1), "{}", taken.stderr);
    assert_has(
        taken.error(),
        &[
            "other-nodejs: service `ecsdemo-nodejs` cannot be created, because it exists already in stack ecsworkshop-nodejs",
        ],
    );
    let refused = workshop.run("--sandbox -C service deploy --no-preflight");
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert_has(refused.error(), &["stack `other-nodejs`", "ROLLBACK_COMPLETE", "already exists"]);
    assert!(!workshop.path("service/ecsws.lock").exists(), "what the sandbox says is not for the project's lock");

    workshop.run("--sandbox status --check").good();
}

#[test]
fn a_second_platform_with_the_name_of_a_cluster_leaves_the_first_its_cluster() {
    let workshop = Workshop::new();
    workshop.run("--sandbox deploy ecsworkshop-base").good();
    workshop.write("other/ecsws.toml", &workshop.text().replace("\"ecsworkshop-", "\"other-"));
    assert_eq!(workshop.run("--sandbox -C other deploy other-base").code, Some(1));
    workshop.run("--sandbox deploy").good();
}

#[test]
fn a_port_that_was_taken_meanwhile_is_left_to_its_owner() {
    let workshop = Workshop::new();
    let url = |status: &Value| status["url"].as_str().expect("an address").to_owned();
    let first = url(&workshop.json("sandbox start"));
    workshop.run("sandbox stop").good();
    let _taken = TcpListener::bind(first.trim_start_matches("http://")).expect("it is free now");
    let second = url(&workshop.json("sandbox start"));
    assert_ne!(first, second);
    assert_eq!(url(&workshop.json("sandbox status")), second);
    workshop.run("--sandbox destroy").good();
}

#[test]
fn two_deploys_at_once_both_end_well_or_one_says_why_not() {
    let workshop = Workshop::new();
    workshop.run("sandbox start").good();
    let both = [workshop.start("--sandbox deploy"), workshop.start("--sandbox deploy")].map(ended);
    let good = both.iter().filter(|ended| ended.code == Some(0)).count();
    let errors: Vec<&str> = both.iter().filter(|ended| ended.code != Some(0)).map(Ended::error).collect();
    assert!(good >= 1, "neither was deployed: {errors:#?}");
    assert!(
        errors.iter().all(|error| error.contains("in progress") || error.contains("IN_PROGRESS")),
        "the other has to say why not: {errors:#?}"
    );
    workshop.run("--sandbox status --check").good();
}
