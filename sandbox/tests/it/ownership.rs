//! State folders that belong to other users, or that other users can change, are refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use ecsws_sandbox::lifecycle::{self, LifecycleError, Options};

use crate::common::program;
use crate::local_aws::LocalAws;

/// Another user. Only root can change a file's owner.
const OTHER: u32 = 65534;

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is changed");
}

fn change_owner(path: &Path) {
    std::os::unix::fs::lchown(path, Some(OTHER), None).expect("it is given away");
}

#[expect(clippy::disallowed_methods, reason = "what another user would have written")]
fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("it is written");
    chmod(path, 0o600);
}

/// A former sandbox's folder, in a folder of its own.
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

/// The errors of all functions that use the folder.
async fn refusals(folder: &Path) -> Vec<LifecycleError> {
    let options = Options {
        account: "123456789012".to_owned(),
        region: "us-east-1".to_owned(),
        state_dir: folder.to_owned(),
        speed: 1.0,
        host_exec: false,
    };
    vec![
        lifecycle::ensure_running(&program(), &options).await.expect_err("it is not used"),
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
        change_owner(&path);
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
    change_owner(outside.path());
    for error in refusals(&folder).await {
        assert!(matches!(&error, LifecycleError::NotOwner { path, .. } if path == outside.path()), "{error}");
    }
    let link = tempfile::tempdir().expect("a folder");
    let (_outside, folder) = state();
    std::os::unix::fs::symlink(&folder, link.path().join("box")).expect("a link");
    change_owner(&link.path().join("box"));
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
        }
    }
    let (outside, folder) = state();
    chmod(outside.path(), 0o777);
    for error in refusals(&folder).await {
        assert!(matches!(&error, LifecycleError::Exposed { path, .. } if path == outside.path()), "{error}");
    }
}

#[tokio::test]
async fn a_folder_in_a_sticky_one_is_accepted_and_an_empty_one_loses_its_permissions() {
    let aws = LocalAws::start().await;
    aws.kill();
    let outside = tempfile::tempdir().expect("a folder");
    chmod(outside.path(), 0o1777);
    let folder = outside.path().join("box");
    fs::create_dir(&folder).expect("a folder");
    chmod(&folder, 0o777);
    let output = Command::new(program()).arg("--background").arg(&folder).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::metadata(&folder).expect("it is there").permissions().mode() & 0o777, 0o700);
    lifecycle::stop(&folder).await.expect("it is stopped");
}
