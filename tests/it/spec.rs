//! Parsing `ecsws.toml` and `ecsws.lock`: all errors of a file are reported together, with positions and hints.

use std::fmt::Write as _;

use ecsws::diagnostic::{Diagnostic, Diagnostics};
use ecsws::stack::spec::{LogGroupSpec, Reference, Removal};
use ecsws::stack::{Environment, Lock, Spec, StackKind, Subnets, VpcContext, stacks};

use crate::common::text_of;

const SERVICE: &str = r#"
[services.api]
cpu = 256
memory = 512

[services.api.container]
image = "nginx"
"#;

fn listing(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for Diagnostic { message, place, hint, .. } in diagnostics {
        let place = place.as_ref().expect("a place");
        let _ = writeln!(text, "{place} {message}");
        if let Some(hint) = hint {
            let _ = writeln!(text, "     hint: {}", text_of(hint));
        }
    }
    text
}

fn errors(text: &str) -> String {
    let Diagnostics(diagnostics) = Spec::parse(text).expect_err("the spec is wrong");
    let helpless: Vec<_> = diagnostics.iter().filter(|diagnostic| diagnostic.hint.is_none()).collect();
    assert!(helpless.is_empty(), "no hint for {helpless:?}");
    listing(&diagnostics)
}

fn spec(text: &str) -> Spec {
    Spec::parse(text).unwrap_or_else(|diagnostics| panic!("{diagnostics}")).0
}

#[test]
fn a_minimal_spec_has_defaults() {
    let spec = spec(SERVICE);
    let service = &spec.services["api"];
    assert_eq!((service.stack.as_str(), service.id.as_str()), ("ecsworkshop-api", "ApiFargateService"));
    assert_eq!((service.container.id.as_str(), service.container.name.as_str()), ("api", "api"));
    assert_eq!((service.logs.prefix.as_str(), &service.logs.group), ("ecsworkshop-api", &LogGroupSpec::Implicit));
    assert_eq!(service.count, Some(1));
    assert_eq!(spec.platform.vpc, "ecsworkshop-base/BaseVPC");
    assert_eq!(spec.platform.cluster, Reference::Import("ECSClusterName".to_owned()));
}

#[test]
fn services_use_the_platform_of_the_project() {
    let spec = spec(&format!("[platform.stack]\nname = \"base\"\n{SERVICE}"));
    assert_eq!(spec.platform.vpc, "base/BaseVPC");
    let stacks: Vec<_> = stacks(&spec).into_iter().map(|stack| (stack.name, stack.kind)).collect();
    let service = StackKind::Service("api".to_owned());
    assert_eq!(stacks, [("base".to_owned(), StackKind::Platform), ("ecsworkshop-api".to_owned(), service)]);
}

#[test]
fn all_errors_of_a_service_are_reported_together() {
    let text = r#"cdk = 3

[target]
account = 123456789012
region = "US East"

[tags]
"aws:x" = "y"

[services.tail]
stack = "1st"
memroy = 512
cpu = 300
memory = 600
count = -1
compatibility = ["EC2"]
discovery = "-x"
public_ip = "yes"
platform_version = "2.0"

[services.tail.container]
id = "//"
image = ""
port = 70000
ports = [80, 80, "53/udp", "53/sctp", "0/udp", "+1/tcp"]
command = []
environment = { A = 1, B = "x" }
secrets = { B = "ssm:/b", C = "vault:c", D = "ssm:a/b" }
memory = 100
memory_reservation = 700
health_check = { command = ["CMD"], interval = "1s", timeout = "10", retries = 11 }

[services.tail.logs]
prefix = "a:b"
group = "aws/x"
retention_days = 8
removal = "snapshot"

[services.tail.deployment]
min_healthy_percent = 100
max_percent = 100

[[services.tail.task_policy]]
actions = ["GetObject"]
resources = ["bucket"]

[services.tail.autoscaling]
min = 5
max = 3
cpu = { target = 0, scale_in_cooldown = "soon" }
"#;
    insta::assert_snapshot!(errors(text));
}

