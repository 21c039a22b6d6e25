//! Files of other users are not trusted: state folders of the sandbox, and projects in folders above.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use ecsws::sandbox::lifecycle::{self, LifecycleError, Options};

use crate::common::ecsws_in;
use crate::local_aws::LocalAws;

/// A user that this one is not: only root can give files away.
const OTHER: u32 = 65534;

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is changed");
}

fn give_away(path: &Path) {
    std::os::unix::fs::lchown(path, Some(OTHER), None).expect("it is given away");
}

#[expect(clippy::disallowed_methods, reason = "what another user would have written")]
fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("it is written");
    chmod(path, 0o600);
}

/// A folder that was a sandbox's, in a folder of its own.
fn state() -> (tempfile::TempDir, std::path::PathBuf) {
    let outside = tempfile::tempdir().expect("a folder");
    let folder = outside.path().join("box");
    fs::create_dir(&folder).expect("a folder");
    chmod(&folder, 0o700);
    write(&folder.join("running.lock"), "");
    write(&folder.join("starting.lock"), "");
    let endpoint = r#"{"url":"http://127.0.0.1:45999","access_key_id":"AKIAATTACKERKNOWN000","secret_access_key":"known",
        "account":"123456789012","region":"us-east-1","pid":1,"started_at":"2026-01-01T00:00:00Z","version":"0.1.0"}"#;
    write(&folder.join("endpoint.json"), endpoint);
    (outside, folder)
}

/// The error of every command that would use the folder.
async fn refusals(folder: &Path) -> Vec<LifecycleError> {
    let options = Options {
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        state_dir: folder.to_owned(),
        speed: 1.0,
        host_exec: false,
    };
    let program = Path::new(env!("CARGO_BIN_EXE_ecsws"));
    vec![
        lifecycle::ensure_running(program, &options).await.expect_err("it is not used"),
        lifecycle::status(folder).await.expect_err("it is not used"),
        lifecycle::stop(folder).await.expect_err("it is not used"),
        lifecycle::reset(folder).await.expect_err("it is not used"),
        lifecycle::check(folder).expect_err("it is not used"),
    ]
}

