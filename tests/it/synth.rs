//! Templates equal the CDK's, and their YAML and JSON parse to the same values.

use ecsws::stack::{Environment, Lock, LookUp, Spec, Template, synth};
use serde_json::Value;

use crate::common::{cdk_template, synth_case, synth_cases};

/// The template without the instance's image and first-boot script, which differ from the workshop's on purpose.
fn without_image(mut template: Value) -> Value {
    template.as_object_mut().unwrap().shift_remove("Parameters");
    if let Some(instance) = template.pointer_mut("/Resources/InstanceC1063A87/Properties") {
        instance.as_object_mut().unwrap().retain(|key, _| key != "ImageId" && key != "UserData");
    }
    template
}

#[test]
fn templates_equal_the_cdks_including_key_order() {
    let mut failures = Vec::new();
    for name in synth_cases() {
        let ours = without_image(synth_case(&name).to_value());
        let cdks = without_image(cdk_template(&name));
        // As text, so that the order of keys counts.
        let (cdks, ours) = (format!("{cdks:#}"), format!("{ours:#}"));
        if ours != cdks {
            let changes = similar::TextDiff::from_lines(&cdks, &ours).unified_diff().context_radius(2).to_string();
            failures.push(format!("{name}:\n{changes}"));
        }
    }
    assert!(failures.is_empty(), "{} differ from the CDK's\n{}", failures.len(), failures.join("\n"));
}

fn environment() -> Environment {
    Environment { account: "123456789012".to_owned(), region: "us-east-1".to_owned() }
}

const OWN_PLATFORM: &str = r#"
[platform.stack]
name = "base"

[services.api]
cpu = 256
memory = 512
container = { image = "nginx" }
"#;

#[test]
fn a_stack_reports_the_look_ups_it_needs() {
    let (spec, _) = Spec::parse(OWN_PLATFORM).unwrap();
    let mut look_ups = Lock::default().look_ups(&environment());
    assert_eq!(look_ups.missing(&spec, "base"), Some(LookUp::AvailabilityZones));
    assert_eq!(look_ups.missing(&spec, "ecsworkshop-api"), Some(LookUp::Vpc("base/BaseVPC".to_owned())));
    look_ups.set_zones(vec!["us-east-1a".to_owned()]);
    assert_eq!(look_ups.missing(&spec, "base"), None);
}

#[test]
fn ids_of_an_undeployed_platform_are_placeholders() {
    let (spec, _) = Spec::parse(OWN_PLATFORM).unwrap();
    let mut look_ups = Lock::default().look_ups(&environment());
    look_ups.set_known_after("base/BaseVPC", "base");
    let template = synth(&spec, "ecsworkshop-api", &environment(), &look_ups).unwrap();
    assert!(template.to_json().contains("\"known after base\""));
}

#[test]
fn an_unknown_stack_and_a_small_network_are_errors() {
    let (spec, _) = Spec::parse(&OWN_PLATFORM.replace("\"base\"", "\"base\"\ncidr = \"10.0.0.0/27\"")).unwrap();
    let mut look_ups = Lock::default().look_ups(&environment());
    look_ups.set_known_after("base/BaseVPC", "base");
    look_ups.set_zones(["a", "b", "c"].map(str::to_owned).to_vec());
    let error = |name: &str| synth(&spec, name, &environment(), &look_ups).unwrap_err().to_string();
    insta::assert_snapshot!(error("api"), @"there is no stack `api` in the project");
    insta::assert_snapshot!(error("base"), @"the network 10.0.0.0/27 has no room for 6 subnets: AWS's smallest is a /28");
}

#[test]
fn ambiguous_yaml_scalars_are_quoted() {
    insta::assert_snapshot!(synth_case("seed").to_yaml());
}

#[test]
fn all_templates_round_trip_through_json_and_yaml() {
    for name in synth_cases() {
        assert_round_trips(&synth_case(&name));
    }
}

pub fn assert_round_trips(template: &Template) {
    let value = template.to_value();
    assert_eq!(serde_json::from_str::<Value>(&template.to_json()).unwrap(), value);
    assert_eq!(yaml_serde::from_str::<Value>(&template.to_yaml()).unwrap(), value, "{}", template.to_yaml());
}

#[test]
fn references_in_all_templates_resolve() {
    for name in synth_cases() {
        assert_references_resolve(&synth_case(&name));
    }
}

/// Asserts that every `Ref`, `Fn::GetAtt` and `DependsOn` refers to a resource, parameter or pseudo parameter.
pub fn assert_references_resolve(template: &Template) {
    let resource = |name: &str| template.section("Resources").any(|(id, _)| id == name);
    let known = |name: &str| {
        name.starts_with("AWS::") || resource(name) || template.section("Parameters").any(|(id, _)| id == name)
    };
    visit(&template.to_value(), &mut |key, value| match key {
        "Ref" => assert!(known(value.as_str().unwrap()), "{value}"),
        "Fn::GetAtt" => assert!(resource(value[0].as_str().unwrap()), "{value}"),
        "DependsOn" => assert!(value.as_array().unwrap().iter().all(|id| resource(id.as_str().unwrap())), "{value}"),
        _ => {}
    });
}

fn visit(value: &Value, on_entry: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            on_entry(key, value);
            visit(value, on_entry);
        }),
        Value::Array(items) => items.iter().for_each(|item| visit(item, on_entry)),
        _ => {}
    }
}
