//! Stacks that fail without rollback, and how they continue.

use serde_json::{Value, json};

use crate::cloudformation::{parameter, template};
use crate::in_process::InProcess;

fn network(range: &str) -> Value {
    json!({ "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": range } })
}

/// A request with a template; `left` disables rollback.
fn request(stack: &str, resources: &Value, left: bool) -> Value {
    json!({ "StackName": stack, "TemplateBody": template(resources), "DisableRollback": left })
}

const UNREPLACED: &str = "Replacement type updates not supported on stack with disable-rollback.";

#[tokio::test]
async fn a_failed_stack_is_continued_by_an_update_that_may_fail_again() {
    let aws = InProcess::new();
    let broken = json!({ "One": parameter("1"), "Net": network("nonsense") });
    let mended = json!({ "One": parameter("2"), "Net": network("10.0.0.0/16") });
    let stack = aws.change_stack("CreateStack", request("kept", &broken, true)).await;
    assert_eq!(stack["StackStatus"], "CREATE_FAILED");
    for failed in ["CREATE_FAILED", "UPDATE_FAILED"] {
        let words = format!(
            "This stack is currently in a non-terminal [{failed}] state. To update the stack from this state, please use the \
             disable-rollback parameter with update-stack API. To rollback to the last known good state, use the \
             rollback-stack API"
        );
        let refused = aws.refusal("cloudformation", "UpdateStack", request("kept", &mended, false)).await;
        assert_eq!(refused, ("ValidationError".to_owned(), words));
        let stack = aws.change_stack("UpdateStack", request("kept", &broken, true)).await;
        assert_eq!(stack["StackStatus"], "UPDATE_FAILED", "what failed may be tried as it is");
    }
    let mut set = request("kept", &mended, false);
    set["ChangeSetName"] = "mend".into();
    aws.call("cloudformation", "CreateChangeSet", set).await;
    let input = json!({ "StackName": "kept", "ChangeSetName": "mend", "DisableRollback": true });
    assert_eq!(aws.change_stack("ExecuteChangeSet", input).await["StackStatus"], "UPDATE_COMPLETE");
}

#[tokio::test]
async fn a_stack_that_was_never_complete_is_rolled_back_to_nothing() {
    let aws = InProcess::new();
    let broken = |value: &str| json!({ "One": parameter(value), "Net": network("nonsense") });
    aws.change_stack("CreateStack", request("never", &broken("1"), true)).await;
    assert_eq!(
        aws.change_stack("UpdateStack", request("never", &broken("2"), true)).await["StackStatus"],
        "UPDATE_FAILED"
    );
    let stack = aws.change_stack("RollbackStack", json!({ "StackName": "never" })).await;
    assert_eq!(stack["StackStatus"], "ROLLBACK_COMPLETE");
    assert!(aws.events("never").await.contains(&"One DELETE_COMPLETE".to_owned()));
}

#[tokio::test]
async fn an_update_without_rollback_neither_replaces_nor_cancels_independent_resources() {
    let aws = InProcess::new();
    let chain = |first: &str, value: &str| {
        let mut last = parameter(value);
        last["DependsOn"] = "Second".into();
        let mut second = parameter(value);
        second["DependsOn"] = "First".into();
        json!({ "Net": network(first), "First": parameter(value), "Second": second, "Third": last })
    };
    aws.change_stack("CreateStack", request("paths", &chain("10.0.0.0/16", "1"), false)).await;
    let stack = aws.change_stack("UpdateStack", request("paths", &chain("10.1.0.0/16", "2"), true)).await;
    assert_eq!(stack["StackStatus"], "UPDATE_FAILED");
    assert_eq!(stack["StackStatusReason"], "The following resource(s) failed to update: [Net]. ");
    let actual = aws.events("paths").await;
    assert!(actual.contains(&format!("Net UPDATE_FAILED {UNREPLACED}")), "{actual:#?}");
    assert!(actual.contains(&"Third UPDATE_COMPLETE".to_owned()), "{actual:#?}");
    let stack = aws.change_stack("RollbackStack", json!({ "StackName": "paths" })).await;
    assert_eq!(stack["StackStatus"], "UPDATE_ROLLBACK_COMPLETE");
    let stack = aws.change_stack("UpdateStack", request("paths", &chain("10.1.0.0/16", "2"), false)).await;
    assert_eq!(stack["StackStatus"], "UPDATE_COMPLETE");
}

#[tokio::test]
async fn replaced_resources_that_are_retained_are_reported_as_skipped() {
    let aws = InProcess::new();
    let net = |range: &str| {
        let mut net = network(range);
        net["UpdateReplacePolicy"] = "Retain".into();
        json!({ "Net": net })
    };
    aws.change_stack("CreateStack", request("skips", &net("10.0.0.0/16"), false)).await;
    let stack = aws.change_stack("UpdateStack", request("skips", &net("10.1.0.0/16"), false)).await;
    assert_eq!(stack["StackStatus"], "UPDATE_COMPLETE");
    let actual = aws.events("skips").await;
    assert_eq!(actual.iter().filter(|line| line.contains("DELETE_")).collect::<Vec<_>>(), ["Net DELETE_SKIPPED"]);
    let vpcs = aws.call("ec2", "DescribeVpcs", json!({})).await.to_string();
    assert!(vpcs.contains("10.0.0.0/16") && vpcs.contains("10.1.0.0/16"), "{vpcs}");
}
