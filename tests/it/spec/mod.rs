//! Parsing `ecsws.toml` and `ecsws.lock`: all errors of a file are reported together, with positions and hints.

mod errors;
mod lock;

use std::fmt::Write as _;

use ecsws::stack::spec::{LogGroupSpec, Reference, RemovalPolicy};
use ecsws::stack::{Spec, StackKind, stacks};
use ecsws::testing::diagnostic::{Diagnostic, Diagnostics};

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
fn a_port_may_appear_once_per_protocol() {
    let text = SERVICE.replace("image = \"nginx\"", "image = \"nginx\"\nports = [53, \"53/udp\", \"53/tcp\"]");
    insta::assert_snapshot!(errors(&text), @r#"
    8:24 `services.api.container.ports[2]` is 53, which is already in the list
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
        removal: RemovalPolicy::Retain,
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
