//! Operations on stacks: deletion policies, rollbacks, retention, protection.

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types::{Capability, OnFailure};
use serde_json::{Value, json};

use crate::cloudformation::{create, events, parameter, status, template, update, wait_until_complete};
use crate::in_process::InProcess;
use crate::local_aws::LocalAws;

fn network(range: &str) -> Value {
    json!({ "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": range } })
}

fn role(name: &str, document: &Value) -> Value {
    let trust = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "ecs-tasks.amazonaws.com" } }
    ] });
    let policy = json!({ "PolicyName": "p", "PolicyDocument": document });
    json!({ "Type": "AWS::IAM::Role", "Properties": {
        "RoleName": name, "AssumeRolePolicyDocument": trust, "Policies": [policy],
    } })
}

async fn physical_id(client: &Client, stack: &str, name: &str) -> String {
    let detail = client.describe_stack_resource().stack_name(stack).logical_resource_id(name).send().await;
    let detail = detail.expect("the resource").stack_resource_detail.expect("its detail");
    detail.physical_resource_id.unwrap_or_default()
}

#[tokio::test]
async fn a_failed_replacement_keeps_the_old_resource() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    create(&client, "kept", &template(&json!({ "Net": network("10.1.0.0/16") }))).await;
    let before = physical_id(&client, "kept", "Net").await;
    let stack = update(&client, "kept", &template(&json!({ "Net": network("10.0.0.0/2") }))).await;
    assert_eq!(status(&stack), "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(physical_id(&client, "kept", "Net").await, before);
    let actual = aws.query("ec2", "2016-11-15", "DescribeVpcs", &[("VpcId.1", before.as_str())]).await;
    assert!(actual.contains("10.1.0.0/16"), "{actual}");
}

#[tokio::test]
async fn a_role_whose_policy_is_refused_is_deleted() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let stack = create(&client, "half", &template(&json!({ "R": role("half-made", &json!("nonsense")) }))).await;
    assert_eq!(status(&stack), "ROLLBACK_COMPLETE");
    let actual = events(&client, "half").await;
    assert!(actual[2..].iter().any(|line| line == "R CREATE_IN_PROGRESS Resource creation Initiated"), "{actual:#?}");
    assert!(
        actual.ends_with(&["R DELETE_IN_PROGRESS".into(), "R DELETE_COMPLETE".into(), "half ROLLBACK_COMPLETE".into()]),
        "{actual:#?}"
    );
    let roles = aws.query("iam", "2010-05-08", "ListRoles", &[]).await;
    assert!(!roles.contains("half-made"), "{roles}");
}

#[tokio::test]
async fn a_creation_interrupted_by_a_crash_creates_nothing_twice() {
    let mut aws = LocalAws::start().await;
    let names = 0..25;
    let resources: serde_json::Map<String, Value> = names.map(|n| (format!("N{n}"), network("10.1.0.0/16"))).collect();
    let body = template(&Value::Object(resources));
    aws.cloudformation().create_stack().stack_name("cut").template_body(body).send().await.expect("it begins");
    aws.kill_and_restart().await;
    let client = aws.cloudformation();
    assert_eq!(status(&wait_until_complete(&client, "cut").await), "CREATE_COMPLETE");
    let networks = aws
        .query("ec2", "2016-11-15", "DescribeVpcs", &[("Filter.1.Name", "isDefault"), ("Filter.1.Value.1", "false")])
        .await;
    assert_eq!(networks.matches("<vpcId>").count(), 25, "{networks}");
}

