//! The binary as a process: what it says and which code it ends with, above all when something is wrong.

use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;

/// Runs the binary in `dir` with nothing of this machine's environment, and shows code, stdout and stderr.
fn ecsws(dir: &Path, arguments: &str) -> String {
    ecsws_with(dir, arguments, &[])
}

fn ecsws_with(dir: &Path, arguments: &str, variables: &[(&str, &str)]) -> String {
    let home = dir.join("home");
    let output = Command::new(env!("CARGO_BIN_EXE_ecsws"))
        .args(arguments.split_whitespace())
        .current_dir(dir)
        .env_clear()
        .envs([("HOME", home.as_os_str()), ("TZ", "UTC".as_ref()), ("AWS_EC2_METADATA_DISABLED", "true".as_ref())])
        .envs(variables.iter().copied())
        .output()
        .expect("the binary can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*dir.to_string_lossy(), "DIR");
    format!("code {:?}\n-- stdout\n{}-- stderr\n{}", output.status.code(), text(&output.stdout), text(&output.stderr))
}

const SERVICE: &str = r#"
[services.api]
cpu = 256
memory = 512

[services.api.container]
image = "nginx"
port = 80
"#;

fn project(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder can be made");
    #[expect(clippy::disallowed_methods, reason = "tests write their projects")]
    fs::write(dir.path().join("ecsws.toml"), text).expect("a file can be written");
    dir
}

#[test]
fn a_folder_without_a_project_is_wrong_usage() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    assert_snapshot!(ecsws(dir.path(), "synth"), @r"");
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let text = SERVICE.replace("256", "300").replace("port = 80", "prot = 80");
    assert_snapshot!(ecsws(project(&text).path(), "synth"), @r"");
}

#[test]
fn toml_that_is_not_toml_is_told_with_its_place() {
    assert_snapshot!(ecsws(project("[services.api\ncpu = 256").path(), "deploy"), @r"");
}

#[test]
fn an_unknown_stack_is_told_with_the_known_ones() {
    assert_snapshot!(ecsws(project(SERVICE).path(), "diff ecsworkshop-ap"), @r"");
}

#[test]
fn one_of_several_services_has_to_be_named() {
    let text = SERVICE.to_owned() + &SERVICE.replace("services.api", "services.web");
    assert_snapshot!(ecsws(project(&text).path(), "status --region us-east-1"), @r"");
}

#[test]
fn no_region_and_no_credentials_are_two_clear_errors() {
    let dir = project(SERVICE);
    assert_snapshot!(ecsws(dir.path(), "deploy"), @r"");
    assert_snapshot!(ecsws(dir.path(), "deploy --region us-east-1"), @r"");
}

#[test]
fn an_endpoint_that_is_not_there_is_unreachable() {
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_MAX_ATTEMPTS", "1")];
    let shown = ecsws_with(project(SERVICE).path(), "deploy --region us-east-1 --endpoint-url http://127.0.0.1:1", &keys);
    assert_snapshot!(shown, @r"");
}

#[test]
fn another_region_than_the_target_is_refused() {
    let text = "[target]\naccount = \"123456789012\"\nregion = \"us-east-1\"\n".to_owned() + SERVICE;
    assert_snapshot!(ecsws(project(&text).path(), "deploy --region eu-west-1"), @r"");
}

#[test]
fn times_that_are_none_are_refused_before_aws_is_asked() {
    let dir = project(SERVICE);
    assert_snapshot!(ecsws(dir.path(), "logs --start yesterday"), @r"");
    assert_snapshot!(ecsws(dir.path(), "logs --start 5m --end 2h"), @r"");
}

#[test]
fn scale_refuses_numbers_that_do_not_go_together_and_leaves_the_file_alone() {
    let dir = project(SERVICE);
    assert_snapshot!(ecsws(dir.path(), "scale --min 5 --max 2 --cpu 50 --region us-east-1"), @r"");
    assert_snapshot!(ecsws(dir.path(), "scale"), @r"");
    let text = fs::read(dir.path().join("ecsws.toml")).expect("it is still there");
    assert_eq!(text, SERVICE.as_bytes());
}

#[test]
fn init_writes_a_project_that_synth_takes_and_never_overwrites_one() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let first = ecsws(dir.path(), "init --name api --image ghcr.io/acme/api:1.4 --port 8080");
    assert_snapshot!(first, @r"");
    assert_snapshot!(ecsws(dir.path(), "init --workshop"), @r"");
    assert_snapshot!(ecsws(dir.path(), "synth nothing"), @r"");
}

#[test]
fn init_refuses_what_aws_would_refuse() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    assert_snapshot!(ecsws(dir.path(), "init --name Straße --image UPPER/case"), @r"");
    assert!(!dir.path().join("ecsws.toml").exists());
}

#[test]
fn the_help_lists_the_commands_and_the_exit_codes() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    assert_snapshot!(ecsws(dir.path(), "-h"), @r"");
}
