//! What updates of stacks in the sandbox do to the resources that they do not change, and to those of single types.
#![cfg(unix)]

use serde_json::{Value, json};

use crate::local_aws::LocalAws;
use crate::sandbox_cloudformation::{create, status, template, update};

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
