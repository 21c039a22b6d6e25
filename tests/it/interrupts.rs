//! SIGINT and SIGTERM: a command cleans up, reports what AWS does, and ends even if the reader of its output stalls.
#![cfg(all(unix, feature = "sandbox"))]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;

use ecsws::testing::aws::Aws;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::common::assert_has;
use crate::workshop::{Finished, SMALL_PROJECT, Workshop, wait, wait_until};

fn signal(child: &Child, signal: Signal) {
    let process = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    kill(process, signal).expect("the command runs");
}

fn faults(workshop: &Workshop, faults: &Value) {
    workshop.run(&format!("sandbox faults {faults}")).success();
}

/// The operations are not answered, and not done.
fn hang(operations: &[&str]) -> Value {
    let rules = operations.iter().map(|operation| json!({ "operation": operation, "effect": "hang" }));
    json!({ "operations": rules.collect::<Vec<_>>() })
}

/// Waits until the sandbox has served the operation.
fn wait_for_request(workshop: &Workshop, operation: &str) {
    wait_until(|| workshop.run("sandbox logs").stdout.contains(operation));
}

/// The names of the temporary change sets of a stack.
fn temporary_change_sets(workshop: &Workshop, stack: &str) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let change_sets = runtime.block_on(async {
        let aws = Aws::connect(workshop.connection(), async |_| None).await.expect("the connection is complete");
        aws.change_sets(stack).await.expect("the call succeeds")
    });
    let names = change_sets.into_iter().map(|change_set| change_set.name);
    names.filter(|name| name.starts_with("ecsws-diff-")).collect()
}

fn assert_interrupted(ended: &Finished, expected: &[&str]) {
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert_has(&ended.stderr, expected);
}

#[test]
fn a_stalled_reader_does_not_delay_an_interrupt() {
    let image = "\n[sandbox.images]\n\"acme/api:1\" = { command = [\"sh\", \"-c\", \"yes 0123456789 | head -n 30000; exec sleep 1000\"] }\n";
    let workshop = Workshop::with_spec(&format!("{SMALL_PROJECT}{image}"));
    workshop.run("--sandbox deploy").success();
    wait_until(|| workshop.run("--sandbox logs --start 1d").stdout.lines().count() == 30000);
    for command in ["--sandbox logs --start 1d", "--sandbox logs --start 1d --watch"] {
        for name in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            let mut child = workshop.start(command);
            // It is not read, so that the command blocks.
            let stdout = child.stdout.take();
            wait_for_blocked_write(&child);
            signal(&child, name);
            assert_eq!(child.wait().expect("the process ends").code(), Some(130), "{command}: {name}");
            drop(stdout);
        }
    }
}

/// Waits until the pipe that the command writes to is full.
#[expect(clippy::disallowed_methods, reason = "it reads /proc")]
fn wait_for_blocked_write(child: &Child) {
    // It sleeps in poll(2) once the pipe is full; before, it waits for AWS in epoll_wait(2).
    let system_call = format!("/proc/{}/task/{}/syscall", child.id(), child.id());
    let poll = if cfg!(target_arch = "x86_64") { "7 " } else { "73 " };
    wait_until(|| std::fs::read_to_string(&system_call).is_ok_and(|call| call.starts_with(poll)));
}

#[test]
fn an_interrupted_execution_is_looked_up_and_its_change_set_is_deleted() {
    for (operation, earlier) in [
        ("cloudformation:ExecuteChangeSet", "cloudformation:DescribeStackEvents"),
        ("cloudformation:CreateChangeSet", "cloudformation:DescribeStacks"),
    ] {
        let workshop = Workshop::with_spec(SMALL_PROJECT);
        workshop.run("sandbox start").success();
        faults(&workshop, &hang(&[operation]));
        let deploy = workshop.start("--sandbox deploy base");
        wait_for_request(&workshop, earlier);
        signal(&deploy, Signal::SIGTERM);
        let ended = wait(deploy);
        assert_interrupted(&ended, &["error: interrupted; nothing has changed beyond what is shown above"]);
        faults(&workshop, &json!({}));
        assert_has(&workshop.run("--sandbox destroy base").stderr, &["there is no stack base"]);
    }
}

#[test]
fn an_operation_that_continues_is_reported() {
    let health_check = "health_check = { command = [\"CMD-SHELL\", \"exit 1\"], interval = \"60s\" }\n";
    let workshop = Workshop::with_spec(&format!("{SMALL_PROJECT}{health_check}"));
    let mut deploy = workshop.start("--sandbox deploy --output json");
    let mut events = BufReader::new(deploy.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    assert!(events.any(|event| event.contains("AWS::ECS::Service")));
    signal(&deploy, Signal::SIGTERM);
    let ended = wait(deploy);
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert_has(&ended.stderr, &["interrupted; CloudFormation continues with api", "follows it and then continues"]);
}

#[test]
fn a_second_signal_ends_the_clean_up() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    workshop.run("sandbox start").success();
    faults(&workshop, &hang(&["cloudformation:ExecuteChangeSet", "cloudformation:DeleteChangeSet"]));
    let mut deploy = workshop.start("--sandbox deploy base");
    wait_for_request(&workshop, "cloudformation:DescribeStackEvents");
    signal(&deploy, Signal::SIGTERM);
    let mut stderr = BufReader::new(deploy.stderr.take().expect("it is piped"));
    let mut printed = String::new();
    while !printed.contains("interrupted; checking base …") {
        assert_ne!(stderr.read_line(&mut printed).expect("UTF-8"), 0, "{printed}");
    }
    signal(&deploy, Signal::SIGTERM);
    stderr.read_to_string(&mut printed).expect("UTF-8");
    assert_eq!(deploy.wait().expect("it ends").code(), Some(130), "{printed}");
    assert_has(&printed, &["error: interrupted; not checked: base may still change or have an unexecuted change set"]);
}

#[test]
fn the_next_command_deletes_the_change_set_of_a_killed_diff() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    workshop.run("--sandbox deploy").success();
    workshop.edit("cpu = 256", "cpu = 256\ncount = 2");
    for next in ["--sandbox diff api", "--sandbox deploy api"] {
        faults(&workshop, &hang(&["cloudformation:DeleteChangeSet"]));
        let mut diff = workshop.start("--sandbox diff api");
        wait_until(|| !temporary_change_sets(&workshop, "api").is_empty());
        diff.kill().expect("it runs");
        diff.wait().expect("it ends");
        faults(&workshop, &json!({}));
        assert_eq!(temporary_change_sets(&workshop, "api").len(), 1);
        workshop.run(next);
        assert_eq!(temporary_change_sets(&workshop, "api"), Vec::<String>::new(), "{next}");
    }
}

#[test]
fn an_interrupted_diff_deletes_its_change_set() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    workshop.run("--sandbox deploy").success();
    workshop.edit("cpu = 256", "cpu = 256\ncount = 2");
    let delayed = json!({ "operations": [{ "operation": "cloudformation:DescribeChangeSet", "effect": "delay", "seconds": 2, "times": 3 }] });
    faults(&workshop, &delayed);
    let diff = workshop.start("--sandbox diff api");
    wait_until(|| !temporary_change_sets(&workshop, "api").is_empty());
    signal(&diff, Signal::SIGINT);
    assert_interrupted(
        &wait(diff),
        &["interrupted; deleting the temporary change sets", "error: interrupted; nothing has changed"],
    );
    assert_eq!(temporary_change_sets(&workshop, "api"), Vec::<String>::new());
}
