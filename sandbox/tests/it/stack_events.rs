//! Stack events: unique ids, order by time, and complete pages.

use std::collections::HashSet;

use ecsws_sandbox::testing::{from_epoch_seconds, iso8601};

use serde_json::{Value, json};

use crate::in_process::InProcess;

/// All events of a stack, read page by page.
async fn events(aws: &InProcess, stack: &str) -> Vec<Value> {
    let (mut all, mut token) = (Vec::new(), Value::Null);
    loop {
        let response =
            aws.call("cloudformation", "DescribeStackEvents", json!({ "StackName": stack, "NextToken": token })).await;
        all.extend(response["StackEvents"].as_array().expect("events").clone());
        token = response["NextToken"].clone();
        if token.is_null() {
            return all;
        }
    }
}

fn check(events: &[Value]) {
    let ids: HashSet<&str> = events.iter().map(|event| event["EventId"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), events.len());
    let times: Vec<f64> = events.iter().map(|event| event["Timestamp"].as_f64().expect("a time")).collect();
    assert!(times.is_sorted_by(|newer, older| newer > older), "{times:?}");
}

fn handles(count: usize, metadata: usize) -> String {
    let handle = |number| {
        (
            format!("H{number}"),
            json!({ "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": format!("{metadata}") } }),
        )
    };
    json!({ "Resources": (0..count).map(handle).collect::<serde_json::Map<_, _>>() }).to_string()
}

#[tokio::test]
async fn events_have_unique_ids_and_are_ordered_by_time() {
    let aws = InProcess::new();
    aws.change_stack("CreateStack", json!({ "StackName": "many", "TemplateBody": handles(60, 0) })).await;
    for round in 1..=3 {
        aws.change_stack("UpdateStack", json!({ "StackName": "many", "TemplateBody": handles(60, round) })).await;
    }
    let all = events(&aws, "many").await;
    assert!(all.len() > 500, "{}", all.len());
    check(&all);
    // AWS's events of a resource that is not cleaned up.
    let last = &all[all.len() - 2];
    let [name, status] = ["LogicalResourceId", "ResourceStatus"].map(|name| last[name].as_str().expect("a text"));
    let time = iso8601(from_epoch_seconds(last["Timestamp"].as_f64().expect("a time")));
    assert_eq!(last["EventId"], format!("{name}-{status}-{time}"));
}

#[tokio::test]
async fn pages_skip_no_event_while_new_ones_are_added() {
    let aws = InProcess::new();
    aws.change_stack("CreateStack", json!({ "StackName": "moving", "TemplateBody": handles(40, 0) })).await;
    let before = events(&aws, "moving").await;
    let first = aws.call("cloudformation", "DescribeStackEvents", json!({ "StackName": "moving" })).await;
    aws.change_stack("UpdateStack", json!({ "StackName": "moving", "TemplateBody": handles(40, 1) })).await;
    let input = json!({ "StackName": "moving", "NextToken": first["NextToken"] });
    let second = aws.call("cloudformation", "DescribeStackEvents", input).await;
    let mut seen = first["StackEvents"].as_array().expect("events").clone();
    seen.extend(second["StackEvents"].as_array().expect("events").clone());
    assert_eq!(seen, before[..seen.len()]);
    check(&events(&aws, "moving").await);
}
