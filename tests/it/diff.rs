//! The text of diffs is identical to `cdk diff`'s.

use ecsws::stack::{PlannedResource, RequiresRecreation, Template, TemplateDiff};
use ecsws::testing::render::text::{self, Line};
use serde_json::{Value, json};

use crate::common::{cdk_template, data, read};

fn template(value: &Value) -> Template {
    Template::from_map(value.as_object().unwrap().clone())
}

/// The template of a recorded case; `empty` is that of a stack that does not exist.
fn case(name: &str) -> Template {
    template(&if name == "empty" { json!({}) } else { cdk_template(name) })
}

fn printed(lines: &[Line]) -> String {
    lines.iter().map(Line::to_string).map(|line| line + "\n").collect()
}

fn full_text(diff: &TemplateDiff) -> String {
    let stack = printed(&text::stack("ecsworkshop-nodejs", diff, None));
    stack + &printed(&text::footer(usize::from(!diff.is_empty())))
}

#[test]
fn diffs_are_identical_to_the_cdks() {
    let mut failures = Vec::new();
    for file in std::fs::read_dir(data("diff")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (old, new) = name.split_once("--").unwrap();
        let (old, new) = if old == "same" { ("seed", "seed") } else { (old, new) };
        let ours = full_text(&TemplateDiff::between(&case(old), &case(new)));
        let cdks = read(&path);
        if ours != cdks {
            let changes = similar::TextDiff::from_lines(&cdks, &ours).unified_diff().to_string();
            failures.push(format!("{name}:\n{changes}"));
        }
    }
    assert!(failures.is_empty(), "{} differ from the CDK's\n{}", failures.len(), failures.join("\n"));
}

/// The template of a recorded case, with one value changed.
fn with(name: &str, pointer: &str, value: Value) -> Template {
    let mut changed = cdk_template(name);
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    changed.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
    template(&changed)
}

#[test]
fn a_replacement_propagates_to_referring_resources() {
    let renamed = with("seed", "/Resources/TaskDefTaskRole1EDB4A67/Properties/RoleName", json!("api"));
    insta::assert_snapshot!(full_text(&TemplateDiff::between(&case("seed"), &renamed)));
}

#[test]
fn numbers_and_booleans_equal_their_strings() {
    let strings = with("seed", "/Resources/NodejsFargateService948C9DA8/Properties/DesiredCount", json!("1"));
    let strings =
        with_value(&strings, "/Resources/NodejsFargateService948C9DA8/Properties/EnableECSManagedTags", json!("false"));
    assert!(TemplateDiff::between(&case("seed"), &strings).is_empty());
}

fn with_value(changed: &Template, pointer: &str, value: Value) -> Template {
    let mut changed = changed.to_value();
    *changed.pointer_mut(pointer).unwrap() = value;
    template(&changed)
}

#[test]
fn cdk_metadata_is_kept_and_not_shown() {
    let mut deployed = cdk_template("seed");
    deployed["Parameters"] = json!({ "BootstrapVersion": { "Type": "String" } });
    deployed["Rules"] = json!({ "CheckBootstrapVersion": {} });
    deployed["Resources"]["CDKMetadata"] = json!({ "Type": "AWS::CDK::Metadata" });
    let deployed = template(&deployed);
    assert!(TemplateDiff::between(&deployed, &case("seed")).is_empty());
    assert_eq!(case("seed").with_additions_of(&deployed).to_value(), deployed.to_value());
}

#[test]
fn only_additional_permissions_are_broadening() {
    let broadens = |old: &str, new: &str| TemplateDiff::between(&case(old), &case(new)).security.is_broadening();
    assert!(broadens("empty", "seed"));
    assert!(broadens("plain-cdk2", "policies"));
    assert!(!broadens("seed", "seed-count3"));
    assert!(!broadens("seed", "empty"));
}

#[test]
fn security_groups_and_managed_policies_have_tables() {
    insta::assert_snapshot!(printed(&text::security(&TemplateDiff::between(&case("empty"), &case("platform")), None)));
}

#[test]
fn tables_fit_the_terminal() {
    let lines = text::security(&TemplateDiff::between(&case("empty"), &case("seed")), Some(80));
    let widest = |lines: &[Line]| lines.iter().map(|line| line.to_string().chars().count()).max();
    assert!(widest(&lines[1..lines.len() - 2]) <= Some(80));
    insta::assert_snapshot!(printed(&lines));
}

#[test]
fn other_sections_have_one_line_per_entry() {
    let old = template(
        &json!({ "Description": "a", "Parameters": { "P": { "Type": "String" } }, "Outputs": { "O": { "Value": 1 } } }),
    );
    let new = template(&json!({ "Description": "b", "Outputs": { "O": { "Value": 2 } }, "Hooks": { "H": {} } }));
    insta::assert_snapshot!(full_text(&TemplateDiff::between(&old, &new)));
}

// The expected texts of the following tests were printed by the real `cdk diff`.

