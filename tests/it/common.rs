//! Helpers that several tests share.

use std::path::{Path, PathBuf};
use std::process::Command;

use ecsws::stack::{Environment, Lock, Spec, Template, stacks, synth};
use ecsws::testing::hint::{CommandLine, Hint, Subcommand};
use serde_json::Value;

/// A path in `tests/data`.
pub fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

/// The text of a file.
#[expect(clippy::disallowed_methods, reason = "tests read their data")]
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The folders of `tests/data/synth`, by name.
pub fn synth_cases() -> Vec<String> {
    let folders = std::fs::read_dir(data("synth")).unwrap();
    let mut names: Vec<String> = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Our template for the spec and lock in `tests/data/synth/NAME`.
pub fn synth_case(name: &str) -> Template {
    let folder = data("synth").join(name);
    let (spec, _) = Spec::parse(&read(&folder.join("ecsws.toml"))).unwrap();
    let lock = Lock::parse(&read(&folder.join("ecsws.lock"))).unwrap();
    let environment =
        Environment { account: spec.target.account.clone().unwrap(), region: spec.target.region.clone().unwrap() };
    synth(&spec, &stacks(&spec)[0].name, &environment, &lock.look_ups(&environment)).unwrap()
}

/// The CDK's template for `tests/data/synth/NAME`.
pub fn cdk_template(name: &str) -> Value {
    serde_json::from_str(&read(&data("synth").join(name).join("template.json"))).unwrap()
}

/// The binary, to be run in `dir` with an empty environment.
pub fn ecsws_in(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecsws"));
    // Suggested commands start with the program's name as typed.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, "ecsws");
    command.current_dir(dir).env_clear().env("HOME", dir.join("home"));
    command.envs([("TZ", "UTC"), ("AWS_EC2_METADATA_DISABLED", "true")]);
    command
}

/// Asserts that a text contains all parts.
pub fn assert_has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
}

/// The text of a hint, with commands for a user who gave no flags.
pub fn text_of(hint: &Hint) -> String {
    let line = CommandLine {
        program: "ecsws".to_owned(),
        flags: Vec::new(),
        profile_flags: Vec::new(),
        aws_flags: Vec::new(),
        subcommand: Subcommand::default(),
        in_sandbox: false,
    };
    hint.show(&line)
}
