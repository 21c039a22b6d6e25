//! The arrows between the modules, the modules' sizes, and where the AWS SDKs and the terminal may be named.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{Package, Source};

/// Plain values that every module may use: what is wrong, where and what to do, with commands that know the user's flags.
const LEAVES: &[&str] = &["diagnostic", "hint"];

/// Which top-level modules each of them may use besides [`LEAVES`]. A module that is not here may use nothing of the crate.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "commands",
        &["complete", "context", "error", "exit", "model", "ops", "project", "render", "settings", "stack", "when"],
    ),
    ("complete", &["project", "settings", "stack"]),
    // It builds the clients.
    ("context", &["aws", "error", "interrupts", "model", "project", "render", "settings", "stack"]),
    ("project", &["error", "exit", "settings", "stack"]),
    // The one place that decides the exit code and the hint for every kind of error.
    ("error", &["aws", "exit", "ops", "render"]),
    ("aws", &["model"]),
    ("ops", &["aws", "model", "stack"]),
    ("render", &["model", "ops", "stack"]),
];

/// The same for the sandbox's modules but its services. A module that is not here may use nothing of the sandbox.
const SANDBOX_ARROWS: &[(&str, &[&str])] = &[
    ("auth", &["base"]),
    ("protocol", &["auth", "base"]),
    ("store", &["base"]),
    ("faults", &["auth", "base"]),
    ("core", &["auth", "base", "faults", "process", "protocol", "store"]),
    ("session_channel", &["base", "core", "process"]),
    ("cloudformation", BELOW_SERVICES),
    (
        "control",
        &[
            "auth",
            "base",
            "cloudformation",
            "core",
            "faults",
            "process",
            "protocol",
            "services",
            "session_channel",
            "store",
        ],
    ),
    ("registry", &["cloudformation", "control", "core", "services", "session_channel", "store"]),
    ("coverage", &["cloudformation", "core", "registry"]),
    ("server", &["auth", "base", "core", "faults", "protocol", "session_channel"]),
    ("client", &["auth", "control"]),
    ("lifecycle", &["auth", "base", "client", "core", "process", "services", "store"]),
    ("inner", &["lifecycle", "process"]),
];

/// What services may use besides other services. CloudFormation calls services by their names only.
const BELOW_SERVICES: &[&str] = &["auth", "base", "core", "faults", "process", "protocol", "session_channel", "store"];

/// The sandbox's services from bottom to top: each may use those of the lines before its own.
const SERVICES: &[&[&str]] =
    &[&["cloudmap", "iam", "logs", "secretsmanager", "sts"], &["cloudwatch", "ec2"], &["ecs"], &["autoscaling", "ssm"]];

/// Lines that a file may have; tests and tables make the difference to the 300 that we aim at.
const MAX_LINES: usize = 400;

/// The top-level module that a file or a path belongs to; `lib` for the crate's root.
fn top_level(names: &[String]) -> &str {
    names.first().map_or("lib", String::as_str)
}

