//! Files of other users are not trusted: keys of the sandbox that they can read, and projects in folders above.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;

use crate::common::ecsws_in;

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

/// What `ecsws synth` says in a folder below a project.
fn synth(below: &Path, arguments: &[&str], sudo: Option<u32>) -> (bool, String) {
    let mut command = ecsws_in(below);
    command.args(arguments).args(["synth", "--all"]);
    command.envs(sudo.map(|id| ("SUDO_UID", id.to_string())));
    let output = command.output().expect("it runs");
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
fn verbose_prints_the_project() {
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
