//! The binary as a process: what it says and which code it ends with, above all when something is wrong.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
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
fn every_mistake_of_a_file_is_told_at_once() {
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
fn the_sandbox_needs_the_target_of_an_unfinished_file_only() {
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
fn toml_that_is_not_toml_is_told_with_its_place() {
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
fn an_unknown_stack_is_told_with_the_known_ones() {
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
    assert_snapshot!(ecsws(project(&text).path(), "status --region us-east-1"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: which service? there are several
    hint: name one of api, web
    ");
}

#[test]
fn no_region_and_no_credentials_are_two_clear_errors() {
    let dir = project(SERVICE);
    assert_snapshot!(ecsws(dir.path(), "deploy"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: cannot call AWS: no region is configured
    hint: pass --region, set AWS_REGION, or write region under [target] in ecsws.toml; without an account: --sandbox
    ");
    assert_snapshot!(ecsws(dir.path(), "deploy --region us-east-1"), @"
    code Some(3)
    -- stdout
    -- stderr
    error: cannot describe stack `ecsworkshop-api`: there are no AWS credentials
    hint: sign in (`aws sso login`), choose a profile with --profile, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or try it without an account: --sandbox
    ");
}

#[test]
fn a_profile_that_was_asked_for_goes_before_keys_in_the_environment() {
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let dir = project(SERVICE);
    let without_region = ecsws_with(dir.path(), "deploy --profile nope", &keys);
    assert_snapshot!(without_region, @"
    code Some(3)
    -- stdout
    -- stderr
    error: cannot use profile `nope`: the AWS config files have no such profile
    hint: no profile is configured
    ");
    assert_eq!(ecsws_with(dir.path(), "deploy --profile nope --region us-east-1", &keys), without_region);
}

#[test]
fn a_region_that_is_none_is_wrong_usage() {
    assert_snapshot!(ecsws(project(SERVICE).path(), "deploy --region mars"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: `mars` is not a region
    hint: a region looks like us-east-1
    ");
}

/// A server that answers every request like this, once it has read it.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).is_ok_and(|bytes| bytes > 0) {}
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            drop(stream.read_exact(&mut vec![0; length.unwrap_or(0)]));
            drop(stream.get_mut().write_all(answer.as_bytes()));
        }
    });
    format!("http://{address}")
}

#[test]
fn a_server_that_is_not_aws_is_told_apart() {
    let url = server("HTTP/1.1 200 OK\r\ncontent-length: 13\r\nconnection: close\r\n\r\n<html></html>");
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_MAX_ATTEMPTS", "1")];
    let dir = project(SERVICE);
    let shown = ecsws_with(dir.path(), &format!("deploy --region us-east-1 --endpoint-url {url}"), &keys);
    assert_snapshot!(shown.replace(&url, "URL"), @"
    code Some(1)
    -- stdout
    -- stderr
    error: cannot describe stack `ecsworkshop-api`: URL: unexpected response, HTTP 200
    hint: check --endpoint-url (or AWS_ENDPOINT_URL) and proxies
    ");
}

#[test]
fn an_endpoint_that_is_not_there_is_unreachable() {
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_MAX_ATTEMPTS", "1")];
    let shown =
        ecsws_with(project(SERVICE).path(), "deploy --region us-east-1 --endpoint-url http://127.0.0.1:1", &keys);
    assert_snapshot!(shown, @"
    code Some(1)
    -- stdout
    -- stderr
    error: cannot describe stack `ecsworkshop-api`: http://127.0.0.1:1 does not answer: Connection refused (os error 111)
    hint: check the network, --region and --endpoint-url (or AWS_ENDPOINT_URL)
    ");
}

#[test]
fn another_region_than_the_target_is_refused() {
    let text = "[target]\naccount = \"123456789012\"\nregion = \"us-east-1\"\n".to_owned() + SERVICE;
    assert_snapshot!(ecsws(project(&text).path(), "deploy --region eu-west-1"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: this project is for region us-east-1, but the region here is eu-west-1; nothing was changed
    hint: choose --profile and --region to match [target] in ecsws.toml, or change [target]
    ");
}

#[test]
fn times_that_are_none_are_refused_before_aws_is_asked() {
    let dir = project(SERVICE);
    assert_snapshot!(ecsws(dir.path(), "logs --start yesterday"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: `yesterday` is not a time: write 30s, 5m, 2h, 1d, 2026-01-01, 2026-01-01T12:00 or 2026-01-01T12:00:00Z
    ");
    assert_snapshot!(ecsws(dir.path(), "logs --start 5m --end 2h"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: --end 2h is before --start 5m
    ");
}

#[test]
fn scale_refuses_numbers_that_do_not_go_together_and_leaves_the_file_alone() {
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
fn init_writes_a_project_that_synth_takes_and_never_overwrites_one() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let first = ecsws(dir.path(), "init --name api --image ghcr.io/acme/api:1.4 --port 8080");
    assert_snapshot!(first, @"
    code Some(0)
    -- stdout
    -- stderr
    wrote DIR/ecsws.toml
    see what it creates with `ecsws --sandbox synth --all`, and run it on this machine with `ecsws --sandbox deploy`
    ");
    let text = crate::common::read(&dir.path().join("ecsws.toml"));
    let (spec, warnings) = ecsws::stack::Spec::parse(&text).expect("it is a spec");
    assert_eq!(spec.platform.stack.map(|stack| stack.ports), Some(spec.services["api"].container.ports.clone()));
    assert_eq!(warnings, []);
    assert_snapshot!(ecsws(dir.path(), "init --workshop"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: DIR/ecsws.toml exists already
    hint: edit it, or choose another folder with -C
    ");
    assert_snapshot!(ecsws(dir.path(), "synth nothing"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: ecsws.toml has no stack `nothing`
    hint: stacks in this file: api-base, api
    ");
}

#[test]
fn init_refuses_what_aws_would_refuse() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    assert_snapshot!(ecsws(dir.path(), "init --name Straße --image UPPER/case"), @"
    code Some(2)
    -- stdout
    -- stderr
    error: --name Straße: letters, digits and - make a service's name
    ");
    assert!(!dir.path().join("ecsws.toml").exists());
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
      deploy       Deploy stacks: what changes is shown, approved, executed and followed to the end
      status       Show what runs: counts, rollout, tasks, scaling, discovery and events
      logs         Show a service's log events
      scale        Change how many tasks of a service run
      destroy      Delete stacks and everything in them
      sandbox      Start, stop and look at the local AWS that --sandbox uses
      completions  Print a completion script
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
          --sandbox             Use the local AWS built into ecsws, started on first use [env:
                                ECSWS_SANDBOX]
          --profile <PROFILE>   Use this profile from the AWS config files; unlike the variable, the
                                flag takes precedence over keys in the environment [env: AWS_PROFILE]
          --region <REGION>     Use this AWS region [env: AWS_REGION]
          --endpoint-url <URL>  Send requests to this URL instead of AWS [env: AWS_ENDPOINT_URL]
      -C, --project <DIR>       Use the ecsws.toml in this folder instead of the nearest one, here or
                                above [env: ECSWS_PROJECT]
          --output <OUTPUT>     Format of results on stdout [env: ECSWS_OUTPUT] [default: text]
                                [possible values: text, json]
          --color <WHEN>        When to use colour; respects NO_COLOR [env: ECSWS_COLOR] [default: auto]
                                [possible values: auto, always, never]
      -q, --quiet               Print only results, questions and errors
      -v, --verbose             Print more details, such as endpoints and look-ups
          --yes                 Answer yes to every question [env: ECSWS_YES]

    Exit codes:
        0  done
        1  failed
        2  wrong usage or a wrong ecsws.toml; nothing was changed
        3  AWS denied access: credentials or permissions
        4  timed out
        5  a check failed: `diff --fail` found differences, `status --check` found it not steady
      130  interrupted
    -- stderr
    ");
}

#[test]
fn a_file_that_is_not_text_says_where() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::File::create(folder.path().join("ecsws.toml")).unwrap().write_all(b"cdk = 2\n# a\xff\n").unwrap();
    let ended = ecsws_in(folder.path()).arg("synth").output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let expected = "error: the file is not valid UTF-8\n  --> ecsws.toml:2:4\nhint: save the file as UTF-8\n";
    assert_eq!(String::from_utf8_lossy(&ended.stderr), expected);
}

#[test]
fn what_goes_on_ends_when_nobody_reads_any_more() {
    let workshop = crate::workshop::Workshop::new();
    workshop.run("--sandbox deploy").good();
    for command in ["--sandbox status --watch", "--sandbox logs --watch", "sandbox logs --watch"] {
        let mut child = workshop.start(command);
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{command}");
    }
}