#[test]
fn a_map_that_becomes_a_list_is_shown_key_by_key() {
    let kinds = "/Resources/TaskDef54694570/Properties/RequiresCompatibilities";
    let subnets = "/Resources/NodejsFargateService948C9DA8/Properties/NetworkConfiguration/AwsvpcConfiguration/Subnets";
    let old = with("seed", kinds, json!({ "0": "EC2", "Fn::If": ["C", 1, 2] }));
    let old = with_value(&old, subnets, json!({ "Fn::Split": [",", { "Fn::ImportValue": "Subnets" }] }));
    insta::assert_snapshot!(full_text(&TemplateDiff::between(&old, &case("seed"))), @r"
    Stack ecsworkshop-nodejs
    Resources
    [~] AWS::ECS::TaskDefinition TaskDef TaskDef54694570 replace
     └─ [~] RequiresCompatibilities (requires replacement)
         ├─ [+] Added: .1
         └─ [-] Removed: .Fn::If
    [~] AWS::ECS::Service NodejsFargateService/Service NodejsFargateService948C9DA8
     └─ [~] NetworkConfiguration
         └─ [~] .AwsvpcConfiguration:
             └─ [~] .Subnets:
                 ├─ [+] Added: .0
                 ├─ [+] Added: .1
                 ├─ [+] Added: .2
                 └─ [-] Removed: .Fn::Split



    ✨  Number of stacks with differences: 1
    ");
}

#[test]
fn a_resource_is_shown_with_its_new_path() {
    let renamed =
        with("seed", "/Resources/TaskDef54694570/Metadata/aws:cdk:path", json!("ecsworkshop-nodejs/Renamed/Resource"));
    insta::assert_snapshot!(full_text(&TemplateDiff::between(&case("seed"), &renamed)), @r"
    Stack ecsworkshop-nodejs
    Resources
    [~] AWS::ECS::TaskDefinition Renamed TaskDef54694570
     └─ [~] Metadata
         └─ [~] .aws:cdk:path:
             ├─ [-] ecsworkshop-nodejs/TaskDef/Resource
             └─ [+] ecsworkshop-nodejs/Renamed/Resource



    ✨  Number of stacks with differences: 1
    ");
}

fn policies(policies: &[(&str, &str, Value)]) -> Template {
    let resource = |(id, kind, statements): &(&str, &str, Value)| {
        let properties =
            json!({ "PolicyDocument": { "Statement": statements }, "Roles": [{ "Ref": "R" }], "Groups": ["g"] });
        ((*id).to_owned(), json!({ "Type": kind, "Properties": properties }))
    };
    let resources: serde_json::Map<String, Value> = policies.iter().map(resource).collect();
    template(&json!({ "Resources": resources }))
}

#[test]
fn statements_of_every_kind_of_policy_are_listed() {
    let statement = json!([{ "Action": "s3:*", "Effect": "Allow", "Resource": "*" }]);
    let unresolved = json!({ "Fn::If": ["C", statement, { "Ref": "AWS::NoValue" }] });
    let new = policies(&[("A", "AWS::IAM::Policy", unresolved), ("B", "AWS::IAM::ManagedPolicy", statement)]);
    insta::assert_snapshot!(printed(&text::security(&TemplateDiff::between(&case("empty"), &new), None)));
}

#[test]
fn a_new_statement_is_listed_even_if_an_unchanged_policy_has_it_too() {
    let statement = json!([{ "Action": "s3:*", "Effect": "Allow", "Resource": "*" }]);
    let with = |second: Value| {
        policies(&[("A", "AWS::IAM::Policy", statement.clone()), ("B", "AWS::IAM::ManagedPolicy", second)])
    };
    let diff = TemplateDiff::between(&with(json!([])), &with(statement.clone()));
    // One row for the role and one for the group.
    assert_eq!(diff.security.statements.added.len(), 2);
    assert!(diff.security.is_broadening());
}

#[test]
fn a_change_that_get_template_hides_behind_question_marks_is_shown_with_its_impact() {
    let named = |name: &str, count: u8| {
        let properties = json!({ "ServiceName": name, "Cluster": { "Ref": "C" }, "DesiredCount": count });
        let resource = json!({ "Type": "AWS::ECS::Service", "Properties": properties });
        template(&json!({ "Resources": { "A": resource } }))
    };
    let planned = |name: &str, direct: &[&str]| PlannedResource {
        logical_id: "A".to_owned(),
        replacement: RequiresRecreation::Always,
        properties: vec![
            (name.to_owned(), RequiresRecreation::Always),
            ("DesiredCount".to_owned(), RequiresRecreation::Never),
        ],
        direct: direct.iter().map(|name| (*name).to_owned()).collect(),
    };
    let shown = |text: &str, counts: [u8; 2], planned: PlannedResource| {
        let (old, new) = (named(text, counts[0]), named(text, counts[1]));
        let mut diff = TemplateDiff::between(&old, &new).refined_with(&[planned], &old, &new);
        assert!(diff.take_incomparable(true).is_empty());
        let hidden = diff.undisplayable_changes();
        let text: Vec<String> = text::stack("web", &diff, None).iter().map(ToString::to_string).collect();
        (hidden, text[2..].join("\n"))
    };
    let (hidden, text) = shown("what?", [1, 1], planned("ServiceName", &["ServiceName", "ServiceName"]));
    assert_eq!(hidden, ["A.ServiceName"]);
    assert_eq!(text, "[~] AWS::ECS::Service A replace\n └─ [~] ServiceName (requires replacement)\n\n");
    let (hidden, text) = shown("what?", [1, 2], planned("ServiceName", &["ServiceName", "DesiredCount"]));
    assert_eq!(hidden, ["A.ServiceName"]);
    assert_eq!(
        text,
        "[~] AWS::ECS::Service A replace\n ├─ [~] DesiredCount\n │   ├─ [-] 1\n │   └─ [+] 2\n \
         └─ [~] ServiceName (requires replacement)\n\n"
    );
    for unchanged in [planned("ServiceName", &[]), planned("Cluster", &[])] {
        assert_eq!(shown("what?", [1, 1], unchanged).0, Vec::<String>::new());
    }
    assert_eq!(shown("plain", [1, 1], planned("ServiceName", &["ServiceName"])).0, Vec::<String>::new());
}
