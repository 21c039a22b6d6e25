//! `--verbose` prints the causes of an error.

use crate::common::ecsws_in;

/// Runs a command that cannot connect to AWS and returns its stderr.
fn stderr(flags: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = ecsws_in(folder.path());
    command.envs([("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_MAX_ATTEMPTS", "1")]);
    // Nothing listens on port 1.
    command.args(["--endpoint-url", "http://127.0.0.1:1", "--region", "us-east-1", "logs", "groups"]).args(flags);
    let output = command.output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn the_causes_of_an_error_are_printed_only_with_verbose() {
    let (brief, verbose) = (stderr(&[]), stderr(&["--verbose"]));
    let message = "error: cannot list log groups: no response from http://127.0.0.1:1: Connection refused";
    assert!(brief.contains(message) && !brief.contains("caused by: "), "{brief}");
    let causes: Vec<&str> = verbose.lines().filter(|line| line.starts_with("caused by: ")).collect();
    assert!(verbose.contains(message) && causes.first() == Some(&"caused by: dispatch failure"), "{verbose}");
    assert!(causes.iter().all(|cause| !cause.contains("Connection refused")), "{causes:?}");
}
