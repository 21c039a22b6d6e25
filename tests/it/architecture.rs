//! The arrows between the modules, the modules' sizes, and where the AWS SDKs and the terminal may be named.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::read;

/// Which top-level modules each of them may use. A module that is not here may use nothing of the crate.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "commands",
        &[
            "aws", "complete", "context", "error", "exit", "hint", "ops", "project", "render", "settings", "stack", "when",
        ],
    ),
    ("complete", &["project", "settings", "stack"]),
    ("context", &["aws", "error", "hint", "interrupts", "project", "render", "settings", "stack"]),
    ("project", &["error", "exit", "hint", "render", "settings", "stack"]),
    ("error", &["aws", "exit", "hint", "ops"]),
    ("aws", &["hint"]),
    ("settings", &["hint"]),
    ("ops", &["aws", "hint", "stack"]),
    ("render", &["error", "exit", "hint", "ops", "settings", "stack"]),
];

/// Lines that a file may have; tests and tables make the difference to the 300 that we aim at.
const MAX_LINES: usize = 400;

/// The tool's sources, by their paths in `src`.
fn sources() -> Vec<(PathBuf, String)> {
    sources_in("src")
}

fn sources_in(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = read(&path);
                found.push((path.strip_prefix(&root).expect("it is in src").to_owned(), text));
            }
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

/// The top-level module that a file belongs to.
fn module(path: &Path) -> String {
    let first = path.components().next().expect("a path has a part").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// Code lines only: what a comment links to is not used.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

fn used_modules(text: &str) -> Vec<String> {
    let after = code(text).flat_map(|line| line.split("crate::").skip(1));
    after.map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()).collect()
}

#[test]
fn arrows_between_modules_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let from = module(&path);
        let may = allowed.get(from.as_str()).copied().unwrap_or_default();
        for to in used_modules(&text) {
            if to != from && !may.contains(&to.as_str()) {
                wrong.push(format!("{}: {from} may not use {to}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A command in plain text would lack the flags that lead to the same project, account and endpoint.
#[test]
fn commands_in_texts_are_values_that_know_the_flags() {
    for (path, text) in sources() {
        // The spec's checks know nothing of the command line, only of the file.
        let is_apart = module(&path) == "stack";
        let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
        let named = code(&text[..tests]).any(|line| line.contains("`ecsws ") || line.contains("`aws "));
        assert!(is_apart || !named, "{} writes a command as text: use Hint", path.display());
    }
}

#[test]
fn only_the_client_layer_names_the_aws_sdks() {
    for (path, text) in sources() {
        let named = code(&text).any(|line| {
            ["aws_sdk_", "aws_config", "aws_sigv4", "aws_runtime", "aws_smithy_", "aws_types"]
                .iter()
                .any(|name| line.contains(name))
        });
        assert!(!named || module(&path) == "aws", "{} names an AWS SDK", path.display());
    }
}

/// Which top-level modules of the tool may name the sandbox's package, and what of it: names at its top level.
#[test]
fn the_sandbox_is_used_through_its_public_interface() {
    for (path, text) in sources() {
        let may = matches!(module(&path).as_str(), "main" | "commands" | "context" | "error");
        for name in code(&text).flat_map(|line| line.split("ecsws_sandbox::").skip(1)) {
            let is_public = !name.starts_with(|c: char| c.is_ascii_lowercase())
                || ["lifecycle", "inner(", "coverage("].iter().any(|known| name.starts_with(known));
            assert!(may && is_public, "{} uses {name} of the sandbox", path.display());
        }
    }
}

/// A mistake in what they share would hide itself.
#[test]
fn the_packages_share_nothing() {
    let leaves = |text: &str| code(text).any(|line| line.contains("include_") && line.contains("sandbox/"));
    for (path, text) in sources() {
        assert!(!leaves(&text), "{} includes a file of the sandbox", path.display());
    }
    for (path, text) in sources_in("sandbox/src") {
        let depth = path.components().count();
        let outside = "../".repeat(depth);
        let leaves = code(&text).any(|line| line.contains("include_") && line.contains(&outside));
        assert!(!leaves, "{} includes a file outside of its package", path.display());
        let named = code(&text).any(|line| line.contains("ecsws::"));
        assert!(!named, "{} names the tool's package", path.display());
    }
}

#[test]
fn only_render_names_the_terminal_libraries() {
    for (path, text) in sources() {
        let named = code(&text).any(|line| {
            ["ratatui::", "indicatif::", "anstream::", "owo_colors::", "console::"]
                .iter()
                .any(|name| line.contains(name))
        });
        assert!(!named || module(&path) == "render", "{} draws on the terminal", path.display());
    }
}

#[test]
fn files_are_small_and_say_what_they_are_for() {
    for (path, text) in sources().into_iter().chain(sources_in("sandbox/src")) {
        assert!(text.lines().count() <= MAX_LINES, "{} has {} lines", path.display(), text.lines().count());
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
    }
}
