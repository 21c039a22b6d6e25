//! Every JSON member that a command prints is documented in its `--help`.
#![cfg(unix)]

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::workshop::Workshop;

/// Members whose own members are data, such as names of outputs.
const MAPS: &[&str] = &["outputs", "variables", "operations", "old", "new", "condition"];

/// Collects the names of all members, recursively.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                found.insert(name.clone());
                if !MAPS.contains(&name.as_str()) {
                    names(member, found);
                }
            }
        }
        _ => {}
    }
}

/// Checks that timestamps have three decimals, so that they sort as text.
fn check_timestamps(value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(check_timestamps),
        Value::Object(members) => members.values().for_each(check_timestamps),
        Value::String(text) => {
            if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
                assert_eq!(*text, format!("{timestamp:.3}"));
            }
        }
        _ => {}
    }
}

fn values(text: &str) -> Vec<Map<String, Value>> {
    let values: Result<Vec<_>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    values.unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Runs a command and checks that the help of `command` mentions every member that is printed.
fn check(workshop: &Workshop, command: &str, arguments: &str, code: i32) -> Vec<Map<String, Value>> {
    let help = workshop.run(&format!("{command} --help")).success();
    let words: BTreeSet<&str> = help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).collect();
    let ended = workshop.run(&format!("{command} {arguments} --output json"));
    let printed = values(&ended.exit_code(code));
    assert!(!printed.is_empty(), "{command} {arguments} prints nothing");
    for value in &printed {
        assert_eq!(value.get("schema"), Some(&1.into()), "{value:?}");
        value.values().for_each(check_timestamps);
        let mut members = BTreeSet::new();
        // The members of an event depend on its name, so the help must mention that too.
        names(&Value::Object(value.clone()), &mut members);
        members.extend(value.get("event").and_then(Value::as_str).map(ToOwned::to_owned));
        let unknown: Vec<_> = members.iter().filter(|name| !words.contains(name.as_str())).collect();
        assert!(unknown.is_empty(), "`{command} --help` does not mention {unknown:?}");
    }
    printed
}

#[test]
fn every_printed_member_is_in_the_help() {
    let workshop = Workshop::new();
    check(&workshop, "deploy", "--sandbox", 0);
    check(&workshop, "deploy", "--sandbox", 0);
    check(&workshop, "scale", "--sandbox --min 1 --max 4 --cpu 50", 0);
    check(&workshop, "status", "--sandbox", 0);
    check(&workshop, "logs", "--sandbox", 0);
    check(&workshop, "logs", "groups --sandbox", 0);
    check(&workshop, "logs", "streams --sandbox", 0);
    let text = workshop.text();
    workshop.write("ecsws.toml", &text.replace("max = 4", "max = 5"));
    check(&workshop, "diff", "--sandbox --fail", 5);
    for arguments in ["start", "status", "env", "coverage", "logs", "faults"] {
        check(&workshop, "sandbox", arguments, 0);
    }
    // Without this variable, clients add a prefix to the host name for operations such as DiscoverInstances.
    let printed = check(&workshop, "sandbox", "env", 0);
    let variables = printed.last().map(|result| &result["variables"]);
    assert_eq!(variables.map(|all| &all["AWS_DISABLE_HOST_PREFIX_INJECTION"]), Some(&"true".into()));
    check(&workshop, "destroy", "--sandbox --yes", 0);
    check(&workshop, "sandbox", "stop", 0);
    check(&workshop, "sandbox", "status", 5);
    check(&workshop, "sandbox", "reset", 0);
}

#[test]
fn a_failure_is_the_last_event() {
    let workshop = Workshop::with_spec("[services.api]\ncpu = 300\n");
    for command in ["deploy", "scale", "destroy"] {
        let arguments = if command == "scale" { "--sandbox --count 2" } else { "--sandbox" };
        let printed = check(&workshop, command, arguments, 2);
        assert_eq!(printed.last().and_then(|event| event.get("event")), Some(&"failed".into()));
    }
}
