//! Checks the architecture: dependencies between modules, file sizes, and which modules may use the AWS SDKs, the sandbox and the
//! terminal libraries.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{Package, Source};

/// Plain values and text functions that every module may use except the pure ones. They use only each other.
const LEAVES: &[&str] = &["diagnostic", "hint", "shell", "similar_names", "url", "waits"];

/// Modules without side effects: they may use only what their row lists.
const PURE: &[&str] = &["model", "stack"];

/// The top-level modules that each top-level module may use in addition to [`LEAVES`]. A module that is not listed may use no others.
const DEPENDENCIES: &[(&str, &[&str])] = &[
    (
        "commands",
        &[
            "complete",
            "context",
            "error",
            "exit",
            "model",
            "ops",
            "project",
            "render",
            "settings",
            "stack",
            "time_args",
        ],
    ),
    ("complete", &["project", "settings", "stack"]),
    // It builds the clients.
    ("context", &["aws", "error", "exit", "model", "project", "render", "settings", "stack"]),
    ("project", &["error", "exit", "settings", "stack"]),
    // The one place that decides the exit code and the hint for every kind of error.
    ("error", &["aws", "exit", "ops", "render"]),
    ("aws", &["model"]),
    ("ops", &["aws", "model", "stack"]),
    ("render", &["model", "ops", "stack"]),
    ("stack", &["diagnostic", "similar_names"]),
];

/// As [`DEPENDENCIES`], for the sandbox's modules except its services.
const SANDBOX_DEPENDENCIES: &[(&str, &[&str])] = &[
    ("auth", &["base"]),
    ("protocol", &["auth", "base"]),
    ("process", &["base"]),
    ("store", &["base"]),
    ("fault_injection", &["auth", "base"]),
    ("core", &["auth", "base", "fault_injection", "process", "protocol", "store"]),
    ("session_channel", &["base", "core", "process"]),
    ("cloudformation", BELOW_SERVICES),
    (
        "control",
        &[
            "auth",
            "base",
            "cloudformation",
            "core",
            "fault_injection",
            "process",
            "protocol",
            "services",
            "session_channel",
            "store",
        ],
    ),
    ("registry", &["cloudformation", "control", "core", "services", "session_channel", "store"]),
    ("coverage", &["cloudformation", "core", "registry"]),
    ("server", &["auth", "base", "core", "fault_injection", "protocol", "session_channel"]),
    ("client", &["auth", "base", "control"]),
    ("lifecycle", &["auth", "base", "client", "control", "core", "process", "registry", "server", "services", "store"]),
    ("inner", &["lifecycle", "process"]),
];

/// The modules that services may use in addition to other services. CloudFormation may use the same ones: it calls services by name.
const BELOW_SERVICES: &[&str] =
    &["auth", "base", "core", "fault_injection", "process", "protocol", "session_channel", "store"];

/// The sandbox's services in layers, lowest first: each may use those of lower layers.
const SERVICES: &[&[&str]] =
    &[&["cloudmap", "iam", "logs", "secretsmanager", "sts"], &["cloudwatch", "ec2"], &["ecs"], &["autoscaling", "ssm"]];

/// The maximum number of lines per source file, with its unit tests.
const MAX_LINES: usize = 300;

/// The top-level module of a path; `lib` for the crate's root.
fn top_level(names: &[String]) -> &str {
    names.first().map_or("lib", String::as_str)
}

fn module(source: &Source) -> String {
    let first = source.path.components().next().expect("a path has a part").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The lines without comments, because links in comments are not uses.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

#[test]
fn modules_use_only_allowed_modules() {
    let allowed: BTreeMap<&str, &[&str]> = DEPENDENCIES.iter().copied().collect();
    let package = Package::read("src");
    let mut violations = BTreeSet::new();
    for source in &package.sources {
        let from = module(source);
        if ["lib", "main"].contains(&from.as_str()) {
            continue;
        }
        let allowed = allowed.get(from.as_str()).copied().unwrap_or_default();
        for names in package.modules_used_by(source) {
            let to = top_level(&names);
            let is_leaf = LEAVES.contains(&to) && !PURE.contains(&from.as_str());
            if to != from && !allowed.contains(&to) && !is_leaf {
                violations.insert(format!("{}: {from} may not use {}", source.path.display(), names.join("::")));
            }
        }
    }
    assert!(violations.is_empty(), "{violations:#?}");
}

/// The service that a path or a file of the sandbox belongs to.
fn service(names: &[String]) -> Option<&str> {
    if top_level(names) == "services" { names.get(1).map(String::as_str) } else { None }
}

/// The index of a service's layer in [`SERVICES`].
fn layer(service: &str) -> usize {
    let layer = SERVICES.iter().position(|layer| layer.contains(&service));
    layer.unwrap_or_else(|| panic!("the service {service} has no layer"))
}

/// The root of the package re-exports names, which are resolved to the modules that define them. Its own items are for tests.
#[test]
fn sandbox_modules_use_only_allowed_modules() {
    let allowed: BTreeMap<&str, &[&str]> = SANDBOX_DEPENDENCIES.iter().copied().collect();
    let package = Package::read("sandbox/src");
    let mut violations = BTreeSet::new();
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
                violations.insert(format!("{}: may not use {}", source.path.display(), names.join("::")));
            }
        }
    }
    assert!(violations.is_empty(), "{violations:#?}");
}