#[test]
fn all_errors_of_the_platform_are_reported_together() {
    let text = r#"
[platform]
vpc = ""
cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/x"
namespace = { export = "NSID" }
security_group = 5
subnets = ["subnet-1", "sub-2"]

[platform.stack]
name = "base_stack"
cidr = "10.0.0.5/24"
cluster_name = "a b"
container_insights = 1
namespace = "a..b"
stress_tol = true
ports = ["80"]

[sandbox]
runtime = "lxc"

[sandbox.images]
nginx = { command = "x", dir = "." }
"#;
    insta::assert_snapshot!(errors(text));
}

#[test]
fn names_must_be_unique() {
    let service = |key: &str| {
        format!(
            "[services.{key}]\nstack = \"same\"\nname = \"same\"\ndiscovery = \"same\"\ncpu = 256\nmemory = 512\n\
             container = {{ image = \"nginx\" }}\nlogs = {{ group = \"/same\" }}\n"
        )
    };
    insta::assert_snapshot!(errors(&format!("[platform.stack]\nname = \"same\"\n{}{}", service("a"), service("b"))));
}

#[test]
fn missing_keys_are_reported() {
    insta::assert_snapshot!(errors(
        "[services.api]\n[services.web]\ncontainer = {}\n[services.web.autoscaling]\n[[services.web.task_policy]]\n"
    ));
    insta::assert_snapshot!(errors("cdk = 2\n"), @r"
    1:1 there is no stack in this file
         hint: add a [services.NAME] table
    ");
}

#[test]
fn a_misspelled_key_is_one_error() {
    insta::assert_snapshot!(errors("[services.api]\ncpu = 256\nmemroy = 512\ncontainer = { image = \"x\" }\n"), @r"
    3:1 unknown key `services.api.memroy`
         hint: did you mean `memory`?
    ");
}

#[test]
fn an_image_with_a_url_scheme_is_an_error() {
    let text = "[services.api]\ncpu = 256\nmemory = 512\ncontainer = { image = \"https://ghcr.io/acme/api\" }\n";
    insta::assert_snapshot!(errors(text), @r#"
    4:23 `services.api.container.image` is "https://ghcr.io/acme/api", which is a URL
         hint: an image has no scheme: "ghcr.io/acme/api"
    "#);
}

#[test]
fn an_invalid_memory_size_lists_the_valid_ones() {
    let pair = |cpu: u32, memory: u32| {
        errors(&format!("[services.api]\ncpu = {cpu}\nmemory = {memory}\ncontainer = {{ image = \"x\" }}\n"))
    };
    insta::assert_snapshot!(pair(256, 4096), @r"
    3:10 `services.api.memory` is 4096, which Fargate does not offer with cpu 256
         hint: with cpu 256, memory is 512, 1024 or 2048
    ");
    insta::assert_snapshot!(pair(8192, 17000), @r"
    3:10 `services.api.memory` is 17000, which Fargate does not offer with cpu 8192
         hint: with cpu 8192, memory is 16384 to 61440 in steps of 4096
    ");
}

#[test]
fn a_statement_that_exceeds_the_policy_size_is_an_error() {
    let statement = |length: usize| {
        let resource = format!("arn:aws:s3:::{}", "b".repeat(length - "arn:aws:s3:::".len()));
        format!("[[services.api.task_policy]]\nactions = [\"s3:GetObject\"]\nresources = [\"{resource}\"]\n")
    };
    let with =
        |lengths: &[usize]| SERVICE.to_owned() + &lengths.iter().map(|length| statement(*length)).collect::<String>();
    // The first fits into the inline policy, the second exactly into a managed one.
    spec(&with(&[8000, 6144 - 95]));
    insta::assert_snapshot!(errors(&with(&[8000, 6145 - 95, 500, 12_000])), @r"
    11:1 `services.api.task_policy[1]` needs a managed policy of 6145 characters, and IAM accepts 6144
         hint: split its actions or resources into several statements
    17:1 `services.api.task_policy[3]` needs a managed policy of 12095 characters, and IAM accepts 6144
         hint: split its actions or resources into several statements
    ");
}

#[test]
fn sibling_constructs_need_distinct_ids() {
    let service = |rest: &str| {
        format!("[services.api]\ncpu = 256\nmemory = 512\n{rest}\ncontainer = {{ image = \"x\", id = \"TaskRole\" }}\n")
    };
    insta::assert_snapshot!(errors(&service("id = \"Same\"\ntask_id = \"Same\"\nlogs = { id = \"Same\" }")));
    insta::assert_snapshot!(errors("[services.2]\ncpu = 256\nmemory = 512\ncontainer = { image = \"x\" }\n"));
    insta::assert_snapshot!(errors("[services.a_b]\ncpu = 256\nmemory = 512\ncontainer = { image = \"x\" }\n"));
}

#[test]
fn syntax_errors_have_positions() {
    insta::assert_snapshot!(errors("cdk = \n[services.api\nname = \"x\"\n"));
    insta::assert_snapshot!(errors("cdk = 1\ncdk = 2\n"));
}

#[test]
fn a_count_outside_of_autoscaling_is_a_warning() {
    let text = SERVICE.replace("memory = 512\n", "memory = 512\ncount = 20\nautoscaling = { min = 1, max = 10 }\n");
    let (spec, warnings) = Spec::parse(&text).unwrap();
    assert_eq!(spec.services["api"].count, Some(20));
    insta::assert_snapshot!(listing(&warnings), @r"
    5:9 `services.api.count` is 20, outside of autoscaling's 1 to 10
         hint: autoscaling will correct it after the deploy; leave count out to let it decide
    ");
}

#[test]
fn columns_count_characters() {
    insta::assert_snapshot!(errors("[tags]\nb = \"é\"\n\"é\" = 5\n\n[services]\n"));
}

#[test]
fn a_lock_round_trips() {
    let environment = Environment { account: "123456789012".to_owned(), region: "us-east-1".to_owned() };
    let subnets = |letter: char| (1..=2).map(|number| format!("subnet-0{letter}{number}")).collect::<Vec<_>>();
    let vpc = VpcContext {
        id: "vpc-0a1b2c3d4e5f60718".to_owned(),
        subnets: Subnets { public: subnets('a'), private: subnets('b') },
    };
    let mut lock = Lock::default();
    lock.pin_vpc(&environment, "say \"hi\"", vpc.clone());
    lock.pin_vpc(&environment, "say \"hi\"", vpc.clone());
    lock.pin_zones(&environment, vec!["us-east-1a".to_owned()]);
    insta::assert_snapshot!(lock.to_toml());
    let read = Lock::parse(&lock.to_toml()).unwrap();
    assert_eq!(read, lock);
    assert_eq!(read.vpc(&environment, "say \"hi\""), Some(&vpc));
    assert_eq!(read.only_environment(), Some(&environment));
}

#[test]
fn all_errors_of_a_lock_are_reported_together() {
    let Diagnostics(diagnostics) =
        Lock::parse("version = 2\n[[vpc]]\naccount = \"1\"\nid = \"x\"\n[zones]\n").unwrap_err();
    insta::assert_snapshot!(listing(&diagnostics));
}

#[test]
fn errors_beside_a_duplicate_key_and_in_every_list_item_are_reported() {
    let text =
        SERVICE.replace("cpu = 256", "cpu = 300\ncpu = 256").replace("memory", "compatibility = [\"A\", 3]\nmemory");
    let text = text + "[tags]\nteam = \"\"\n";
    insta::assert_snapshot!(errors(&text));
}

#[test]
fn a_port_may_appear_once_per_protocol() {
    let text = SERVICE.replace("image = \"nginx\"", "image = \"nginx\"\nports = [53, \"53/udp\", \"53/tcp\"]");
    insta::assert_snapshot!(errors(&text), @r#"
    8:24 `services.api.container.ports[2]` is 53, which is in the list already
         hint: remove one of them
    "#);
}

#[test]
fn a_retention_period_is_one_of_cloudwatch_or_infinite() {
    let group = |value: &str| {
        spec(&format!("{SERVICE}[services.api.logs]\nretention_days = {value}\n")).services["api"].logs.group.clone()
    };
    let of = |retention_days| LogGroupSpec::Explicit {
        id: "Logs".to_owned(),
        name: None,
        retention_days,
        removal: Removal::Retain,
    };
    assert_eq!(group("7"), of(Some(7)));
    assert_eq!(group("\"infinite\""), of(None));
    insta::assert_snapshot!(errors(&format!("{SERVICE}[services.api.logs]\nretention_days = \"7\"\n")), @r#"
    9:18 `services.api.logs.retention_days` is "7"
         hint: CloudWatch Logs accepts 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days; "infinite" keeps events forever
    "#);
}

#[test]
fn construct_ids_are_normalised_like_the_cdk() {
    for (cdk, id) in [(1, "a--b\nc"), (2, "a--b--c")] {
        let text = SERVICE.replace("cpu", "id = \"a/b\\nc\"\ncpu");
        assert_eq!(spec(&format!("cdk = {cdk}\n{text}")).services["api"].id, id);
    }
    // Ids that become the same are the same.
    insta::assert_snapshot!(errors(&SERVICE.replace("cpu", "id = \"A/B\"\ntask_id = \"A--B\"\ncpu")), @r#"
    4:11 `services.api.task_id` is "A--B", the same as the service's `id`
         hint: choose another one
    "#);
}

#[test]
fn line_endings_and_a_byte_order_mark_change_neither_values_nor_positions() {
    let text = format!(
        "{SERVICE}environment = {{ A = \"\"\"one\ntwo \\\n  three\"\"\", B = '''\nfour\nfive''', C = \"a\\r\\nb\" }}\n"
    );
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(spec(&windows), spec(&text));
    assert_eq!(spec(&windows).services["api"].container.environment["C"], "a\r\nb");
    let wrong =
        |text: &str| errors(&text.replace("nginx", "ng inx").replacen("[services.api]", "[services.api]\ncpi = 3", 1));
    assert_eq!(wrong(&windows), wrong(&text));
    let first_line = "cdk = 3\n[services.api]\n";
    assert_eq!(errors(&format!("\u{feff}{first_line}")), errors(first_line));
}

#[test]
fn a_port_that_the_platform_does_not_open_is_a_warning() {
    let warnings = |platform: &str, container: &str| {
        let text =
            format!("{platform}\n{}", SERVICE.replace("image = \"nginx\"", &format!("image = \"nginx\"\n{container}")));
        listing(&Spec::parse(&text).unwrap_or_else(|diagnostics| panic!("{diagnostics}")).1)
    };
    insta::assert_snapshot!(warnings("[platform.stack]", "port = 80"), @r#"
    9:8 `services.api.container.port` is not allowed by the security group of `platform.stack`: 80
         hint: write ports = [3000, 80] in [platform.stack]
    "#);
    insta::assert_snapshot!(warnings("[platform.stack]\nports = [80, \"53/udp\"]", "ports = [53, 80, \"54/udp\"]"), @r#"
    10:9 `services.api.container.ports` is not allowed by the security group of `platform.stack`: 53 and 54/udp
         hint: write ports = [80, "53/udp", 53, "54/udp"] in [platform.stack]
    "#);
    for (platform, container) in [
        ("[platform.stack]", "port = 3000"),
        ("[platform.stack]", ""),
        ("[platform.stack]\nports = [80]", "port = 80"),
        ("[platform]\nsecurity_group = \"sg-0a1\"\n[platform.stack]", "port = 80"),
        ("", "port = 80"),
    ] {
        assert_eq!(warnings(platform, container), "", "{platform} {container}");
    }
}
