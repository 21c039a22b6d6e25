//! The binary as a user runs it: exit code, stdout and stderr.

mod connection;
mod init;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use insta::assert_snapshot;

use crate::common::ecsws_in;

/// Runs the binary in `dir` with nothing of this machine's environment, and shows code, stdout and stderr.
fn ecsws(dir: &Path, arguments: &str) -> String {
    ecsws_with(dir, arguments, &[])
}

fn ecsws_with(dir: &Path, arguments: &str, variables: &[(&str, &str)]) -> String {
    let output = ecsws_in(dir)
        .args(arguments.split_whitespace())
        .envs(variables.iter().copied())
        .output()
        .expect("the binary can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&*dir.to_string_lossy(), "DIR");
    format!("code {:?}\n-- stdout\n{}-- stderr\n{}", output.status.code(), text(&output.stdout), text(&output.stderr))
}

const SERVICE: &str = r#"
[services.api]
cpu = 256
memory = 512

[services.api.container]
image = "nginx"
port = 80
"#;

fn project(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder can be made");
    #[expect(clippy::disallowed_methods, reason = "tests write their projects")]
    fs::write(dir.path().join("ecsws.toml"), text).expect("a file can be written");
    dir
}

#[test]
fn a_folder_without_a_project_is_wrong_usage() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    assert_snapshot!(ecsws(dir.path(), "synth"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: there is no ecsws.toml in DIR
    hint: `ecsws init` creates one; `ecsws init --workshop` creates the ECS workshop's; -C chooses another folder
    ");
}

#[test]
fn all_errors_of_a_file_are_printed_together() {
    let text = SERVICE.replace("256", "300").replace("port = 80", "prot = 80");
    assert_snapshot!(ecsws(project(&text).path(), "synth"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: `services.api.cpu` is 300
      --> ecsws.toml:3:7
    hint: Fargate accepts 256, 512, 1024, 2048, 4096, 8192 or 16384
    error: unknown key `services.api.container.prot`
      --> ecsws.toml:8:1
    hint: did you mean `port`?
    ");
}

#[test]
fn the_sandbox_needs_only_the_target_of_an_invalid_file() {
    let unfinished = project(&SERVICE.replace("256", "300"));
    assert_snapshot!(ecsws(unfinished.path(), "sandbox env"), @"
    code Some(1)
    -- stdout
    -- stderr
    error: no sandbox is running
    hint: `ecsws sandbox start` starts one
    ");
    assert_snapshot!(ecsws(project("[target]\naccount = \"12\"").path(), "sandbox env"), @r#"
    code Some(2)
    -- stdout
    -- stderr
    error: `target.account` is "12"
      --> ecsws.toml:2:11
    hint: an account id is 12 digits in quotes, like "123456789012"
    "#);
}

#[test]
fn a_toml_syntax_error_has_its_position() {
    assert_snapshot!(ecsws(project("[services.api\ncpu = 256").path(), "deploy"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: unclosed table, expected `]`
      --> ecsws.toml:1:14
    hint: a line is a [table], a [[table]] of a list, or key = value; a key may appear only once, strings are in quotes, lists in brackets
    ");
}

#[test]
fn an_unknown_stack_lists_the_known_ones() {
    assert_snapshot!(ecsws(project(SERVICE).path(), "diff ecsworkshop-ap"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: ecsws.toml has no stack `ecsworkshop-ap`
    hint: did you mean `ecsworkshop-api`? stacks in this file: ecsworkshop-api
    ");
}

#[test]
fn one_of_several_services_has_to_be_named() {
    let text = SERVICE.to_owned() + &SERVICE.replace("services.api", "services.web");
    assert_snapshot!(ecsws(project(&text).path(), "scale --count 1 --region us-east-1"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: there are several: choose a service
    hint: name one of api, web
    ");
}

#[test]
fn invalid_times_are_rejected_before_any_call() {
    let dir = project(SERVICE);
    assert_snapshot!(ecsws(dir.path(), "logs --start tomorrow"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: `tomorrow` is not a time: write 30s, 5m, 2h30m, 1d, 1w, 5 minutes ago, yesterday, today 09:00, 2026-01-01, 2026-01-01T12:00 or 2026-01-01T12:00:00Z
    ");
    assert_snapshot!(ecsws(dir.path(), "logs --start 5m --end 2h"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: --end 2h is before --start 5m
    ");
}

#[test]
fn scale_rejects_inconsistent_numbers_and_keeps_the_file() {
    let dir = project(SERVICE);
    assert_snapshot!(ecsws(dir.path(), "scale --min 5 --max 2 --cpu 50 --region us-east-1"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: `services.api.autoscaling.min` is 5, more than `max` = 2
    hint: lower min or raise max
    ");
    assert_snapshot!(ecsws(dir.path(), "scale"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: the following required arguments were not provided:
      <--count <N>|--min <N>|--max <N>|--cpu <PERCENT>|--memory <PERCENT>>

    Usage: ecsws scale <--count <N>|--min <N>|--max <N>|--cpu <PERCENT>|--memory <PERCENT>> [SERVICE]

    For more information, try '--help'.
    ");
    let text = fs::read(dir.path().join("ecsws.toml")).expect("it is still there");
    assert_eq!(text, SERVICE.as_bytes());
}

#[test]
fn the_help_lists_the_commands_and_the_exit_codes() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    assert_snapshot!(ecsws(dir.path(), "-h"), @"
    code Some(0)
    -- stdout
    Run services on Amazon ECS: see what will change, deploy it, watch it, scale it

    Usage: ecsws [OPTIONS] <COMMAND>

    Commands:
      init         Write an ecsws.toml to start from
      synth        Print the CloudFormation template of a stack
      diff         Show what deploy would change, as `cdk diff` shows it
      deploy       Deploy stacks: show the changes, ask for approval, execute them and follow to the end
      ls           List the stacks of the project with their state and services
      status       Show what runs: state, tasks and why they stopped, rollout, scaling and events
      logs         Show log events of services
      scale        Change how many tasks of a service run
      restart      Replace the tasks of a service by new ones
      destroy      Delete stacks and everything in them
      cancel       Cancel an update or creation in progress, and follow until it is undone
      sandbox      Start, stop and inspect the local AWS that --sandbox uses
      completions  Print a completion script
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
          --sandbox             Use the local AWS built into ecsws, started on first use [env:
                                ECSWS_SANDBOX]
          --profile <PROFILE>   Use this profile from the AWS config files [env: AWS_PROFILE]
          --region <REGION>     Use this AWS region [env: AWS_REGION]
          --endpoint-url <URL>  Send requests to this URL instead of AWS [env: AWS_ENDPOINT_URL]
      -C, --project <DIR>       Use the ecsws.toml in this folder instead of the nearest one, here or
                                above [env: ECSWS_PROJECT]
          --output <OUTPUT>     Format of results on stdout [env: ECSWS_OUTPUT] [default: text]
                                [possible values: text, json]
          --color <WHEN>        When to use colour; respects NO_COLOR [env: ECSWS_COLOR] [default: auto]
                                [possible values: auto, always, never]
      -q, --quiet               Print only results, questions and errors
      -v, --verbose             Print more details, such as endpoints, look-ups and causes of errors
          --yes                 Answer yes to every question [env: ECSWS_YES]

    Exit codes:
        0  success
        1  failure
        2  usage error or invalid ecsws.toml; nothing was changed
        3  AWS denied access: credentials or permissions
        4  --timeout expired
        5  a check failed: `diff --fail` found differences, `status --check` found the service not
        steady, or `sandbox status` found no sandbox running
      130  interrupted
    -- stderr
    ");
}

#[test]
fn a_file_that_is_not_utf8_has_the_position() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::File::create(folder.path().join("ecsws.toml")).unwrap().write_all(b"cdk = 2\n# a\xff\n").unwrap();
    let ended = ecsws_in(folder.path()).arg("synth").output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let expected = "error: the file is not valid UTF-8\n  --> ecsws.toml:2:4\nhint: save the file as UTF-8\n";
    assert_eq!(String::from_utf8_lossy(&ended.stderr), expected);
}

#[test]
fn watching_ends_when_stdout_is_closed() {
    let workshop = crate::workshop::Workshop::new();
    workshop.run("--sandbox deploy").success();
    for command in ["--sandbox status --watch", "--sandbox logs --watch", "sandbox logs --watch"] {
        let mut child = workshop.start(command);
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{command}");
    }
}
