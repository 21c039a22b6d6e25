//! Validation and idempotency of requests for stacks.

use serde_json::{Value, json};

use crate::cloudformation::{parameter, template};
use crate::in_process::InProcess;

fn typed(kind: &str) -> Value {
    json!({ "Resources": { "One": { "Type": kind } } })
}

fn outputs(outputs: &Value) -> Value {
    json!({
        "Parameters": { "List": { "Type": "CommaDelimitedList", "Default": "a,b" } },
        "Conditions": { "Never": { "Fn::Equals": ["a", "b"] } },
        "Resources": { "One": parameter("1") },
        "Outputs": outputs,
    })
}

#[tokio::test]
async fn invalid_templates_are_refused_immediately() {
    let aws = InProcess::new();
    let text = "Template format error: The Value field of every Outputs member must evaluate to a String";
    let export = |name: &str| json!({ "Value": "v", "Export": { "Name": name } });
    let zones = json!({ "Fn::Select": [0, { "Fn::GetAZs": "moon-1" }] });
    for (body, code, words) in [
        (typed("AWS::S3::Bucket"), "NotImplemented", "the sandbox does not serve the resource type AWS::S3::Bucket"),
        (typed("Custom::X"), "NotImplemented", "the sandbox does not serve the resource type Custom::X"),
        (
            typed("AWS::Foo::Bar"),
            "ValidationError",
            "Template format error: Unrecognized resource types: [AWS::Foo::Bar]",
        ),
        (outputs(&json!({ "O": { "Value": ["a"] } })), "ValidationError", &format!("{text} and not a List.")),
        (outputs(&json!({ "O": { "Value": { "a": "b" } } })), "ValidationError", &format!("{text} and not a Map.")),
        (outputs(&json!({ "O": { "Value": { "Ref": "List" } } })), "ValidationError", &format!("{text}.")),
        (
            outputs(&json!({ "O": export("same"), "P": export("same") })),
            "ValidationError",
            "Template format error: Output P is malformed. Another output already exports the name same",
        ),
        (
            outputs(&json!({ "O": { "Value": zones } })),
            "ValidationError",
            "Template error: Fn::GetAZs: unknown region moon-1",
        ),
    ] {
        let mut input = json!({ "StackName": "refused", "TemplateBody": body.to_string() });
        let refused = aws.refusal("cloudformation", "CreateStack", input.clone()).await;
        assert_eq!(refused, (code.to_owned(), words.to_owned()), "{body}");
        input["ChangeSetName"] = "set".into();
        input["ChangeSetType"] = "CREATE".into();
        assert_eq!(aws.refusal("cloudformation", "CreateChangeSet", input).await, refused);
    }
}