#[tokio::test]
async fn a_stack_that_failed_without_rollback_can_be_rolled_back() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let bad = |on: &str| json!({ "Type": "AWS::EC2::VPC", "DependsOn": on, "Properties": { "CidrBlock": "nonsense" } });
    let body = template(&json!({ "One": parameter("1"), "Bad": bad("One") }));
    let request = client.create_stack().stack_name("left").template_body(&body).on_failure(OnFailure::DoNothing);
    request.client_request_token("first-token").send().await.expect("it begins");
    let stack = wait_until_complete(&client, "left").await;
    assert_eq!((status(&stack), stack.disable_rollback()), ("CREATE_FAILED", Some(true)));
    assert_eq!(stack.stack_status_reason(), Some("The following resource(s) failed to create: [Bad]. "));
    let all = client.describe_stack_events().stack_name("left").send().await.expect("events");
    assert!(all.stack_events().iter().all(|event| event.client_request_token() == Some("first-token")));
    client.rollback_stack().stack_name("left").send().await.expect("it goes back");
    assert_eq!(status(&wait_until_complete(&client, "left").await), "ROLLBACK_COMPLETE");
    let error = client.rollback_stack().stack_name("left").send().await.expect_err("nothing is left");
    assert!(
        error
            .message()
            .is_some_and(|words| words.ends_with("is in ROLLBACK_COMPLETE state and can not be rolled back."))
    );

    create(&client, "next", &template(&json!({ "One": parameter("1") }))).await;
    let next = template(&json!({ "One": parameter("2"), "Bad": bad("One") }));
    client
        .update_stack()
        .stack_name("next")
        .template_body(next)
        .disable_rollback(true)
        .send()
        .await
        .expect("it begins");
    assert_eq!(status(&wait_until_complete(&client, "next").await), "UPDATE_FAILED");
    client.rollback_stack().stack_name("next").send().await.expect("it goes back");
    assert_eq!(status(&wait_until_complete(&client, "next").await), "UPDATE_ROLLBACK_COMPLETE");
}

#[tokio::test]
async fn a_failed_rollback_continues_with_skipped_resources() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let document = |action: &str| json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "*" }] });
    create(&client, "stuck", &template(&json!({ "R": role("vanishing", &document("s3:*")) }))).await;
    for (operation, more) in [("DeleteRolePolicy", Some(("PolicyName", "p"))), ("DeleteRole", None)] {
        let parameters: Vec<_> = [("RoleName", "vanishing")].into_iter().chain(more).collect();
        aws.query("iam", "2010-05-08", operation, &parameters).await;
    }
    let next = template(&json!({ "R": role("vanishing", &document("ec2:*")) }));
    let request = client.update_stack().stack_name("stuck").template_body(next);
    request.capabilities(Capability::CapabilityNamedIam).send().await.expect("it begins");
    let stack = wait_until_complete(&client, "stuck").await;
    assert_eq!(status(&stack), "UPDATE_ROLLBACK_FAILED");
    assert_eq!(stack.stack_status_reason(), Some("The following resource(s) failed to update: [R]. "));
    let skip = |name: &str| client.continue_update_rollback().stack_name("stuck").resources_to_skip(name).send();
    skip("Other").await.expect_err("there is no such resource");
    skip("R").await.expect("it goes on");
    assert_eq!(status(&wait_until_complete(&client, "stuck").await), "UPDATE_ROLLBACK_COMPLETE");
}

#[tokio::test]
async fn deletion_policies_decide_what_deletions_and_rollbacks_retain() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let with = |policy: &str| {
        let mut resource = network("10.1.0.0/16");
        resource["DeletionPolicy"] = policy.into();
        resource
    };
    let bad =
        json!({ "Type": "AWS::EC2::VPC", "DependsOn": ["Keep", "New"], "Properties": { "CidrBlock": "nonsense" } });
    let body = template(&json!({ "Keep": with("Retain"), "New": with("RetainExceptOnCreate"), "Bad": bad }));
    assert_eq!(status(&create(&client, "fails", &body).await), "ROLLBACK_COMPLETE");
    let actual = events(&client, "fails").await;
    assert!(actual.iter().any(|line| line == "Keep DELETE_SKIPPED"), "{actual:#?}");
    assert!(actual.iter().any(|line| line == "New DELETE_COMPLETE"), "{actual:#?}");
    let body = template(&json!({ "New": with("RetainExceptOnCreate") }));
    let id = create(&client, "works", &body).await.stack_id.expect("an id");
    client.delete_stack().stack_name("works").send().await.expect("it is accepted");
    wait_until_complete(&client, &id).await;
    assert!(events(&client, &id).await.iter().any(|line| line == "New DELETE_SKIPPED"));
}

