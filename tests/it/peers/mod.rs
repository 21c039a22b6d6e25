//! Tests with third-party tools against our sandbox, and of our commands against third-party servers.
//!
//! They need the tools that `install` puts into the folder in `ECSWS_PEERS`. `just peers` installs the tools and runs the tests.

mod aws_cli;
mod boto;
mod boto3_retries;
mod cdk_app;
mod cdk_templates;
mod isolation;
mod models;
mod moto;
mod podman;
mod profiles;
mod random_spec;
mod schemas;
mod sessions;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common::read;

/// The path of an installed tool.
#[expect(clippy::disallowed_methods, reason = "ECSWS_PEERS is the tests' own variable")]
fn tool(name: &str) -> PathBuf {
    let folder = std::env::var_os("ECSWS_PEERS").expect("ECSWS_PEERS is the folder of the tools; `just peers` sets it");
    Path::new(&folder).join("bin").join(name)
}

/// Runs a command, asserts that it succeeds and returns its stdout.
fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(status.success(), "{command:?}: {status}\n{}\n{}", text(&stdout), text(&stderr));
    text(&stdout)
}

/// A temporary folder with a project, and the only environment variables that commands get.
struct Place {
    dir: tempfile::TempDir,
    environment: HashMap<String, String>,
}

impl Place {
    fn new(project: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        #[expect(clippy::disallowed_methods, reason = "tests write their projects")]
        fs::write(dir.path().join("ecsws.toml"), project).expect("a file");
        let home = dir.path().to_string_lossy().into_owned();
        #[expect(clippy::disallowed_methods, reason = "python and jq are in the PATH")]
        let path = std::env::var("PATH").expect("PATH is set");
        let environment = [("HOME", home.as_str()), ("PATH", &path), ("TZ", "UTC"), ("AWS_PAGER", "")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { dir, environment }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &str) -> Command {
        let mut command = Command::new(program);
        command.args(arguments.split_whitespace()).current_dir(self.dir.path()).env_clear().envs(&self.environment);
        command
    }

    fn ecsws(&self, arguments: &str) -> String {
        succeed(&mut self.command(env!("CARGO_BIN_EXE_ecsws"), arguments))
    }

    fn aws(&self, arguments: &str) -> String {
        succeed(&mut self.command(tool("aws"), arguments))
    }

    fn write(&self, file: &str, text: &str) {
        #[expect(clippy::disallowed_methods, reason = "tests write the input of tools")]
        fs::write(self.dir.path().join(file), text).expect("a file");
    }
}

/// A project with its own sandbox, which is stopped when this is dropped.
struct Sandboxed(Place);

impl Sandboxed {
    fn start() -> Self {
        let workshop = read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/workshop/ecsws.toml"));
        let mut place = Place::new(&workshop);
        let state = place.dir.path().join("sandbox").to_string_lossy().into_owned();
        place.set("ECSWS_SANDBOX_DIR", &state);
        place.ecsws("sandbox start");
        for line in place.ecsws("sandbox env").lines() {
            if let Some((name, value)) = line.strip_prefix("export ").and_then(|line| line.split_once('=')) {
                place.set(name, value);
            }
        }
        Self(place)
    }
}

impl Drop for Sandboxed {
    fn drop(&mut self) {
        drop(self.0.command(env!("CARGO_BIN_EXE_ecsws"), "sandbox stop").status());
    }
}
