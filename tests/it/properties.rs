//! Properties of synth and its output that hold for every valid spec.

use std::fmt::Write as _;

use ecsws::stack::{Environment, Lock, Spec, Template, stacks, synth};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::synth::{assert_references_resolve, assert_round_trips};

fn optional(line: &str, values: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    let line = line.to_owned();
    proptest::option::of(values)
        .prop_map(move |value| value.map(|value| format!("{line} = {value}\n")).unwrap_or_default())
        .boxed()
}

fn quoted(pattern: &'static str) -> impl Strategy<Value = String> {
    pattern.prop_map(|text| format!("\"{text}\""))
}

fn boolean() -> impl Strategy<Value = String> {
    any::<bool>().prop_map(|value| value.to_string())
}

/// Lines of the service's own table.
fn service() -> BoxedStrategy<String> {
    let size = prop::sample::select(vec![(256, 512), (512, 4096), (1024, 2048), (16384, 122_880)]);
    let lines = [
        size.prop_map(|(cpu, memory)| format!("cpu = {cpu}\nmemory = {memory}\n")).boxed(),
        optional("id", quoted("Svc[A-Za-z0-9._-]{0,260}")),
        optional("task_id", quoted("Task[A-Za-z0-9._-]{0,20}|Default")),
        optional("name", quoted("[a-z-]{1,20}")),
        optional("count", (0..20u32).prop_map(|count| count.to_string())),
        optional("discovery", quoted("[a-z]{1,10}(\\.[a-z0-9_]{1,9})?")),
        optional("public_ip", boolean()),
        optional("exec", boolean()),
        optional("compatibility", Just("[\"FARGATE\", \"EC2\"]".to_owned())),
        optional("autoscaling", Just("{ max = 9, cpu = { target = 50 }, memory = { target = 1.5 } }".to_owned())),
        optional("logs", quoted("[a-z/]{1,9}").prop_map(|prefix| format!("{{ prefix = {prefix} }}"))),
        optional("deployment", boolean().prop_map(|breaker| format!("{{ circuit_breaker = {breaker} }}"))),
        optional("task_policy", Just("[{ actions = [\"s3:GetObject\"], resources = [\"*\"] }]".to_owned())),
    ];
    lines.to_vec().prop_map(|lines| lines.concat()).boxed()
}

/// Lines of the container's table.
fn container() -> BoxedStrategy<String> {
    let secret = quoted("ssm:/[a-r]{1,9}|secretsmanager:[a-z/]{1,9}");
    let lines = [
        Just("image = \"nginx\"\n".to_owned()).boxed(),
        optional("name", quoted("[A-Za-z0-9_-]{1,30}")),
        optional("ports", Just("[80, 443]".to_owned())),
        optional("environment", text().prop_map(|text| format!("{{ A = {} }}", toml::Value::from(text)))),
        optional("secrets", secret.prop_map(|secret| format!("{{ S = {secret}, T = \"ssm:/same\" }}"))),
        optional("memory", Just("400".to_owned())),
        optional("health_check", Just("{ command = [\"true\"], interval = \"1m\" }".to_owned())),
    ];
    lines.to_vec().prop_map(|lines| lines.concat()).boxed()
}

fn spec() -> impl Strategy<Value = String> {
    let services = prop::collection::vec((service(), container()), 1..3);
    (1..=2u32, any::<bool>(), services).prop_map(|(cdk, platform, services)| {
        let mut text = format!("cdk = {cdk}\n");
        text.push_str(if platform { "[platform.stack]\ncidr = \"10.1.0.0/16\"\n" } else { "" });
        for (at, (service, container)) in services.into_iter().enumerate() {
            // The names that must differ get the service's number.
            let mut table = format!("[services.s{at}]\n{service}[services.s{at}.container]\n{container}");
            for key in ["name", "discovery"] {
                table = table.replacen(&format!("\n{key} = \""), &format!("\n{key} = \"n{at}"), 1);
            }
            let _ = write!(text, "{table}");
        }
        text
    })
}

/// Strings, among them those that YAML parsers interpret differently.
fn text() -> impl Strategy<Value = String> {
    let ambiguous = vec![
        "256",
        "2012-10-17",
        "012345678901",
        "yes",
        "No",
        "ON",
        "off",
        "null",
        "~",
        "true",
        "1_000",
        "0o7",
        "1e3",
        "12:30",
        "=",
        "<<",
        "a: b",
        "a #b",
        " a",
        "a ",
        "a:",
        "-",
        "- a",
        "? a",
        "!Ref x",
        "&a",
        "*a",
        "%a",
        "@a",
        "`a`",
        "|",
        ">",
        "{",
        "[",
        "a\nb",
        "a\nb\n",
        "\n",
        "a\n\n",
        "  a\nb",
        "a \nb",
        "a\tb\nc",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "é",
        "😀",
        "\u{7}",
        "",
        ".inf",
        "0x1F",
        "---",
        "...",
        "---\na",
        "y",
        "N",
        "\"",
        "'",
        "\\",
        "# a\nb",
        "a\n# b",
        "2001-01-01 00:00:00",
        "a\r\nb",
        "\u{7f}",
    ];
    prop_oneof![prop::sample::select(ambiguous).prop_map(str::to_owned), any::<String>(), "[a-z0-9:#~._=\\n -]{0,20}"]
}

fn value() -> impl Strategy<Value = Value> {
    // serde_json does not parse every float back exactly, but templates contain only short ones.
    let number = (-1_000_000..1_000_000i32).prop_map(|hundredths| Value::from(f64::from(hundredths) / 100.0));
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        number,
        text().prop_map(Value::String),
    ];
    scalar.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((text(), inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn templates(text: &str) -> Vec<Template> {
    let (spec, _) = Spec::parse(text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let environment = Environment { account: "123456789012".to_owned(), region: "us-east-1".to_owned() };
    let mut look_ups = Lock::default().look_ups(&environment);
    look_ups.set_zones(["a", "b", "c"].map(str::to_owned).to_vec());
    look_ups.set_known_after(&spec.platform.vpc, "base");
    stacks(&spec).iter().map(|stack| synth(&spec, &stack.name, &environment, &look_ups).unwrap()).collect()
}

proptest! {
    #[test]
    fn references_in_templates_of_valid_specs_resolve(text in spec()) {
        let templates = templates(&text);
        templates.iter().for_each(assert_references_resolve);
        templates.iter().for_each(assert_round_trips);
    }

    #[test]
    fn synth_is_deterministic(text in spec()) {
        let texts = || templates(&text).iter().map(Template::to_yaml).collect::<Vec<_>>();
        prop_assert_eq!(texts(), texts());
    }

    #[test]
    fn yaml_round_trips(value in value()) {
        assert_round_trips(&Template::from_map(Map::from_iter([("Value".to_owned(), value)])));
    }

    #[test]
    fn the_parser_never_panics(text in "[a-z.=\\[\\]{}\"\\n# 0-9é]{0,80}") {
        let _ = Spec::parse(&text);
        let _ = Lock::parse(&text);
    }
}
