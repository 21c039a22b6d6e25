//! CloudFormation's responses compared with recorded ones of AWS: `tests/data/recordings/cloudformation/stacks.json` names its
//! source.

use std::time::Duration;

use ecsws_sandbox::testing::resources;
use roxmltree::{Document, Node};
use serde_json::{Map, Value};

use crate::common::{data, read};
use crate::local_aws::LocalAws;

async fn call(aws: &LocalAws, operation: &str, parameters: &[(&str, &str)]) -> String {
    aws.query("cloudformation", "2010-05-15", operation, parameters).await
}

/// Lists that AWS returns in any order.
const UNORDERED: &[&str] = &["Details", "Parameters", "Capabilities"];

/// The differences between a response and a recorded one, which also determines what is a list.
fn differences(path: &str, expected: &Value, actual: Node<'_, '_>) -> Vec<String> {
    let children: Vec<Node<'_, '_>> = actual.children().filter(Node::is_element).collect();
    match expected {
        Value::Object(members) if children.is_empty() && !members.is_empty() => {
            let text = serde_json::from_str(actual.text().unwrap_or_default()).unwrap_or_default();
            let same = matches_value(expected, &text);
            if same { Vec::new() } else { vec![format!("{path}: {expected} is {text}")] }
        }
        Value::Object(members) => member_differences(path, members, &children),
        Value::Array(items) if items.len() != children.len() => {
            vec![format!("{path}: {} items are {}", items.len(), children.len())]
        }
        Value::Array(items) if UNORDERED.iter().any(|name| path.ends_with(name)) => {
            let is_there = |item: &&Value| children.iter().any(|child| differences(path, item, *child).is_empty());
            items.iter().filter(|item| !is_there(item)).map(|item| format!("{path}: there is no {item}")).collect()
        }
        Value::Array(items) => items
            .iter()
            .zip(&children)
            .enumerate()
            .flat_map(|(index, (item, child))| differences(&format!("{path}/{index}"), item, *child))
            .collect(),
        scalar => {
            let (expected, actual) = (text_of(scalar), actual.text().unwrap_or_default());
            if matches_text(&expected, actual) { Vec::new() } else { vec![format!("{path}: {expected} is {actual}")] }
        }
    }
}

fn member_differences(path: &str, members: &Map<String, Value>, children: &[Node<'_, '_>]) -> Vec<String> {
    let mut differences_found: Vec<String> = children
        .iter()
        .filter(|child| !members.contains_key(child.tag_name().name()))
        // AWS has added it since (recorded: localstack's test_fn_find_in_map_with_nested_ref).
        .filter(|child| child.tag_name().name() != "LastOperations")
        .map(|child| format!("{path}: {} was not recorded", child.tag_name().name()))
        .collect();
    for (name, value) in members {
        match children.iter().find(|child| child.tag_name().name() == name) {
            Some(child) => differences_found.extend(differences(&format!("{path}/{name}"), value, *child)),
            None => differences_found.push(format!("{path}: {name} is missing")),
        }
    }
    differences_found
}

fn text_of(scalar: &Value) -> String {
    scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned)
}

fn matches_value(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(expected), Value::String(actual)) => matches_text(expected, actual),
        (Value::Object(expected), Value::Object(actual)) => {
            expected.len() == actual.len()
                && expected
                    .iter()
                    .all(|(name, value)| actual.get(name).is_some_and(|actual| matches_value(value, actual)))
        }
        (expected, actual) => expected == actual,
    }
}

/// Whether a text matches a recorded one, in which `<>` stands for any text.
fn matches_text(expected: &str, actual: &str) -> bool {
    let Some((before, after)) = expected.split_once("<>") else { return expected == actual };
    let Some(rest) = actual.strip_prefix(before) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| matches_text(after, &rest[at..]))
}

/// The text of the first element with a name.
fn element_text(response: &str, name: &str) -> String {
    let document = Document::parse(response).expect("it is XML");
    let element = document.descendants().find(|node| node.has_tag_name(name) || node.tag_name().name() == name);
    element.and_then(|element| element.text()).unwrap_or_default().to_owned()
}

