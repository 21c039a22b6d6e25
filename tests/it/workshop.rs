//! Runs the binary in a temporary project folder with its own sandbox.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use ecsws::testing::aws::{Connection, StaticKeys};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::common::{ecsws_in, read};

/// A platform that is created fast, without gateways and instance, and one service on it. Tables may follow.
pub const SMALL_PROJECT: &str = r#"
[platform.stack]
name = "base"
stress_tool = false

[services.api]
stack = "api"
cpu = 256
memory = 512

[services.api.container]
image = "acme/api:1"
environment = { VERSION = "1.10" }
"#;

/// How long to wait for output before the test fails.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A project and its sandbox, which is stopped when this is dropped.
pub struct Workshop {
    folder: tempfile::TempDir,
}

/// The result of a command.
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Asserts exit code 0 and returns stdout.
    pub fn success(self) -> String {
        self.exit_code(0)
    }

    /// Asserts the exit code and returns stdout.
    pub fn exit_code(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// The error message at the end of stderr, with its hint.
    pub fn error(&self) -> &str {
        let start = self.stderr.find("error: ").unwrap_or_else(|| panic!("no error in\n{}", self.stderr));
        &self.stderr[start..]
    }
}

impl Workshop {
    /// A project with the `ecsws.toml` of `examples/workshop`. Its sandbox is not started.
    pub fn new() -> Self {
        Self::with_spec(&read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workshop/ecsws.toml")))
    }

    /// A project with this `ecsws.toml`.
    pub fn with_spec(text: &str) -> Self {
        let workshop = Self { folder: tempfile::tempdir().expect("a folder") };
        workshop.write("ecsws.toml", text);
        workshop
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self) -> String {
        read(&self.path("ecsws.toml"))
    }

    /// Writes a file and creates its parent folders.
    #[expect(clippy::disallowed_methods, reason = "tests write their projects")]
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// Replaces text in `ecsws.toml`, which must contain it.
    pub fn edit(&self, old: &str, new: &str) {
        let text = self.text();
        assert!(text.contains(old), "{text}");
        self.write("ecsws.toml", &text.replace(old, new));
    }

    /// A command that is not started yet.
    pub fn command(&self, arguments: &str) -> Command {
        self.command_with(&arguments.split_whitespace().collect::<Vec<_>>())
    }

    fn command_with(&self, arguments: &[&str]) -> Command {
        let mut command = ecsws_in(self.folder.path());
        command.env("ECSWS_SANDBOX_DIR", self.path("sandbox")).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command and waits until it ends.
    pub fn run(&self, arguments: &str) -> Finished {
        wait(self.start(arguments))
    }

    pub fn start(&self, arguments: &str) -> Child {
        self.command(arguments).spawn().expect("the binary runs")
    }

    /// Starts a command with another stdout than a pipe.
    #[cfg(target_os = "linux")]
    pub fn start_with_stdout(&self, arguments: &str, stdout: Stdio) -> Child {
        self.command(arguments).stdout(stdout).spawn().expect("the binary runs")
    }

    /// As [`Self::start`], for arguments with spaces.
    pub fn start_with(&self, arguments: &[&str]) -> Child {
        self.command_with(arguments).spawn().expect("the binary runs")
    }

    /// Starts a command whose stdout is read line by line.
    pub fn follow(&self, arguments: &str) -> Follower {
        let mut child = self.start(arguments);
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
        });
        Follower { child, lines }
    }

    /// A variable of `sandbox env`.
    pub fn sandbox_variable(&self, name: &str) -> String {
        let env = self.run("sandbox env").success();
        let line = env.lines().find_map(|line| line.split_once(&format!("{name}="))).expect("it is set").1;
        line.trim_matches(['\'', '"']).to_owned()
    }

    /// The connection of a client to the sandbox.
    pub fn connection(&self) -> Connection {
        let keys = StaticKeys {
            access_key_id: self.sandbox_variable("AWS_ACCESS_KEY_ID"),
            secret_access_key: self.sandbox_variable("AWS_SECRET_ACCESS_KEY"),
        };
        Connection {
            region: Some("us-east-1".to_owned()),
            endpoint_url: Some(self.sandbox_variable("AWS_ENDPOINT_URL")),
            static_keys: Some(keys),
            ..Connection::default()
        }
    }

    /// The JSON document that a command prints.
    pub fn json(&self, arguments: &str) -> Value {
        let text = self.run(&format!("{arguments} --output json")).success();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Waits until the service is steady with this number of tasks and returns its status.
    pub fn wait_until_steady(&self, tasks: u32) -> Value {
        let mut follower = self.follow("--sandbox status --watch --output json");
        let is_steady = |status: &Value| status["steady"] == true && status["running"] == tasks;
        let line = follower.wait_for_line(|line| is_steady(&serde_json::from_str(line).expect("every line is JSON")));
        follower.interrupt();
        serde_json::from_str(&line).expect("every line is JSON")
    }

    pub fn sandbox_pid(&self) -> i32 {
        let pid = self.json("sandbox status")["pid"].as_i64().expect("a process id");
        i32::try_from(pid).expect("a process id")
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // Errors are ignored: the sandbox may not have been started, and a failed test has panicked already.
        let _ = self.command("sandbox stop").output();
    }
}

/// Waits until a command ends.
pub fn wait(child: Child) -> Finished {
    let output = child.wait_with_output().expect("the process ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Finished { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// A running command whose stdout is read line by line. Killed when dropped.
pub struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    /// Waits for a line that matches and returns it. Panics after [`TIMEOUT`] or when stdout ends.
    pub fn wait_for_line(&mut self, matches: impl Fn(&str) -> bool) -> String {
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(TIMEOUT) {
            if matches(&line) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line matched: {seen:#?}")
    }

    /// Sends SIGINT, as Ctrl-C does, and returns the exit code.
    pub fn interrupt(mut self) -> Option<i32> {
        let process = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"));
        kill(process, Signal::SIGINT).expect("the command runs");
        self.child.wait().expect("the process ends").code()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // The command still runs only if the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Connects to `http://HOST:PORT`.
pub fn connect(url: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/'))?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

/// Sends `GET path` and returns the response, with its head.
pub fn get(url: &str, path: &str) -> String {
    let mut stream = connect(url).expect("the server listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nUser-Agent: story/1\r\nConnection: close\r\n\r\n")
        .expect("the request is sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("the server responds");
    response
}

/// Waits for a condition that no event reports.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "a test's deadline")]
pub fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < TIMEOUT, "timed out");
        std::thread::yield_now();
    }
}

/// The children of a process, their children, and so on.
#[cfg(target_os = "linux")]
pub fn descendants(pid: i32) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").expect("/proc").filter_map(|entry| {
        let pid: i32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        Some((pid, stat(pid)?.1))
    });
    let parents: Vec<(i32, i32)> = processes.collect();
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, parent_pid)| *parent_pid == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// Whether a process runs; `false` for a zombie.
#[cfg(target_os = "linux")]
pub fn is_alive(pid: i32) -> bool {
    stat(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// The state and the parent of a process.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "reads /proc")]
fn stat(pid: i32) -> Option<(char, i32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // PID (NAME) STATE PPID …; the name may contain any character.
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
