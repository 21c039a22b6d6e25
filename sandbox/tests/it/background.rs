//! The sandbox inherits nothing of the command that starts it: no variable, no open file and no ignored signal.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ecsws_sandbox::lifecycle;

use crate::common::{program, read};
use crate::isolation::within;

/// A sandbox that a user's command starts; it is stopped when this value is dropped.
struct Started(tempfile::TempDir);

impl Started {
    fn folder(&self) -> PathBuf {
        self.0.path().join("state")
    }

    /// Starts it by a script in which `$0` is this program and `$@` the arguments, in a folder with an AWS profile.
    async fn by(&self, script: &str) -> std::process::Output {
        let home = self.0.path().join("home");
        std::fs::create_dir_all(home.join(".aws")).expect("a folder");
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", script]).arg(program()).arg("--background").arg(self.folder());
        command.current_dir(self.0.path()).env("HOME", home).stdin(Stdio::null());
        for name in
            ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DOCKER_PASSWORD", "BUILDKITE_TOKEN", "REGISTRY_PASSWORD", "A.B"]
        {
            command.env(name, "caller-secret");
        }
        within(command.output()).await.expect("it runs")
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let folder = self.folder();
        // The test's own runtime cannot wait here.
        let stop = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            drop(runtime.block_on(lifecycle::stop(&folder)));
        };
        drop(std::thread::spawn(stop).join());
    }
}

/// The environment and the open files of a process.
fn process(pid: u32) -> (String, Vec<(u32, PathBuf)>) {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let environment = std::fs::read(folder.join("environ")).expect("its environment");
    let files = std::fs::read_dir(folder.join("fd")).expect("its files");
    let files = files.filter_map(|file| {
        let file = file.ok()?;
        Some((file.file_name().to_str()?.parse().ok()?, std::fs::read_link(file.path()).ok()?))
    });
    (String::from_utf8_lossy(&environment).into_owned(), files.collect())
}

#[tokio::test]
async fn the_sandbox_inherits_nothing_of_the_command_that_starts_it() {
    let started = Started(tempfile::tempdir().expect("a folder"));
    // A lock on descriptor 9, and the other end of this test's pipes on 7 and 8: output() ends when they are closed.
    let output = started.by(r#"exec 9>lock; flock -n 9 || exit 1; "$0" "$@" 7>&1 8>&2"#).await;
    assert!(output.status.success(), "{output:?}");
    let lock = std::process::Command::new("flock").args(["-n"]).arg(started.0.path().join("lock")).arg("true").status();
    assert!(lock.expect("flock runs").success(), "the lock is still held");
    let (endpoint, _) = lifecycle::status(&started.folder()).await.expect("a response").expect("it runs");
    let (environment, files) = process(endpoint.pid);
    assert!(!environment.contains("caller-secret"), "{environment}");
    let own = |descriptor: u32| files.iter().find(|(open, _)| *open == descriptor).map(|(_, file)| file.clone());
    assert_eq!(own(0), Some("/dev/null".into()));
    assert_eq!(own(1), Some("/dev/null".into()));
    assert_eq!(own(2), Some(started.folder().join("sandbox.log")));
    assert!(files.iter().all(|(_, file)| !file.ends_with("lock") || file.starts_with(started.folder())), "{files:?}");
    assert_eq!(std::fs::read_link(format!("/proc/{}/cwd", endpoint.pid)).expect("it has one"), Path::new("/"));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(endpoint.pid).expect("an id"));
    assert_eq!(nix::unistd::getsid(Some(pid)), Ok(pid));
}

#[tokio::test]
async fn the_sandbox_ignores_no_signal_that_the_command_that_starts_it_ignores() {
    let started = Started(tempfile::tempdir().expect("a folder"));
    let output = started.by(r#"trap '' HUP QUIT USR1 USR2 ALRM TSTP CHLD; exec "$0" "$@""#).await;
    assert!(output.status.success(), "{output:?}");
    let (endpoint, _) = lifecycle::status(&started.folder()).await.expect("a response").expect("it runs");
    let status = read(Path::new(&format!("/proc/{}/status", endpoint.pid)));
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).expect("a mask");
    let mask = u64::from_str_radix(mask, 16).expect("hexadecimal digits");
    // SIGPIPE, as in every Rust program.
    assert_eq!(mask & 0x7fff_ffff, 0x1000, "the standard signals in {mask:x}");
}

#[tokio::test]
async fn a_sandbox_in_the_foreground_has_no_variable_of_the_caller_either() {
    let started = Started(tempfile::tempdir().expect("a folder"));
    let script = r#"exec 9>lock; "$0" "$2" 7 >/dev/null 2>&1 7>&1 &"#;
    assert!(started.by(script).await.status.success());
    let running = within(async {
        loop {
            if let Ok(Some(running)) = lifecycle::status(&started.folder()).await {
                return running;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let (endpoint, status) = running.await;
    assert!((status.speed - 7.0).abs() < f64::EPSILON, "{status:?}");
    let (environment, files) = process(endpoint.pid);
    assert!(!environment.contains("caller-secret"), "{environment}");
    assert!(files.iter().all(|(_, file)| *file != started.0.path().join("lock")), "{files:?}");
}

#[tokio::test]
async fn a_suspended_sandbox_is_reported_with_its_process() {
    use nix::sys::signal::{Signal, kill};
    let started = Started(tempfile::tempdir().expect("a folder"));
    let output = started.by("\"$0\" \"$@\"").await;
    assert!(output.status.success(), "{output:?}");
    let (endpoint, _) = lifecycle::status(&started.folder()).await.expect("it responds").expect("it runs");
    let process = nix::unistd::Pid::from_raw(i32::try_from(endpoint.pid).expect("a process id"));
    kill(process, Signal::SIGSTOP).expect("it is ours");
    while !lifecycle::is_suspended(endpoint.pid) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let expected = format!("the sandbox (process {}) is suspended", endpoint.pid);
    assert_eq!(lifecycle::status(&started.folder()).await.expect_err("it is suspended").to_string(), expected);
    assert_eq!(lifecycle::stop(&started.folder()).await.expect_err("it is suspended").to_string(), expected);
    kill(process, Signal::SIGCONT).expect("it is ours");
    assert!(within(lifecycle::stop(&started.folder())).await.expect("it stops"));
}