fn compare(case: &Value, name: &str, response: &str, element: &str) {
    let document = Document::parse(response).expect("it is XML");
    let result = document.descendants().find(|node| node.tag_name().name() == element).expect("a result");
    let result = if element == "Stacks" { result.first_element_child().expect("a stack") } else { result };
    // Not every response is compared: AWS has changed some since they were recorded.
    let Some(expected) = case["responses"].get(name) else { return };
    let mismatches = differences("", expected, result);
    assert!(mismatches.is_empty(), "{} {name}: {mismatches:#?}\n{response}", case["name"]);
}

async fn wait_until_complete(aws: &LocalAws, stack: &str) -> String {
    let wait = async {
        loop {
            let response = call(aws, "DescribeStacks", &[("StackName", stack)]).await;
            if !element_text(&response, "StackStatus").ends_with("_IN_PROGRESS") {
                return response;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("it comes to rest")
}

async fn replay(aws: &LocalAws, case: &Value, stack: &str) {
    let mut id = String::new();
    for step in 1..=2 {
        let body = case["templates"][step - 1].to_string();
        let kind = if step == 1 { "CREATE" } else { "UPDATE" };
        let mut parameters = vec![
            ("StackName".to_owned(), stack.to_owned()),
            // The recording uses one name for both.
            ("ChangeSetName".to_owned(), "change".to_owned()),
            ("ChangeSetType".to_owned(), kind.to_owned()),
            ("TemplateBody".to_owned(), body),
        ];
        for (index, (key, value)) in case["parameters"][step - 1].as_object().expect("parameters").iter().enumerate() {
            parameters.push((format!("Parameters.member.{}.ParameterKey", index + 1), key.clone()));
            parameters.push((format!("Parameters.member.{}.ParameterValue", index + 1), text_of(value)));
        }
        for (index, capability) in case["capabilities"].as_array().expect("capabilities").iter().enumerate() {
            parameters.push((format!("Capabilities.member.{}", index + 1), text_of(capability)));
        }
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let response = call(aws, "CreateChangeSet", &parameters).await;
        let change_set = element_text(&response, "Id");
        id = element_text(&response, "StackId");
        for (name, values) in [("plain", "false"), ("values", "true")] {
            let input = [("ChangeSetName", change_set.as_str()), ("IncludePropertyValues", values)];
            let response = call(aws, "DescribeChangeSet", &input).await;
            compare(case, &format!("{name}-{step}"), &response, "DescribeChangeSetResult");
        }
        call(aws, "ExecuteChangeSet", &[("ChangeSetName", &change_set)]).await;
        let response = wait_until_complete(aws, &id).await;
        compare(case, &format!("stack-{step}"), &response, "Stacks");
    }
    call(aws, "DeleteStack", &[("StackName", stack)]).await;
    let response = wait_until_complete(aws, &id).await;
    compare(case, "deleted", &response, "Stacks");
}

fn is_served(case: &Value) -> bool {
    let templates = case["templates"].as_array().into_iter().flatten();
    let mut kinds = templates.flat_map(|template| template["Resources"].as_object().into_iter().flatten());
    kinds.all(|(_, resource)| resources::find(resource["Type"].as_str().unwrap_or_default()).is_some())
}

#[tokio::test]
async fn responses_about_change_sets_and_stacks_are_as_recorded() {
    let aws = LocalAws::start().await;
    let recorded: Value =
        serde_json::from_str(&read(&data("recordings/cloudformation/stacks.json"))).expect("it is JSON");
    let cases = recorded["cases"].as_array().expect("cases").iter().filter(|case| is_served(case));
    let mut replayed = 0;
    for case in cases {
        assert!(["plain-1", "plain-2", "values-2"].iter().all(|name| case["responses"].get(name).is_some()));
        replay(&aws, case, &format!("recorded-{replayed}")).await;
        replayed += 1;
    }
    assert!(replayed >= 8, "only {replayed} cases are served");
}
