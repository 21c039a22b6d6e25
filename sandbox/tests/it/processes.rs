//! The processes of tasks: their output is complete, and none of them remains, however they or the sandbox end.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ecsws_sandbox::testing::{Exit, Process, ProcessSpec, Runner, StartError, TASK_MARKER, environment};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::task::JoinHandle;

use crate::common::program;

const LIMIT: Duration = Duration::from_secs(30);

fn runner() -> Runner {
    Runner::new(program())
}

fn spec(command: &[&str]) -> ProcessSpec {
    let id = format!("{:032x}", rand::random::<u128>());
    ProcessSpec {
        command: command.iter().map(|part| (*part).to_owned()).collect(),
        environment: environment::container_environment(
            environment::base(),
            &[],
            4321,
            "ip-10-0-0-4.ec2.internal",
            &id,
        ),
        stop_timeout: Duration::from_millis(200),
        ..ProcessSpec::default()
    }
}

fn shell(script: &str) -> ProcessSpec {
    spec(&["sh", "-c", script])
}

async fn start(script: &str) -> Process {
    runner().start(&shell(script)).await.expect("a shell starts")
}

/// The output of a process, and its exit.
async fn finish(mut process: Process) -> (Vec<String>, Exit) {
    let mut lines = Vec::new();
    while let Some(line) = process.output.recv().await {
        lines.push(line.text);
    }
    (lines, process.exit.await.expect("its exit is reported"))
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("in time")
}

/// A named pipe that ends when the last process that holds it open has ended.
pub struct Lifeline {
    folder: tempfile::TempDir,
    ended: JoinHandle<()>,
}

impl Lifeline {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lifeline");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a named pipe");
        let ended = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            std::fs::File::open(path).and_then(|mut pipe| pipe.read_to_string(&mut text)).expect("the pipe is read");
        });
        Self { folder, ended }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("lifeline")
    }

    /// A script whose processes hold the pipe as descriptor 3.
    pub fn script(&self, rest: &str) -> String {
        format!("exec 3>'{}'; {rest}", self.path().display())
    }

    pub async fn everything_ends(self) {
        // If no process has opened it, its reader would wait forever.
        let writer = std::fs::OpenOptions::new().write(true).custom_flags(nix::libc::O_NONBLOCK).open(self.path());
        drop(writer);
        within(self.ended).await.expect("the pipe was read");
    }
}

#[tokio::test]
async fn lines_of_stdout_and_stderr_are_in_the_order_in_which_they_were_written() {
    let process = start("for n in $(seq 500); do echo out $n; echo error $n >&2; done").await;
    let expected: Vec<String> = (1..=500).flat_map(|n| [format!("out {n}"), format!("error {n}")]).collect();
    assert_eq!(within(finish(process)).await.0, expected);
}

#[tokio::test]
async fn output_and_exit_code_are_reported() {
    let process = start("echo out; echo err >&2; printf 'no newline'; exit 7").await;
    let (lines, exit) = within(finish(process)).await;
    assert_eq!(lines, ["out", "err", "no newline"]);
    assert_eq!(exit, Exit::Code(7));
    assert_eq!(exit.code(), 7);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_task_ignores_no_signal_that_the_caller_of_the_sandbox_ignores() {
    let folder = tempfile::tempdir().expect("a folder");
    let caller = folder.path().join("caller");
    let script = format!(
        "#!/bin/sh\ntrap '' HUP INT QUIT USR1 USR2 ALRM TERM TSTP TTIN TTOU CHLD XFSZ\nexec '{}' \"$@\"\n",
        program().display()
    );
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o700).open(&caller).expect("a script");
    file.write_all(script.as_bytes()).expect("it is written");
    drop(file);
    let process = Runner::new(caller).start(&spec(&["grep", "SigIgn", "/proc/self/status"])).await.expect("it starts");
    let (lines, _) = within(finish(process)).await;
    let mask = u64::from_str_radix(lines[0].trim_start_matches("SigIgn:\t"), 16).expect("a mask");
    assert_eq!(mask & 0x7fff_ffff, 0, "the standard signals in {mask:x}");
}

