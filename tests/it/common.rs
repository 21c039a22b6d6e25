//! What several tests need.

use std::path::{Path, PathBuf};
use std::process::Command;

use ecsws::hint::{CommandLine, Hint, Subcommand};
use ecsws::stack::{Environment, Lock, Spec, Template, stacks, synth};
use serde_json::Value;

/// The folder of test data.
pub fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

/// A file's text.
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

/// What we make of the spec and lock in `tests/data/synth/NAME`.
pub fn synth_case(name: &str) -> Template {
    let folder = data("synth").join(name);
    let (spec, _) = Spec::parse(&read(&folder.join("ecsws.toml"))).unwrap();
    let lock = Lock::parse(&read(&folder.join("ecsws.lock"))).unwrap();
    let environment =
        Environment { account: spec.target.account.clone().unwrap(), region: spec.target.region.clone().unwrap() };
    synth(&spec, &stacks(&spec)[0].name, &environment, &lock.lookups(&environment)).unwrap()
}

/// The template that the CDK made of `tests/data/synth/NAME`.
pub fn cdk_template(name: &str) -> Value {
    serde_json::from_str(&read(&data("synth").join(name).join("template.json"))).unwrap()
}

/// The binary in `dir`, with nothing of this machine's environment.
pub fn ecsws_in(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecsws"));
    // Suggested commands begin with the program's name as it was typed.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, "ecsws");
    command.current_dir(dir).env_clear().env("HOME", dir.join("home"));
    command.envs([("TZ", "UTC"), ("AWS_EC2_METADATA_DISABLED", "true")]);
    command
}

/// A hint's text, with commands as someone who gave no flags has to type them.
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
