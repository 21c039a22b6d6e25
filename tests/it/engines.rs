//! An unusable container engine is reported before anything is deployed. Scripts replace the real engines.
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

/// The stderr of `deploy` on a machine whose `docker` is this script, or which has no `docker`.
#[expect(clippy::disallowed_methods, reason = "tests write their projects")]
fn deploy(docker: Option<&str>) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("ecsws.toml"), PROJECT).expect("a file");
    let programs = dir.path().join("programs");
    std::fs::create_dir(&programs).expect("a folder");
    if let Some(script) = docker {
        let program = programs.join("docker");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    }
    let stderr = run(dir.path(), &programs, &["--sandbox", "deploy"]);
    run(dir.path(), &programs, &["sandbox", "stop"]);
    assert!(!stderr.contains("creating"), "{stderr}");
    stderr
}

fn run(dir: &Path, programs: &Path, arguments: &[&str]) -> String {
    let mut command = ecsws_in(dir);
    command.args(arguments).env("ECSWS_SANDBOX_DIR", dir.join("sandbox")).env("PATH", programs);
    String::from_utf8_lossy(&command.output().expect("the binary runs").stderr).into_owned()
}

#[test]
fn an_engine_that_is_not_installed_is_reported() {
    let stderr = deploy(None);
    let expected = "error: docker is not installed: install it, or leave `runtime` out of [sandbox]";
    assert!(stderr.contains(expected), "{stderr}");
}

#[test]
fn a_daemon_that_is_not_running_is_reported() {
    let message = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?";
    let stderr = deploy(Some(&format!("echo '{{\"ServerErrors\":[\"{message}\"]}}'")));
    assert!(stderr.contains(&format!("error: docker does not answer ({message}): start it first")), "{stderr}");
}

#[test]
fn a_daemon_without_permission_to_use_it_is_reported() {
    let stderr =
        deploy(Some("echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1"));
    assert!(stderr.contains("error: docker may not be used by this user (permission denied"), "{stderr}");
}