#[tokio::test]
async fn exits_by_signal_and_by_code_differ() {
    let (_, exit) = within(finish(start("kill -9 $$").await)).await;
    assert_eq!(exit, Exit::Signal(9));
    assert_eq!(exit.code(), 137);
}

#[tokio::test]
async fn a_missing_command_is_an_error_with_its_name() {
    let error = runner().start(&spec(&["/nonexistent/program"])).await.expect_err("it cannot start");
    assert!(matches!(&error, StartError::Command(reason) if reason.contains("/nonexistent/program")), "{error}");
    let nowhere = ProcessSpec { cwd: Some(PathBuf::from("/nonexistent")), ..shell("true") };
    let error = runner().start(&nowhere).await.expect_err("it cannot start");
    assert_eq!(error.to_string(), "working directory /nonexistent does not exist");
}

#[tokio::test]
async fn a_task_sees_only_its_own_environment() {
    let (lines, _) = within(finish(runner().start(&spec(&["env"])).await.expect("env starts"))).await;
    let names: Vec<&str> = lines.iter().filter_map(|line| line.split('=').next()).collect();
    let known = ["PATH", "LANG", "HOSTNAME", "PORT", TASK_MARKER];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    assert!(lines.contains(&"PORT=4321".to_owned()));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_task_has_a_session_of_its_own_without_a_terminal() {
    // Fields 6 and 7 of proc(5)'s stat: the session and the terminal.
    let script = "read -r stat </proc/$$/stat; set -- $stat; echo $6 $7; (: </dev/tty) 2>/dev/null && echo terminal";
    let process = start(script).await;
    let shim = process.handle.id();
    let (lines, _) = within(finish(process)).await;
    assert_eq!(lines, [format!("{shim} 0")]);
}

#[tokio::test]
async fn stopping_sends_sigterm_first() {
    // Without its errors: a shell may report there that its `sleep` was terminated.
    let script = "exec 2>/dev/null; trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done";
    let mut process = start(script).await;
    assert_eq!(within(process.output.recv()).await.expect("a line").text, "up");
    process.handle.stop();
    let (lines, exit) = within(finish(process)).await;
    assert_eq!((lines, exit), (vec!["bye".to_owned()], Exit::Code(3)));
}

#[tokio::test]
async fn a_process_that_ignores_sigterm_is_killed() {
    let lifeline = Lifeline::new();
    let mut process = start(&lifeline.script("trap '' TERM; echo up; while :; do sleep 0.05; done")).await;
    assert_eq!(within(process.output.recv()).await.expect("a line").text, "up");
    process.handle.stop();
    assert_eq!(within(finish(process)).await.1, Exit::Signal(9));
    lifeline.everything_ends().await;
}

#[tokio::test]
async fn background_processes_end_with_their_command() {
    let lifeline = Lifeline::new();
    let process = start(&lifeline.script("for i in 1 2 3 4 5 6 7 8; do (sleep 600 &); sleep 600 & done; exit 0")).await;
    assert_eq!(within(finish(process)).await.1, Exit::Code(0));
    lifeline.everything_ends().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_that_leaves_its_process_group_ends_too() {
    let lifeline = Lifeline::new();
    let process = start(&lifeline.script("(setsid sleep 600 &); exit 0")).await;
    assert_eq!(within(finish(process)).await.1, Exit::Code(0));
    lifeline.everything_ends().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_process_survives_a_killed_shim() {
    let lifeline = Lifeline::new();
    let mut process = start(&lifeline.script("setsid sleep 600 & echo up; sleep 600")).await;
    assert_eq!(within(process.output.recv()).await.expect("a line").text, "up");
    kill(Pid::from_raw(process.handle.id()), Signal::SIGKILL).expect("the shim is killed");
    assert_eq!(within(finish(process)).await.1, Exit::ShimLost);
    lifeline.everything_ends().await;
}

#[tokio::test]
async fn dropping_the_handle_stops_the_process() {
    let lifeline = Lifeline::new();
    let mut process = start(&lifeline.script("trap '' TERM; echo up; while :; do sleep 1; done")).await;
    assert_eq!(within(process.output.recv()).await.expect("a line").text, "up");
    drop(process);
    lifeline.everything_ends().await;
}

const LIFELINE_SCRIPT: &str = "LIFELINE_SCRIPT";

#[tokio::test]
#[ignore = "run as a process of its own by the test below"]
#[expect(clippy::disallowed_methods, reason = "the test below passes the script this way")]
async fn a_parent_that_waits_to_be_killed() {
    let process = start(&std::env::var(LIFELINE_SCRIPT).expect("set by the test below")).await;
    let (lines, exit) = finish(process).await;
    panic!("it ended before it was killed: {lines:?} {exit:?}");
}

#[tokio::test]
async fn no_process_survives_a_killed_sandbox() {
    let lifeline = Lifeline::new();
    let started = lifeline.folder.path().join("started");
    nix::unistd::mkfifo(&started, nix::sys::stat::Mode::S_IRWXU).expect("a named pipe");
    let script = lifeline.script(&format!(
        "trap '' TERM; (setsid sleep 600 &); sleep 600 & echo up > '{}'; while :; do sleep 1; done",
        started.display()
    ));
    let mut parent = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "processes::a_parent_that_waits_to_be_killed", "--ignored"])
        .env(LIFELINE_SCRIPT, script)
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the parent starts");
    within(read_to_end(&started)).await;
    parent.kill().expect("the parent is killed");
    parent.wait().expect("the parent is collected");
    lifeline.everything_ends().await;
}

/// The kernel ends it: neither the sandbox nor the shim is left to do so.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_dies_with_its_shim_even_without_a_sandbox() {
    let lifeline = Lifeline::new();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a socket");
    let mut shim = std::process::Command::new(program())
        .args(["sandbox-inner", "task-shim"])
        .stdin(std::process::Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the shim starts");
    let spec = shell(&lifeline.script("echo up; exec sleep 600"));
    let mut text = serde_json::to_string(&spec).expect("JSON");
    text.push('\n');
    (&ours).write_all(text.as_bytes()).expect("it is sent");
    let mut output = [0; 3];
    shim.stdout.take().expect("its output").read_exact(&mut output).expect("it prints");
    assert_eq!(&output, b"up\n");
    shim.kill().expect("the shim is killed");
    shim.wait().expect("the shim is collected");
    lifeline.everything_ends().await;
    drop(ours);
}

async fn read_to_end(path: &Path) -> String {
    tokio::fs::read_to_string(path).await.expect("it is read")
}

#[tokio::test]
async fn large_output_is_complete() {
    let line = "x".repeat(1000);
    let process = start(&format!("yes {line} | head -n 50000")).await;
    let (lines, exit) = within(finish(process)).await;
    assert_eq!(exit, Exit::Code(0));
    assert_eq!(lines.len(), 50_000);
    assert!(lines.iter().all(|text| *text == line));
}

#[tokio::test]
async fn two_hundred_processes_start_and_stop_together() {
    let mut processes = Vec::new();
    for _ in 0..200 {
        processes.push(start("exec sleep 600").await);
    }
    for process in &processes {
        process.handle.stop();
    }
    for process in processes {
        assert_eq!(within(finish(process)).await.1, Exit::Signal(15));
    }
}

#[tokio::test]
async fn a_check_runs_with_the_environment_of_its_process_and_times_out() {
    let pipe = Lifeline::new();
    let process = start(&pipe.script("echo ready; exec sleep 600")).await;
    let check = |script: &str| {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        process.handle.check(command, Duration::from_secs(20))
    };
    let (fine, failing, environment) = tokio::join!(check("exit 0"), check("exit 3"), check("test $PORT = 4321"));
    assert_eq!((fine, failing, environment), (Some(0), Some(3), Some(0)));
    let held = pipe.script("sleep 600 & sleep 600");
    let late = process.handle.check(vec!["sh".to_owned(), "-c".to_owned(), held], Duration::from_millis(50));
    assert_eq!(within(late).await, None);
    assert_eq!(within(process.handle.check(vec!["/nonexistent".to_owned()], Duration::from_secs(20))).await, None);
    process.handle.stop();
    let handle = process.handle.clone();
    assert_eq!(within(finish(process)).await.1, Exit::Signal(15));
    assert_eq!(within(handle.check(vec!["true".to_owned()], Duration::from_secs(20))).await, None);
    within(pipe.everything_ends()).await;
}
