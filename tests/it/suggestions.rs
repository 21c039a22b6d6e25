//! Suggested commands apply to the same project and endpoint, and invalid arguments are rejected before anything is started or called.
#![cfg(unix)]

use std::path::Path;

use crate::common::ecsws_in;
use crate::terminal::run_on_terminal;
use crate::workshop::{SMALL_PROJECT, Workshop};

/// Exit code and stderr.
fn ecsws(dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = ecsws_in(dir).args(arguments).output().expect("the binary runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn commands_in_hints_repeat_the_flags_with_quotes() {
    let dir = tempfile::tempdir().expect("a folder");
    let flags = [
        "-C",
        "a b",
        "--profile",
        "it's",
        "--region",
        "eu-west-1",
        "--endpoint-url",
        "http://me:pw@localhost:1",
        "--yes",
    ];
    let (code, stderr) = ecsws(dir.path(), &[&flags as &[&str], &["synth"]].concat());
    assert_eq!(code, Some(2), "{stderr}");
    let ecsws = "ecsws --yes --profile \"it's\" --region eu-west-1 --endpoint-url http://localhost:1 -C 'a b'";
    let hint = format!("hint: `{ecsws} init` creates one; `{ecsws} init --workshop` creates the ECS workshop's");
    assert!(stderr.contains(&hint), "{stderr}");
    assert!(!stderr.contains("me:pw"), "{stderr}");
}

#[test]
fn next_steps_repeat_the_flags() {
    let workshop = Workshop::with_spec("");
    workshop.write("a b/ecsws.toml", SMALL_PROJECT);
    let deployed = workshop.start_with(&["--sandbox", "-C", "a b", "--color", "never", "deploy"]);
    let stderr = crate::workshop::wait(deployed).stderr;
    let next: Vec<&str> = stderr.lines().skip_while(|line| !line.contains("Try next:")).skip(1).collect();
    assert_eq!(
        next,
        [
            "  ecsws --sandbox -C 'a b' --color never logs --watch",
            "  ecsws --sandbox -C 'a b' --color never scale --count 3",
            "  ecsws --sandbox -C 'a b' --color never status --watch",
        ],
        "{stderr}"
    );
}

#[test]
fn invalid_arguments_are_rejected_without_a_sandbox_or_a_region() {
    for (arguments, expected) in [
        (&["logs", "ap"] as &[&str], "ecsws.toml has no service `ap`"),
        (&["logs", "tail", "ap"], "ecsws.toml has no service `ap`"),
        (&["logs", "streams", "ap"], "ecsws.toml has no service `ap`"),
        (&["status", "ap"], "ecsws.toml has no service `ap`"),
        (&["scale", "ap", "--count", "1"], "ecsws.toml has no service `ap`"),
        (&["diff", "ap"], "ecsws.toml has no stack `ap`"),
        (&["synth", "ap"], "ecsws.toml has no stack `ap`"),
        (&["destroy", "ap"], "ecsws.toml has no stack `ap`"),
        (&["deploy", "ap"], "ecsws.toml has no stack `ap`"),
        (&["deploy", "--image", "ap=acme/api:2"], "ecsws.toml has no service `ap`"),
        (&["deploy", "--image", "api="], "write it as SERVICE=IMAGE"),
        (&["deploy", "--image", "api=Acme/Api"], "is not part of an image's name"),
        (&["deploy", "--parameters", "Size=3"], "the template of base or of api has no parameter `Size`"),
        (&["deploy", "--parameters", "api:Size=3"], "the template of api has no parameter `Size`"),
        (&["deploy", "--parameters", "web:Size=3"], "--parameters is for stack `web`, which is not deployed here"),
        (
            &["deploy", "api", "--parameters", "base:Size=3"],
            "--parameters is for stack `base`, which is not deployed here",
        ),
        (&["deploy", "--parameters", "Size"], "write it as KEY=VALUE or STACK:KEY=VALUE"),
        (&["deploy", "--outputs-file", "no/such/outputs.json"], "cannot write --outputs-file no/such/outputs.json"),
        (&["deploy", "--outputs-file", "."], "cannot write --outputs-file ."),
    ] {
        let workshop = Workshop::with_spec(SMALL_PROJECT);
        for sandbox in [&["--sandbox"] as &[&str], &[]] {
            let ended = crate::workshop::wait(workshop.start_with(&[sandbox, arguments].concat()));
            assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
            assert!(ended.stderr.contains(expected), "{arguments:?}: {}", ended.stderr);
            assert!(!workshop.path("sandbox").exists(), "{arguments:?} started the sandbox");
        }
    }
}

#[test]
fn dangerous_commands_and_flags_are_not_suggested() {
    let dir = tempfile::tempdir().expect("a folder");
    for wrong in [
        "destry",
        "destroyy",
        "destro",
        "destory",
        "detroy",
        "--ye deploy",
        "--yess deploy",
        "sandbox rest",
        "sandbox reste",
    ] {
        let (code, stderr) = ecsws(dir.path(), &wrong.split(' ').collect::<Vec<_>>());
        assert_eq!(code, Some(2), "{wrong}: {stderr}");
        let suggested = stderr.lines().filter(|line| line.contains("similar"));
        let dangerous =
            |line: &str| ["'destroy'", "'deploy'", "'--yes'", "'reset'"].iter().any(|word| line.contains(word));
        assert!(!suggested.into_iter().any(dangerous), "{wrong}: {stderr}");
    }
    // Clap also adds the suggested flag to the usage line.
    for (wrong, usage) in [
        ("deploy --yess", "\n\nUsage: ecsws deploy [OPTIONS] [STACK]...\n"),
        ("--ye deploy", "\n\nUsage: ecsws [OPTIONS] <COMMAND>\n"),
        ("sandbox reset --ye", "\n\nUsage: ecsws sandbox reset [OPTIONS]\n"),
        ("scale --yes", "\n\nUsage: ecsws scale [OPTIONS] <--count"),
        ("destry", "'destry'\n\nUsage: ecsws [OPTIONS] <COMMAND>\n"),
    ] {
        let (_, stderr) = ecsws(dir.path(), &wrong.split(' ').collect::<Vec<_>>());
        assert!(stderr.contains(usage), "{wrong}: {stderr}");
    }
    let (_, stderr) = ecsws(dir.path(), &["deploy", "--timeout", "1m", "--on-timeout", "delet"]);
    assert!(!stderr.contains("similar value exists: 'delete'"), "{stderr}");
    // Other commands are suggested.
    let (_, stderr) = ecsws(dir.path(), &["statu"]);
    assert!(stderr.contains("a similar subcommand exists: 'status'"), "{stderr}");
}

#[test]
fn a_declined_question_does_not_mark_a_stack_as_failed() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    workshop.run("sandbox start").success();
    let variables = workshop.json("sandbox env")["variables"].as_object().expect("variables").clone();
    let on_terminal = |arguments: &str, answer: &str| {
        let mut command = workshop.command(arguments);
        // Without ECSWS_SANDBOX, so that the endpoint is treated as an AWS account and the command asks.
        command.envs(
            variables
                .iter()
                .filter(|(name, _)| *name != "ECSWS_SANDBOX")
                .map(|(name, value)| (name, value.as_str().expect("text"))),
        );
        run_on_terminal(command, &[("(y/n)", answer)])
    };
    let (code, printed) = on_terminal("--color never deploy", "n");
    assert_eq!(code, Some(1), "{printed}");
    for expected in ["Create it?", "- base  not approved, not changed", "error: not approved; base was not changed"] {
        assert!(printed.contains(expected), "`{expected}` is missing in\n{printed}");
    }
    assert!(!printed.contains('✗') && !printed.contains("failed"), "{printed}");
    workshop.run("--sandbox deploy").success();
    let (code, printed) = on_terminal("--color never destroy", "no");
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("error: not approved; api, base were not changed"), "{printed}");
}

