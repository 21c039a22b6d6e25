//! The workshop's project in a folder of its own, with a sandbox of its own, and the binary to run in it.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::common::{ecsws_in, read};

/// Nothing that is waited for takes this long, unless it never comes.
const PATIENCE: Duration = Duration::from_mins(1);

/// The project and its sandbox; the sandbox stops with this value.
pub struct Workshop {
    folder: tempfile::TempDir,
}

/// How a command ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Its stdout; it has to have ended well.
    pub fn good(self) -> String {
        self.with(0)
    }

    /// Its stdout; it has to have ended with this code.
    pub fn with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// What it says of its failure, after everything that happened before.
    pub fn error(&self) -> &str {
        let begin = self.stderr.find("error: ").unwrap_or_else(|| panic!("no error in\n{}", self.stderr));
        &self.stderr[begin..]
    }
}

impl Workshop {
    /// A copy of the example; nothing runs yet.
    pub fn new() -> Self {
        Self::of(&read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workshop/ecsws.toml")))
    }

    /// A project of this text.
    pub fn of(text: &str) -> Self {
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

    /// Writes a file, and the folder that it is in.
    #[expect(clippy::disallowed_methods, reason = "tests write their projects")]
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder can be made");
        std::fs::write(path, text).expect("the file can be written");
    }

    /// A command that has not been started.
    pub fn command(&self, arguments: &str) -> Command {
        self.command_with(&arguments.split_whitespace().collect::<Vec<_>>())
    }

    fn command_with(&self, arguments: &[&str]) -> Command {
        let mut command = ecsws_in(self.folder.path());
        command.env("ECSWS_SANDBOX_DIR", self.path("sandbox")).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &str) -> Ended {
        ended(self.start(arguments))
    }

    /// Starts a command.
    pub fn start(&self, arguments: &str) -> Child {
        self.command(arguments).spawn().expect("the binary can be run")
    }

    /// Starts a command that writes its results to `stdout`.
    #[cfg(target_os = "linux")]
    pub fn start_with_stdout(&self, arguments: &str, stdout: Stdio) -> Child {
        self.command(arguments).stdout(stdout).spawn().expect("the binary can be run")
    }

    /// Starts a command of these words.
    pub fn start_with(&self, arguments: &[&str]) -> Child {
        self.command_with(arguments).spawn().expect("the binary can be run")
    }

    /// Starts a command that goes on, to read its lines.
    pub fn follow(&self, arguments: &str) -> Follower {
        let mut child = self.start(arguments);
        let stdout = child.stdout.take().expect("it is a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
        });
        Follower { child, lines }
    }

    /// The JSON document that a command prints.
    pub fn json(&self, arguments: &str) -> Value {
        let text = self.run(&format!("{arguments} --output json")).good();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Waits until the service's tasks run, and gives its status.
    pub fn steady(&self, tasks: u32) -> Value {
        let mut follower = self.follow("--sandbox status --watch --output json");
        let is_steady = |status: &Value| status["steady"] == true && status["running"] == tasks;
        let line = follower.line(|line| is_steady(&serde_json::from_str(line).expect("every line is JSON")));
        follower.interrupt();
        serde_json::from_str(&line).expect("it was read before")
    }

    /// The sandbox's process.
    pub fn sandbox_pid(&self) -> i32 {
        let pid = self.json("sandbox status")["pid"].as_i64().expect("a process id");
        i32::try_from(pid).expect("a process id")
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // A test that failed has said so already; here only nothing may be left.
        let _ = self.command("sandbox stop").output();
    }
}

/// Waits for a command's end.
pub fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// A command that goes on until it is interrupted.
pub struct Follower {
    child: Child,
    lines: Receiver<String>,
}

impl Follower {
    /// Waits for a line.
    pub fn line(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            if wanted(&line) {
                return line;
            }
            seen.push(line);
        }
        panic!("the line did not come; these did: {seen:#?}")
    }

    /// Waits for its end.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let mut stderr = String::new();
        let pipe = self.child.stderr.as_mut().expect("it is a pipe");
        pipe.read_to_string(&mut stderr).expect("it is text");
        (self.child.wait().expect("it ends").code(), stderr)
    }

    /// Presses Ctrl-C, and says which code it ends with.
    pub fn interrupt(mut self) -> Option<i32> {
        let process = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"));
        kill(process, Signal::SIGINT).expect("it runs");
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // It has ended, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection to `http://HOST:PORT`.
pub fn connect(url: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/'))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The answer to `GET path`, head and body.
pub fn get(url: &str, path: &str) -> String {
    let mut stream = connect(url).expect("it answers");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nUser-Agent: story/1\r\nConnection: close\r\n\r\n")
        .expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// Waits until something holds that no event tells.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "a test that waits in vain has to end")]
pub fn until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "it does not happen");
        std::thread::yield_now();
    }
}

/// The processes that a process started, and those that these did.
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
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// Whether a process still does something; one that has ended and waits to be collected does not.
#[cfg(target_os = "linux")]
pub fn is_alive(pid: i32) -> bool {
    stat(pid).is_some_and(|(state, _)| !matches!(state, 'Z' | 'X'))
}

/// A process's state and parent.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "/proc is where they are")]
fn stat(pid: i32) -> Option<(char, i32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // PID (NAME) STATE PPID …; the name may hold anything.
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