#[tokio::test]
async fn resources_whose_condition_is_false_are_not_evaluated() {
    let aws = InProcess::new();
    let import = json!({ "Fn::ImportValue": "not-exported" });
    let choice = json!({ "Fn::If": ["Never", import, { "Ref": "AWS::Region" }] });
    let attribute = json!({ "Fn::If": ["Never", { "Fn::GetAtt": ["One", "Nothing"] }, "value"] });
    let body = outputs(&json!({
        "Chosen": { "Value": choice },
        "Attribute": { "Value": attribute },
        "Hidden": { "Condition": "Never", "Value": import },
    }));
    let stack = aws.change_stack("CreateStack", json!({ "StackName": "idle", "TemplateBody": body.to_string() })).await;
    assert_eq!(stack["StackStatus"], "CREATE_COMPLETE", "{stack}");
    assert_eq!(stack["Outputs"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn invalid_names_and_retained_resources_are_refused_with_awss_messages() {
    let aws = InProcess::new();
    let body = template(&json!({ "One": parameter("1") }));
    let name = "a".repeat(129);
    let words = format!(
        "1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must have length less \
         than or equal to 128"
    );
    let input = json!({ "StackName": name, "TemplateBody": body });
    let refused = aws.refusal("cloudformation", "CreateStack", input).await;
    assert_eq!(refused, ("ValidationError".to_owned(), words));
    let stack = aws.change_stack("CreateStack", json!({ "StackName": "whole", "TemplateBody": body })).await;
    let input = json!({ "StackName": "whole", "RetainResources": ["One"] });
    let words = format!(
        "Invalid operation on stack [{}]. When you delete a stack, specify which resources to retain only when the stack is in \
         the DELETE_FAILED state.",
        stack["StackId"].as_str().expect("an id")
    );
    let refused = aws.refusal("cloudformation", "DeleteStack", input).await;
    assert_eq!(refused, ("ValidationError".to_owned(), words));
}

/// A request with the token of an earlier one gets the same response, without being executed again.
#[tokio::test]
async fn a_request_with_the_same_token_is_executed_once() {
    let aws = InProcess::new();
    let body = |value: &str| template(&json!({ "One": parameter(value) }));
    let with = |value: &str, token: &str| json!({ "StackName": "once", "TemplateBody": body(value), "ClientRequestToken": token });
    let mut set = with("3", "c");
    set["ChangeSetName"] = "set".into();
    let execution = json!({ "StackName": "once", "ChangeSetName": "set", "ClientRequestToken": "d" });
    let steps = [("CreateStack", with("1", "a")), ("UpdateStack", with("2", "b")), ("ExecuteChangeSet", execution)];
    for (operation, input) in steps {
        if operation == "ExecuteChangeSet" {
            aws.call("cloudformation", "CreateChangeSet", set.clone()).await;
        }
        let first = aws.change_stack(operation, input.clone()).await;
        let events = aws.events("once").await;
        let again = aws.call("cloudformation", operation, input).await;
        if operation != "ExecuteChangeSet" {
            assert_eq!(again["StackId"], first["StackId"]);
        }
        assert_eq!(aws.events("once").await, events, "{operation}");
    }
    let refused = aws.refusal("cloudformation", "CreateStack", with("1", "other")).await;
    assert_eq!(refused.0, "AlreadyExistsException");
    let stack = aws.call("cloudformation", "DescribeStacks", json!({ "StackName": "once" })).await;
    let id = stack["Stacks"][0]["StackId"].clone();
    let deletion = json!({ "StackName": id, "ClientRequestToken": "e" });
    aws.change_stack("DeleteStack", deletion).await;
    aws.change_stack("CreateStack", with("1", "f")).await;
    let late = json!({ "StackName": "once", "ClientRequestToken": "e" });
    let stack = aws.change_stack("DeleteStack", late).await;
    assert_eq!(stack["StackStatus"], "CREATE_COMPLETE", "the stack that was to be deleted has gone before");
}

#[tokio::test]
async fn no_refusal_contains_names_of_rust_types() {
    let aws = InProcess::new();
    let (code, words) = aws.refusal("ecs", "ListClusters", json!({ "maxResults": -1 })).await;
    assert_eq!(
        (code.as_str(), words.as_str()),
        (
            "InvalidParameterException",
            "1 validation error detected: Value '-1' at 'maxResults' failed to satisfy constraint: Member must have value \
             greater than or equal to 0"
        )
    );
}

#[tokio::test]
async fn an_export_is_not_deleted_while_an_operation_imports_it() {
    let aws = InProcess::new();
    let parameter =
        |value: Value| json!({ "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": value } });
    let exporter = json!({
        "Resources": { "One": parameter("1".into()) },
        "Outputs": { "Out": { "Value": { "Ref": "One" }, "Export": { "Name": "Shared" } } },
    });
    aws.change_stack("CreateStack", json!({ "StackName": "exporter", "TemplateBody": exporter.to_string() })).await;
    // Without a scheduler the service never becomes stable.
    let service = json!({ "Type": "AWS::ECS::Service", "DependsOn": "Two", "Properties": { "Cluster": { "Ref": "Cluster" }, "TaskDefinition": { "Ref": "Task" } } });
    let task = json!({ "ContainerDefinitions": [{ "Name": "app", "Image": "app" }], "Memory": "128" });
    let user = json!({ "Resources": {
        "Two": parameter(json!({ "Fn::ImportValue": "Shared" })),
        "Cluster": { "Type": "AWS::ECS::Cluster" },
        "Task": { "Type": "AWS::ECS::TaskDefinition", "Properties": task },
        "Service": service,
    } });
    aws.call("cloudformation", "CreateStack", json!({ "StackName": "user", "TemplateBody": user.to_string() })).await;
    while !aws.events("user").await.iter().any(|line| line.starts_with("Service")) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let stack = aws.change_stack("DeleteStack", json!({ "StackName": "exporter" })).await;
    assert_eq!(stack["StackStatus"], "CREATE_COMPLETE");
    assert_eq!(stack["StackStatusReason"], "Delete canceled. Cannot delete export Shared as it is in use by user.");
    aws.call("cloudformation", "DeleteStack", json!({ "StackName": "user" })).await;
}