fn module(source: &Source) -> String {
    let first = source.path.components().next().expect("a path has a part").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// Code lines only: what a comment links to is not used.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn arrows_between_modules_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let package = Package::read("src");
    let mut wrong = BTreeSet::new();
    for source in &package.sources {
        let from = module(source);
        if ["lib", "main"].contains(&from.as_str()) {
            continue;
        }
        let may = allowed.get(from.as_str()).copied().unwrap_or_default();
        for names in package.modules_used_by(source) {
            let to = top_level(&names);
            if to != from && !may.contains(&to) && !LEAVES.contains(&to) {
                wrong.insert(format!("{}: {from} may not use {}", source.path.display(), names.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The service that a path or a file of the sandbox belongs to.
fn service(names: &[String]) -> Option<&str> {
    if top_level(names) == "services" { names.get(1).map(String::as_str) } else { None }
}

/// The place of a service in [`SERVICES`].
fn layer(service: &str) -> usize {
    let layer = SERVICES.iter().position(|layer| layer.contains(&service));
    layer.unwrap_or_else(|| panic!("the service {service} has no layer"))
}

/// The root of the package only hands names on, which are followed to where they come from.
#[test]
fn arrows_inside_the_sandbox_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = SANDBOX_ARROWS.iter().copied().collect();
    let package = Package::read("sandbox/src");
    let mut wrong = BTreeSet::new();
    for source in &package.sources {
        let from = source.module();
        if top_level(from) == "lib" {
            continue;
        }
        for names in package.modules_used_by(source) {
            let to = top_level(&names);
            let is_allowed = match (service(from), service(&names)) {
                (Some(from), Some(to)) => from == to || layer(to) < layer(from),
                (Some(_), None) => BELOW_SERVICES.contains(&to),
                (None, _) => {
                    to == top_level(from) || allowed.get(top_level(from)).is_some_and(|allowed| allowed.contains(&to))
                }
            };
            if !is_allowed && to != "lib" {
                wrong.insert(format!("{}: may not use {}", source.path.display(), names.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A command in plain text would lack the flags that lead to the same project, account and endpoint.
#[test]
fn commands_in_texts_are_values_that_know_the_flags() {
    for source @ Source { path, text, .. } in &Package::read("src").sources {
        // The spec's checks know nothing of the command line, only of the file.
        let is_apart = module(source) == "stack";
        let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
        let named = code(&text[..tests]).any(|line| line.contains("`ecsws ") || line.contains("`aws "));
        assert!(is_apart || !named, "{} writes a command as text: use Hint", path.display());
    }
}

#[test]
fn only_the_client_layer_names_the_aws_sdks() {
    for source @ Source { path, text, .. } in &Package::read("src").sources {
        let named = code(text).any(|line| {
            ["aws_sdk_", "aws_config", "aws_sigv4", "aws_runtime", "aws_smithy_", "aws_types"]
                .iter()
                .any(|name| line.contains(name))
        });
        assert!(!named || module(source) == "aws", "{} names an AWS SDK", path.display());
    }
}

/// Which top-level modules of the tool may name the sandbox's package, and what of it: names at its top level.
#[test]
fn the_sandbox_is_used_through_its_public_interface() {
    for source @ Source { path, text, .. } in &Package::read("src").sources {
        let may = matches!(module(source).as_str(), "main" | "commands" | "context" | "error");
        for name in code(text).flat_map(|line| line.split("ecsws_sandbox::").skip(1)) {
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
    for Source { path, text, .. } in &Package::read("src").sources {
        assert!(!leaves(text), "{} includes a file of the sandbox", path.display());
    }
    for Source { path, text, .. } in &Package::read("sandbox/src").sources {
        let depth = path.components().count();
        let outside = "../".repeat(depth + 1);
        let leaves = code(text).any(|line| line.contains("include_") && line.contains(&outside));
        assert!(!leaves, "{} includes a file outside of its package", path.display());
        let named = code(text).any(|line| line.contains("ecsws::"));
        assert!(!named, "{} names the tool's package", path.display());
    }
}

#[test]
fn only_render_names_the_terminal_libraries() {
    for source @ Source { path, text, .. } in &Package::read("src").sources {
        let named = code(text).any(|line| {
            ["ratatui::", "indicatif::", "anstream::", "owo_colors::", "console::"]
                .iter()
                .any(|name| line.contains(name))
        });
        assert!(!named || module(source) == "render", "{} draws on the terminal", path.display());
    }
}

#[test]
fn files_are_small_and_say_what_they_are_for() {
    let packages = ["src", "sandbox/src"].map(Package::read);
    for Source { path, text, .. } in packages.iter().flat_map(|package| &package.sources) {
        assert!(text.lines().count() <= MAX_LINES, "{} has {} lines", path.display(), text.lines().count());
        assert!(text.starts_with("//!"), "{} does not say what it is for", path.display());
    }
}