/// A command in plain text would lack the flags that select the same project, account and endpoint.
#[test]
fn suggested_commands_are_built_with_hint() {
    for source @ Source { path, text, .. } in &Package::read("src").sources {
        // The checks of a spec do not know the command line.
        let is_exempt = module(source) == "stack";
        let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
        let has_command = code(&text[..tests]).any(|line| line.contains("`ecsws ") || line.contains("`aws "));
        assert!(is_exempt || !has_command, "{} contains a command as text: use Hint", path.display());
    }
}

#[test]
fn only_the_client_layer_uses_the_aws_sdks() {
    for source @ Source { path, text, .. } in &Package::read("src").sources {
        let named = code(text).any(|line| {
            ["aws_sdk_", "aws_config", "aws_sigv4", "aws_runtime", "aws_smithy_", "aws_types", "aws_credential_types"]
                .iter()
                .any(|name| line.contains(name))
        });
        assert!(!named || module(source) == "aws", "{} uses an AWS SDK", path.display());
    }
}

/// Only some modules of the tool may use the sandbox's package, and only names at its top level.
#[test]
fn the_sandbox_is_used_through_its_public_interface() {
    for source @ Source { path, text, .. } in &Package::read("src").sources {
        let is_allowed = matches!(module(source).as_str(), "main" | "commands" | "context" | "error");
        for name in code(text).flat_map(|line| line.split("ecsws_sandbox::").skip(1)) {
            let is_public = !name.starts_with(|c: char| c.is_ascii_lowercase())
                || ["lifecycle", "messages", "inner(", "coverage("].iter().any(|known| name.starts_with(known));
            assert!(is_allowed && is_public, "{} uses {name} of the sandbox", path.display());
        }
    }
}

/// A mistake in shared code or data would be on both sides of every test.
#[test]
fn the_packages_share_no_code_or_data() {
    let includes_sandbox = |text: &str| code(text).any(|line| line.contains("include_") && line.contains("sandbox/"));
    for Source { path, text, .. } in &Package::read("src").sources {
        assert!(!includes_sandbox(text), "{} includes a file of the sandbox", path.display());
    }
    for Source { path, text, .. } in &Package::read("sandbox/src").sources {
        let depth = path.components().count();
        let outside = "../".repeat(depth + 1);
        let includes_outside = code(text).any(|line| line.contains("include_") && line.contains(&outside));
        assert!(!includes_outside, "{} includes a file outside of its package", path.display());
        let uses_tool = code(text).any(|line| line.contains("ecsws::"));
        assert!(!uses_tool, "{} uses the tool's package", path.display());
    }
}

#[test]
fn only_render_uses_the_terminal_libraries() {
    for source @ Source { path, text, .. } in &Package::read("src").sources {
        let named = code(text).any(|line| {
            ["ratatui::", "indicatif::", "anstream::", "owo_colors::", "console::"]
                .iter()
                .any(|name| line.contains(name))
        });
        assert!(!named || module(source) == "render", "{} uses a terminal library", path.display());
    }
}

#[test]
fn files_are_small_and_start_with_a_module_doc() {
    let packages = ["src", "sandbox/src"].map(Package::read);
    for Source { path, text, .. } in packages.iter().flat_map(|package| &package.sources) {
        assert!(text.lines().count() <= MAX_LINES, "{} has {} lines", path.display(), text.lines().count());
        assert!(text.starts_with("//!"), "{} has no module doc", path.display());
    }
}
