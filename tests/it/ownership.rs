//! Sandbox keys that other users can read, and projects of other users in parent folders, are rejected.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use crate::common::ecsws_in;

/// The id of another user. Only root can change a file's owner.
const OTHER_USER: u32 = 65534;

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions are changed");
}

fn give_away(path: &Path) {
    std::os::unix::fs::lchown(path, Some(OTHER_USER), None).expect("the owner is changed");
}

#[expect(clippy::disallowed_methods, reason = "tests write files")]
fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    chmod(path, 0o600);
}

#[test]
fn keys_that_other_users_can_read_are_rejected_and_replaced_at_the_next_start() {
    let workshop = crate::workshop::Workshop::new();
    workshop.run("sandbox start").success();
    let exports = workshop.run("sandbox env").success();
    chmod(&workshop.path("sandbox/endpoint.json"), 0o644);
    for command in ["sandbox env", "sandbox status", "--sandbox deploy", "sandbox start"] {
        let refused = workshop.run(command);
        assert_eq!(refused.code, Some(1), "{command}: {}", refused.stderr);
        assert!(refused.stderr.contains("other users can read "), "{command}: {}", refused.stderr);
    }
    workshop.run("sandbox stop").success();
    workshop.run("sandbox start").success();
    assert_ne!(workshop.run("sandbox env").success(), exports);
}

#[test]
fn permissions_of_state_files_are_restored_at_the_next_start() {
    let workshop = crate::workshop::Workshop::new();
    workshop.run("sandbox start").success();
    workshop.run("sandbox stop").success();
    let files = ["world.redb", "sandbox.log"].map(|name| workshop.path("sandbox").join(name));
    for file in &files {
        chmod(file, 0o644);
    }
    chmod(&workshop.path("sandbox"), 0o755);
    workshop.run("sandbox start").success();
    let mode = |path: &Path| fs::metadata(path).expect("the file exists").permissions().mode() & 0o777;
    assert_eq!(files.map(|file| mode(&file)), [0o600; 2]);
    assert_eq!(mode(&workshop.path("sandbox")), 0o700);
}

/// Runs `ecsws synth` in a folder. Returns whether it is a usage error, and its stderr.
fn synth(below: &Path, arguments: &[&str], sudo: Option<u32>) -> (bool, String) {
    let mut command = ecsws_in(below);
    command.args(arguments).args(["synth", "--all"]);
    command.envs(sudo.map(|id| ("SUDO_UID", id.to_string())));
    let output = command.output().expect("the binary runs");
    (output.status.code() == Some(2), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_project_of_another_user_in_a_parent_folder_is_an_error() {
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
        let (is_usage_error, stderr) = synth(&below, arguments, sudo);
        is_usage_error && stderr.contains("ecsws.toml:1:") && !stderr.contains("another user")
    };
    assert!(is_used(&[], None));
    for path in [&file, &project] {
        give_away(path);
        let (is_usage_error, stderr) = synth(&below, &[], None);
        assert!(is_usage_error && stderr.contains("uid 65534") && stderr.contains("-C "), "{stderr}");
        assert!(is_refused(&[], Some(1)) && is_used(&[], Some(OTHER_USER)), "root is treated as the user in SUDO_UID");
        assert!(is_used(&["-C", ".."], None), "a project that is given with -C is trusted");
        let mut status = ecsws_in(&below);
        let status = status.args(["sandbox", "status", "--state-dir", "nowhere"]).output().expect("the binary runs");
        assert!(String::from_utf8_lossy(&status.stderr).contains("belongs to another user"));
        chown(path, Some(0), None).expect("the owner is restored");
    }
    // A symbolic link to another user's file, and another user's link to this user's file.
    let (real, other) = (project.join("real.toml"), tempfile::tempdir().expect("a folder"));
    fs::rename(&file, &real).expect("the file is renamed");
    std::os::unix::fs::symlink(&real, &file).expect("a link");
    assert!(is_used(&[], None));
    give_away(&real);
    assert!(is_refused(&[], None));
    chown(&real, Some(0), None).expect("the owner is restored");
    give_away(&file);
    assert!(is_refused(&[], None));
    // A file in the working folder itself is trusted.
    write(&other.path().join("ecsws.toml"), "not TOML");
    give_away(&other.path().join("ecsws.toml"));
    assert!(!synth(other.path(), &[], None).1.contains("another user"));
}

#[test]
fn verbose_prints_the_project() {
    let project = tempfile::tempdir().expect("a folder");
    let below = project.path().join("below");
    fs::create_dir(&below).expect("a folder");
    let text = "[services.web]\ncpu = 256\nmemory = 512\n[services.web.container]\nimage = \"nginx\"\nport = 80\n";
    write(&project.path().join("ecsws.toml"), text);
    for arguments in [&["-v", "synth", "--all"][..], &["-v", "sandbox", "status", "--state-dir", "nowhere"]] {
        let mut command = ecsws_in(&below);
        let stderr = command.args(arguments).output().expect("the command runs").stderr;
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        assert!(stderr.contains(&format!("using {}", project.path().join("ecsws.toml").display())), "{stderr}");
    }
}