#[test]
fn a_suggested_deploy_repeats_the_inputs() {
    let workshop = Workshop::with_spec(SMALL_PROJECT);
    let words =
        ["--sandbox", "deploy", "api", "base", "--image", "api=acme/api:2", "--tags", "k=a b", "--timeout", "1ms"];
    let late = crate::workshop::wait(workshop.start_with(&words));
    assert_eq!(late.code, Some(4), "{}", late.stderr);
    let hint = "`ecsws --sandbox deploy api base --image 'api=acme/api:2' --tags 'k=a b'` follows it";
    assert!(late.error().contains(hint), "{}", late.stderr);
    assert!(late.error().contains("`ecsws --sandbox destroy base` deletes it"), "{}", late.stderr);
}

#[test]
fn repeated_commands_keep_their_arguments() {
    let autoscaling = "autoscaling = { min = 1, max = 2, cpu = { target = 50 } }\n";
    let workshop =
        Workshop::with_spec(&SMALL_PROJECT.replace("memory = 512\n", &format!("memory = 512\n{autoscaling}")));
    let error = |arguments: &str| {
        let ended = workshop.run(arguments);
        assert!(matches!(ended.code, Some(1 | 2)), "{}", ended.stderr);
        ended.error().to_owned()
    };
    let outside = error("--sandbox scale --count 5 --hotswap --no-wait-services api");
    assert!(outside.contains("`ecsws --sandbox scale --max 5 --no-wait-services api` changes the limit"), "{outside}");
    // Only the missing stack is deployed.
    for command in ["status", "status api", "logs", "scale --count 2 --hotswap"] {
        let missing = error(&format!("--sandbox {command}"));
        assert!(missing.contains("`ecsws --sandbox deploy api` creates it"), "{command}: {missing}");
    }
    let needed = error("--sandbox deploy api --tags k=v");
    assert!(needed.contains("`ecsws --sandbox deploy api --tags 'k=v' base` deploys both, in order"), "{needed}");
    workshop.run("--sandbox deploy").success();
    workshop
        .run(r#"sandbox faults {"resources":[{"resource":"AWS::ECS::Service","on":"delete","reason":"No"}]}"#)
        .success();
    let failed = error("--sandbox destroy api --yes");
    assert!(failed.contains("then repeat `ecsws --sandbox --yes destroy api`"), "{failed}");
}
