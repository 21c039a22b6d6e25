//! A closed or full stdout neither hides a failure nor stops an operation.
#![cfg(unix)]

use std::fs::File;
use std::io::{BufRead as _, BufReader};

use crate::workshop::{Finished, SMALL_PROJECT, Workshop, wait};

/// The small project, and an image whose tasks exit at once.
fn project() -> String {
    let tables = r#"
[services.api.deployment]
circuit_breaker = true

[sandbox.images]
"acme/broken:1" = { command = ["sh", "-c", "exit 3"] }
"#;
    SMALL_PROJECT.to_owned() + tables
}

fn deployed() -> Workshop {
    let workshop = Workshop::with_spec(&project());
    workshop.run("--sandbox deploy").success();
    workshop
}

/// Runs a command like `COMMAND | head -n LINES`.
fn head(workshop: &Workshop, command: &str, lines: usize) -> Finished {
    let mut child = workshop.start(command);
    let stdout = child.stdout.take().expect("stdout is piped");
    BufReader::new(stdout).lines().take(lines).map_while(Result::ok).for_each(drop);
    wait(child)
}

fn assert_fails(finished: &Finished, code: i32, error: &str) {
    assert_eq!(finished.code, Some(code), "{}", finished.stderr);
    assert!(finished.error().contains(error), "{}", finished.stderr);
}

#[test]
fn a_closed_pipe_does_not_hide_a_failed_operation() {
    let workshop = Workshop::with_spec(&project().replace("acme/api:1", "acme/broken:1"));
    for lines in [0, 1] {
        let failed = head(&workshop, "--sandbox deploy --output json", lines);
        assert_fails(&failed, 1, "stack `api` is ROLLBACK_COMPLETE");
    }
    let workshop = deployed();
    let failed = head(&workshop, "--sandbox deploy --output json --image api=acme/broken:1", 1);
    assert_fails(&failed, 1, "stack `api` is UPDATE_ROLLBACK_COMPLETE");
    assert_fails(&head(&workshop, "--sandbox deploy --image api=acme/broken:1", 0), 1, "UPDATE_ROLLBACK_COMPLETE");
    workshop
        .run(r#"sandbox faults {"resources":[{"resource":"AWS::ECS::Service","on":"delete","reason":"No"}]}"#)
        .success();
    assert_fails(&head(&workshop, "--sandbox destroy --yes --output json", 1), 1, "stack `api` is DELETE_FAILED");
}

#[test]
fn a_closed_pipe_does_not_hide_a_failed_check() {
    let workshop = deployed();
    for command in ["--sandbox diff --fail", "--sandbox diff --fail --output json"] {
        assert_eq!(head(&workshop, command, 0).code, Some(0), "{command}");
    }
    workshop.write("ecsws.toml", &project().replace("cpu = 256", "cpu = 256\ncount = 2"));
    for command in ["--sandbox diff --fail", "--sandbox diff --fail --output json"] {
        for lines in [0, 1] {
            let different = head(&workshop, command, lines);
            assert_eq!((different.code, different.stderr.contains("error")), (Some(5), false), "{}", different.stderr);
        }
    }

    let unsteady =
        Workshop::with_spec(&project().replace("acme/api:1", "acme/broken:1").replace("circuit_breaker = true", ""));
    unsteady.run("--sandbox deploy --timeout 5s").exit_code(4);
    for command in ["--sandbox status --check", "--sandbox status --check --output json"] {
        assert_eq!(head(&unsteady, command, 0).code, Some(5), "{command}");
    }
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let workshop = deployed();
    for command in [
        "--sandbox synth --all",
        "--sandbox synth --all --json",
        "--sandbox deploy",
        "--sandbox deploy --output json",
        "--sandbox logs groups",
        "--sandbox logs",
        "--sandbox status",
        "sandbox status",
        "sandbox logs",
        "sandbox coverage",
        "sandbox env",
        "completions bash",
    ] {
        let quiet = head(&workshop, command, 0);
        assert_eq!((quiet.code, quiet.stderr.contains("error")), (Some(0), false), "{command}: {}", quiet.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_a_failure() {
    let workshop = Workshop::with_spec(&project());
    for command in ["--help", "-h", "--version", "help deploy", "sandbox --help"] {
        let device = File::options().write(true).open("/dev/full").expect("/dev/full");
        let failed = wait(workshop.start_with_stdout(command, device.into()));
        assert_fails(&failed, 1, "cannot write to stdout: No space left on device");
        let quiet = head(&workshop, command, 0);
        assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""), "{command}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_a_failure_and_does_not_hide_other_failures() {
    let full = |workshop: &Workshop, command: &str| {
        let device = File::options().write(true).open("/dev/full").expect("/dev/full");
        wait(workshop.start_with_stdout(command, device.into()))
    };
    let workshop = deployed();
    for command in ["--sandbox synth --all", "--sandbox diff", "--sandbox status", "--sandbox deploy --output json"] {
        assert_fails(&full(&workshop, command), 1, "cannot write to stdout: No space left on device");
    }
    let failed = full(&workshop, "--sandbox deploy --output json --image api=acme/broken:1");
    assert_fails(&failed, 1, "stack `api` is UPDATE_ROLLBACK_COMPLETE");
    assert_fails(&failed, 1, "cannot write to stdout: No space left on device");
    for command in ["--sandbox status --watch", "--sandbox logs --watch --start 1h", "sandbox logs --watch"] {
        assert_fails(&full(&workshop, command), 1, "cannot write to stdout: No space left on device");
    }
}
