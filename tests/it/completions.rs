//! The completion scripts in `completions/` are those that the binary prints, and completion knows the project's names.

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
fn the_scripts_are_current() {
    for (shell, file) in SCRIPTS {
        let output = Command::new(env!("CARGO_BIN_EXE_ecsws")).args(["completions", shell]).output().expect("it runs");
        let kept = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(file));
        assert_eq!(String::from_utf8_lossy(&output.stdout), kept, "`just completions` writes completions/{file} anew");
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
        .expect("it runs");
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
fn every_way_to_name_the_project_is_honoured() {
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
    // A flag goes before the variable, and an empty variable is none.
    assert_eq!(complete_with(&["ecsws", "-C", "no-such", "logs", "n"], &variable), [""; 0]);
    assert_eq!(complete_with(&["ecsws", "-C", "examples/workshop", "logs", "n"], &[("ECSWS_PROJECT", "")]), ["nodejs"]);
    // A command line that is not finished or not right still has its flags.
    assert_eq!(
        complete(&["ecsws", "-C", "examples/workshop", "deploy", "--no-such-flag", "ecsworkshop-n"]),
        ["ecsworkshop-nodejs"]
    );
}

#[test]
fn completion_is_silent_without_a_project() {
    let found = complete(&["ecsws", "-C", "no-such-folder", "deploy", "ecs"]);
    assert_eq!(found, Vec::<String>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn a_completion_that_cannot_be_written_is_a_failure_and_a_closed_pipe_is_none() {
    let started = |stdout: std::process::Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecsws"));
        command.env("COMPLETE", "bash").stdout(stdout).stderr(std::process::Stdio::piped());
        command.spawn().expect("it runs")
    };
    let device = std::fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let failed = started(device.into()).wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: cannot write to stdout: No space left on device"), "{stderr}");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let quiet = started(writer.into()).wait_with_output().expect("it ends");
    assert_eq!((quiet.status.code(), quiet.stderr.as_slice()), (Some(0), &[] as &[u8]));
}