#[tokio::test]
async fn a_protected_stack_and_an_export_in_use_cannot_be_deleted() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let exporter = |value: &str| {
        let output = json!({ "Value": value, "Export": { "Name": "Shared" } });
        json!({ "Resources": { "One": parameter("1") }, "Outputs": { "Out": output } }).to_string()
    };
    create(&client, "exporter", &exporter("1")).await;
    let import = json!({ "Fn::ImportValue": "Shared" });
    let user = json!({ "Two": { "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": import } } });
    create(&client, "user", &template(&user)).await;
    let stack = update(&client, "exporter", &exporter("2")).await;
    assert_eq!(status(&stack), "UPDATE_ROLLBACK_COMPLETE");
    let actual = events(&client, "exporter").await;
    let why = "exporter UPDATE_ROLLBACK_IN_PROGRESS Cannot update export Shared as it is in use by user";
    assert!(actual.iter().any(|line| line.trim_end() == why), "{actual:#?}");

    let protect =
        |on: bool| client.update_termination_protection().stack_name("user").enable_termination_protection(on).send();
    protect(true).await.expect("it is protected");
    let error = client.delete_stack().stack_name("user").send().await.expect_err("it is protected");
    assert_eq!(error.message(), Some("Stack [user] cannot be deleted while TerminationProtection is enabled"));
    protect(false).await.expect("it is not any more");
    client.delete_stack().stack_name("user").send().await.expect("it is deleted");
}

#[tokio::test]
async fn members_that_are_not_served_are_named() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let body = template(&json!({ "One": parameter("1") }));
    let set = || client.create_change_set().stack_name("new").change_set_name("one").template_body(&body);
    let error = set().import_existing_resources(true).send().await.expect_err("it is refused");
    assert_eq!(error.message(), Some("the sandbox does not serve the member ImportExistingResources"));
    let error = set().change_set_type("IMPORT".into()).send().await.expect_err("it is refused");
    assert_eq!(error.message(), Some("the sandbox does not serve change sets of type IMPORT"));
    let error = client.detect_stack_drift().stack_name("new").send().await.expect_err("it is refused");
    assert_eq!(error.message(), Some("the sandbox does not serve cloudformation:DetectStackDrift"));
    let wrong = client.describe_stacks().next_token("made-up").send().await.expect_err("no such token");
    assert_eq!(wrong.message(), Some("The specified token is invalid."));
}

/// Source: AWS's responses recorded by the LocalStack project (Apache-2.0) in `test_blocked_stack_deletion`.
#[tokio::test]
async fn a_stack_with_an_undeletable_resource_is_deleted_once_that_is_retained() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let document =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    let policy = json!({ "PolicyName": "broken", "PolicyDocument": document });
    let body = template(&json!({ "BrokenPolicy": { "Type": "AWS::IAM::Policy", "Properties": policy } }));
    let stack = create(&client, "blocked", &body).await;
    let id = stack.stack_id().expect("an id");
    let why = Some("The following resource(s) failed to delete: [BrokenPolicy]. ");
    assert_eq!((status(&stack), stack.stack_status_reason()), ("ROLLBACK_FAILED", why));
    assert!(stack.deletion_time().is_some());
    client.delete_stack().stack_name(id).send().await.expect("it is accepted");
    let stack = wait_until_complete(&client, id).await;
    assert_eq!((status(&stack), stack.stack_status_reason()), ("DELETE_FAILED", why));
    client.delete_stack().stack_name(id).retain_resources("BrokenPolicy").send().await.expect("it is accepted");
    assert_eq!(status(&wait_until_complete(&client, id).await), "DELETE_COMPLETE");
    let actual = events(&client, id).await;
    let statuses: Vec<&str> = actual.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    let expected = [
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_FAILED",
        "ROLLBACK_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "DELETE_FAILED",
        "ROLLBACK_FAILED",
        "DELETE_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "DELETE_FAILED",
        "DELETE_FAILED",
        "DELETE_IN_PROGRESS",
        "DELETE_SKIPPED",
        "DELETE_COMPLETE",
    ];
    assert_eq!(statuses, expected, "{actual:#?}");
}

#[tokio::test]
async fn a_stack_is_updated_with_its_previous_or_a_new_template() {
    let aws = InProcess::new();
    let body = template(&json!({ "Value": parameter("one") }));
    aws.call("cloudformation", "CreateStack", json!({ "StackName": "both", "TemplateBody": body })).await;
    for (operation, mut input) in [
        ("UpdateStack", json!({ "StackName": "both" })),
        ("CreateChangeSet", json!({ "StackName": "both", "ChangeSetName": "next" })),
    ] {
        input["UsePreviousTemplate"] = true.into();
        for other in ["TemplateBody", "TemplateURL"] {
            let mut input = input.clone();
            input[other] = "https://bucket.s3.amazonaws.com/template".into();
            let words = "You cannot specify both usePreviousTemplate and Template Body/Template URL.";
            let refused = aws.refusal("cloudformation", operation, input).await;
            assert_eq!(refused, ("ValidationError".to_owned(), words.to_owned()));
        }
    }
}
