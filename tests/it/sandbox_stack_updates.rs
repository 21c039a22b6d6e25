//! What updates of stacks in the sandbox do to the resources that they do not change, and to those of single types.
#![cfg(unix)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::local_aws::LocalAws;
use crate::sandbox_cloudformation::{create, events, parameter, status, template, update};

#[tokio::test]
async fn a_log_group_is_changed_in_place() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let group = |days: u32, tags: Value| {
        let properties = json!({ "LogGroupName": "g", "RetentionInDays": days, "Tags": tags });
        template(&json!({ "Group": { "Type": "AWS::Logs::LogGroup", "Properties": properties } }))
    };
    let tags = json!([{ "Key": "team", "Value": "one" }]);
    assert_eq!(status(&create(&client, "kept", &group(7, tags.clone())).await), "CREATE_COMPLETE");
    for (days, tags) in [(14, tags), (14, json!([])), (30, json!([]))] {
        assert_eq!(status(&update(&client, "kept", &group(days, tags)).await), "UPDATE_COMPLETE");
    }
    let groups = aws.logs().describe_log_groups().send().await.expect("the group");
    assert_eq!(groups.log_groups()[0].retention_in_days(), Some(30));
}

#[tokio::test]
async fn a_failure_says_nothing_of_resources_that_were_not_being_changed() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let same: BTreeMap<String, Value> = (0..25).map(|number| (format!("Same{number}"), parameter("same"))).collect();
    let with = |more: Value| {
        let mut resources = json!(same);
        resources.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        template(&resources)
    };
    create(&client, "calm", &with(json!({ "One": parameter("1") }))).await;
    let before = events(&client, "calm").await.len();
    let bad = json!({ "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "nonsense" } });
    let stack = update(&client, "calm", &with(json!({ "One": parameter("2"), "Bad": bad }))).await;
    assert_eq!(status(&stack), "UPDATE_ROLLBACK_COMPLETE");
    let said = events(&client, "calm").await;
    assert!(said[before..].iter().all(|line| !line.starts_with("Same")), "{said:#?}");
    let resources = client.describe_stack_resources().stack_name("calm").send().await.expect("resources");
    let statuses = resources.stack_resources().iter().filter_map(|one| one.resource_status());
    let wrong: Vec<_> = statuses.filter(|status| !status.as_str().ends_with("_COMPLETE")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
