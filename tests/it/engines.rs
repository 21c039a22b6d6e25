//! Container engines that cannot be used are told before anything is deployed. Scripts stand in for real ones.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::common::ecsws_in;

const PROJECT: &str = r#"
[platform]
cluster = "demo"
subnets = ["subnet-0bb00000000000001"]
security_group = "sg-0bb00000000000001"

[services.web]
cpu = 256
memory = 512

[services.web.container]
image = "nginx"

[sandbox]
runtime = "docker"
"#;

/// What `deploy` says on a machine whose docker is this script, or that has none.
#[expect(clippy::disallowed_methods, reason = "tests write their projects")]
fn deploy(docker: Option<&str>) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("ecsws.toml"), PROJECT).expect("a file");
    let programs = dir.path().join("programs");
    std::fs::create_dir(&programs).expect("a folder");
    if let Some(script) = docker {
        let program = programs.join("docker");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    let said = run(dir.path(), &programs, &["--sandbox", "deploy"]);
    run(dir.path(), &programs, &["sandbox", "stop"]);
    assert!(!said.contains("creating"), "{said}");
    said
}

fn run(dir: &Path, programs: &Path, arguments: &[&str]) -> String {
    let mut command = ecsws_in(dir);
    command.args(arguments).env("ECSWS_SANDBOX_DIR", dir.join("sandbox")).env("PATH", programs);
    String::from_utf8_lossy(&command.output().expect("it runs").stderr).into_owned()
}

#[test]
fn an_engine_that_is_not_installed_is_named() {
    let said = deploy(None);
    assert!(said.contains("error: docker is not installed: install it, or leave `runtime` out of [sandbox]"), "{said}");
}

#[test]
fn a_daemon_that_does_not_run_is_told() {
    let words = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
    let said = deploy(Some(&format!("echo '{{\"ServerErrors\":[\"{words}\"]}}'")));
    assert!(said.contains(&format!("error: docker does not answer ({words}): start it first")), "{said}");
}

#[test]
fn a_daemon_that_may_not_be_used_is_told() {
    let said = deploy(Some("echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1"));
    assert!(said.contains("error: docker may not be used by this user (permission denied"), "{said}");
}
