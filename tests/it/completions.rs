//! The completion scripts in `completions/` are up to date, and the names of a project's stacks and services are completed.

use std::path::Path;
use std::process::Command;

use crate::common::read;

const SCRIPTS: [(&str, &str); 5] = [
    ("bash", "ecsws.bash"),
    ("elvish", "ecsws.elv"),
    ("fish", "ecsws.fish"),
    ("powershell", "_ecsws.ps1"),
    ("zsh", "_ecsws"),
];

#[test]
fn the_scripts_are_up_to_date() {
    for (shell, file) in SCRIPTS {
        let output =
            Command::new(env!("CARGO_BIN_EXE_ecsws")).args(["completions", shell]).output().expect("the binary runs");
        let committed = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file));
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(printed, committed, "run `just completions` to update completions/{file}");
    }
}

fn complete(words: &[&str]) -> Vec<String> {
    complete_with(words, &[])
}

fn complete_with(words: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_ecsws"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .envs([("COMPLETE", "fish"), ("HOME", env!("CARGO_MANIFEST_DIR"))])
        .envs(variables.iter().copied())
        .arg("--")
        .args(words)
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn services_and_stacks_are_completed() {
    let services = complete(&["ecsws", "-C", "examples/workshop", "logs", "n"]);
    assert_eq!(services, ["nodejs"]);
    let stacks = complete(&["ecsws", "-C", "examples/workshop", "deploy", "ecs"]);
    assert_eq!(stacks, ["ecsworkshop-base", "ecsworkshop-nodejs"]);
    let by_key = complete(&["ecsws", "-C", "examples/workshop", "deploy", "n"]);
    assert_eq!(by_key, ["nodejs"]);
}

#[test]
fn the_project_flag_is_recognised_in_every_form() {
    for flags in [
        &["-Cexamples/workshop"] as &[&str],
        &["--project=examples/workshop"],
        &["--project", "examples/workshop"],
        &["-C", "~/examples/workshop"],
        &["-C", "'examples/workshop'"],
        &["--region", "us-east-1", "-qCexamples/workshop"],
    ] {
        for at in [1, 2] {
            let mut words = vec!["ecsws", "logs"];
            words.splice(at..at, flags.iter().copied());
            words.push("n");
            assert_eq!(complete(&words), ["nodejs"], "{words:?}");
        }
    }
    // Bash splits words at `=`.
    assert_eq!(complete(&["ecsws", "--project", "=", "examples/workshop", "logs", "n"]), ["nodejs"]);
    let variable = [("ECSWS_PROJECT", "examples/workshop")];
    assert_eq!(complete_with(&["ecsws", "logs", "n"], &variable), ["nodejs"]);
    // The flag takes precedence over the variable, and an empty variable counts as unset.
    assert_eq!(complete_with(&["ecsws", "-C", "no-such", "logs", "n"], &variable), [""; 0]);
    assert_eq!(complete_with(&["ecsws", "-C", "examples/workshop", "logs", "n"], &[("ECSWS_PROJECT", "")]), ["nodejs"]);
    // The global flags of an invalid command line are parsed.
    assert_eq!(
        complete(&["ecsws", "-C", "examples/workshop", "deploy", "--no-such-flag", "ecsworkshop-n"]),
        ["ecsworkshop-nodejs"]
    );
}

#[test]
fn nothing_is_completed_without_a_project() {
    let candidates = complete(&["ecsws", "-C", "no-such-folder", "deploy", "ecs"]);
    assert_eq!(candidates, Vec::<String>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_fails_a_completion_and_a_closed_pipe_does_not() {
    let started = |stdout: std::process::Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecsws"));
        command.env("COMPLETE", "bash").stdout(stdout).stderr(std::process::Stdio::piped());
        command.spawn().expect("the binary runs")
    };
    let device = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let failed = started(device.into()).wait_with_output().expect("the process ends");
    let stderr = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: cannot write to stdout: No space left on device"), "{stderr}");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let quiet = started(writer.into()).wait_with_output().expect("the process ends");
    assert_eq!((quiet.status.code(), quiet.stderr.as_slice()), (Some(0), &[] as &[u8]));
}