#[tokio::test]
async fn a_state_folder_of_another_user_is_refused() {
    if !is_root() {
        return;
    }
    for name in
        ["", "endpoint.json", "running.lock", "starting.lock", "world.redb", "sandbox.log", "instances", "tasks"]
    {
        let (_outside, folder) = state();
        let path = if name.is_empty() { folder.clone() } else { folder.join(name) };
        if ["instances", "tasks"].contains(&name) {
            fs::create_dir(&path).expect("a folder");
        } else if !path.exists() {
            write(&path, "");
        }
        give_away(&path);
        for error in refusals(&folder).await {
            let message = error.to_string();
            assert!(
                matches!(&error, LifecycleError::NotOwner { path: named, .. } if *named == path),
                "{name}: {message}"
            );
            assert!(message.contains("uid 65534") && message.contains("uid 0"), "{message}");
        }
    }
    let (outside, folder) = state();
    give_away(outside.path());
    for error in refusals(&folder).await {
        assert!(matches!(&error, LifecycleError::NotOwner { path, .. } if path == outside.path()), "{error}");
    }
    let link = tempfile::tempdir().expect("a folder");
    let (_outside, folder) = state();
    std::os::unix::fs::symlink(&folder, link.path().join("box")).expect("a link");
    give_away(&link.path().join("box"));
    for error in refusals(&link.path().join("box")).await {
        assert!(matches!(&error, LifecycleError::NotOwner { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_state_folder_that_others_can_change_is_refused() {
    for (name, mode) in [("", 0o777), ("", 0o770), ("", 0o1777), ("endpoint.json", 0o666), ("running.lock", 0o620)] {
        let (_outside, folder) = state();
        let path = if name.is_empty() { folder.clone() } else { folder.join(name) };
        chmod(&path, mode);
        for error in refusals(&folder).await {
            assert!(matches!(&error, LifecycleError::Exposed { path: named, .. } if *named == path), "{name}: {error}");
            assert!(error.to_string().contains("chmod go-w"), "{error}");
        }
    }
    let (outside, folder) = state();
    chmod(outside.path(), 0o777);
    for error in refusals(&folder).await {
        assert!(matches!(&error, LifecycleError::Exposed { path, .. } if path == outside.path()), "{error}");
    }
}

#[test]
fn keys_that_others_can_read_are_refused_until_there_are_new_ones() {
    let workshop = crate::workshop::Workshop::new();
    workshop.run("sandbox start").good();
    let exports = workshop.run("sandbox env").good();
    chmod(&workshop.path("sandbox/endpoint.json"), 0o644);
    for command in ["sandbox env", "sandbox status", "--sandbox deploy", "sandbox start"] {
        let refused = workshop.run(command);
        assert_eq!(refused.code, Some(1), "{command}: {}", refused.stderr);
        assert!(refused.stderr.contains("other users can read "), "{command}: {}", refused.stderr);
    }
    workshop.run("sandbox stop").good();
    workshop.run("sandbox start").good();
    assert_ne!(workshop.run("sandbox env").good(), exports);
}

#[test]
fn files_that_others_can_read_are_closed_at_the_next_start() {
    let workshop = crate::workshop::Workshop::new();
    workshop.run("sandbox start").good();
    workshop.run("sandbox stop").good();
    let files = ["world.redb", "sandbox.log"].map(|name| workshop.path("sandbox").join(name));
    for file in &files {
        chmod(file, 0o644);
    }
    chmod(&workshop.path("sandbox"), 0o755);
    workshop.run("sandbox start").good();
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(files.map(|file| mode(&file)), [0o600; 2]);
    assert_eq!(mode(&workshop.path("sandbox")), 0o700);
}

#[tokio::test]
async fn a_folder_in_a_sticky_one_is_used_and_an_empty_one_is_closed() {
    let aws = LocalAws::start().await;
    aws.kill();
    let outside = tempfile::tempdir().expect("a folder");
    chmod(outside.path(), 0o1777);
    let folder = outside.path().join("box");
    fs::create_dir(&folder).expect("a folder");
    chmod(&folder, 0o777);
    let mut start = ecsws_in(outside.path());
    let output = start.args(["sandbox", "start", "--state-dir"]).arg(&folder).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::metadata(&folder).expect("it is there").permissions().mode() & 0o777, 0o700);
    lifecycle::stop(&folder).await.expect("it is stopped");
}

/// What `ecsws synth` says in a folder below a project.
fn synth(below: &Path, arguments: &[&str], sudo: Option<u32>) -> (bool, String) {
    let mut command = ecsws_in(below);
    command.args(arguments).args(["synth", "--all"]);
    command.envs(sudo.map(|id| ("SUDO_UID", id.to_string())));
    let output = command.output().expect("it runs");
    (output.status.code() == Some(2), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_project_of_another_user_in_a_folder_above_is_refused() {
    if !is_root() {
        return;
    }
    let outside = tempfile::tempdir().expect("a folder");
    let (project, file) = (outside.path().to_owned(), outside.path().join("ecsws.toml"));
    let below = project.join("below");
    fs::create_dir(&below).expect("a folder");
    write(&file, "not TOML");
    let is_refused = |arguments: &[&str], sudo| synth(&below, arguments, sudo).1.contains("belongs to another user");
    let is_used = |arguments: &[&str], sudo| {
        let (is_usage, said) = synth(&below, arguments, sudo);
        is_usage && said.contains("ecsws.toml:1:") && !said.contains("another user")
    };
    assert!(is_used(&[], None));
    for path in [&file, &project] {
        give_away(path);
        let (is_usage, said) = synth(&below, &[], None);
        assert!(is_usage && said.contains("uid 65534") && said.contains("-C "), "{said}");
        assert!(is_refused(&[], Some(1)) && is_used(&[], Some(OTHER)), "SUDO_UID counts for root");
        assert!(is_used(&["-C", ".."], None), "it was named");
        let mut status = ecsws_in(&below);
        let status = status.args(["sandbox", "status", "--state-dir", "nowhere"]).output().expect("it runs");
        assert!(String::from_utf8_lossy(&status.stderr).contains("belongs to another user"));
        chown(path, Some(0), None).expect("it is taken back");
    }
    // A link of one's own to another user's file, and a link of another user's to one's own.
    let (real, other) = (project.join("real.toml"), tempfile::tempdir().expect("a folder"));
    fs::rename(&file, &real).expect("it is moved");
    std::os::unix::fs::symlink(&real, &file).expect("a link");
    assert!(is_used(&[], None));
    give_away(&real);
    assert!(is_refused(&[], None));
    chown(&real, Some(0), None).expect("it is taken back");
    give_away(&file);
    assert!(is_refused(&[], None));
    // In the folder itself it is in plain sight.
    write(&other.path().join("ecsws.toml"), "not TOML");
    give_away(&other.path().join("ecsws.toml"));
    assert!(!synth(other.path(), &[], None).1.contains("another user"));
}

#[test]
fn verbose_says_which_project_is_used() {
    let project = tempfile::tempdir().expect("a folder");
    let below = project.path().join("below");
    fs::create_dir(&below).expect("a folder");
    let text = "[services.web]\ncpu = 256\nmemory = 512\n[services.web.container]\nimage = \"nginx\"\nport = 80\n";
    write(&project.path().join("ecsws.toml"), text);
    for arguments in [&["-v", "synth", "--all"][..], &["-v", "sandbox", "status", "--state-dir", "nowhere"]] {
        let mut command = ecsws_in(&below);
        let said = command.args(arguments).output().expect("it runs").stderr;
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains(&format!("using {}", project.path().join("ecsws.toml").display())), "{said}");
    }
}
