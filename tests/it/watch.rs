//! Following commands without a terminal: `status --watch` prints one line per change, and a closed pipe ends a command.
#![cfg(unix)]

use crate::workshop::Workshop;

#[test]
fn status_prints_every_change_while_another_command_scales() {
    let workshop = Workshop::new();
    workshop.run("--sandbox deploy").success();
    let mut status = workshop.follow("--sandbox status --watch");
    let first = status.wait_for_line(|_| true);
    // Time and service come first.
    let counts = |line: &str| line.split(' ').skip(2).collect::<Vec<_>>().join(" ");
    assert_eq!(counts(&first), "1/1 running, 0 pending, rollout COMPLETED");
    workshop.run("--sandbox scale --count 2").success();
    status.wait_for_line(|line| counts(line) == "2/2 running, 0 pending, rollout COMPLETED");
    assert_eq!(status.interrupt(), Some(130));
    let mut workshop_format = workshop.follow("--sandbox status --watch --format workshop");
    assert_eq!(workshop_format.wait_for_line(|_| true), "Tasks Desired: 2 vs Tasks Running: 2");
}

#[test]
fn logs_end_without_an_error_when_the_pipe_is_closed() {
    let workshop = Workshop::new();
    workshop.run("--sandbox deploy").success();
    let mut logs = workshop.start("--sandbox logs");
    drop(logs.stdout.take());
    let ended = crate::workshop::wait(logs);
    assert!(ended.stderr.is_empty(), "{}", ended.stderr);
}
