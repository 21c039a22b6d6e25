//! Updates of stacks: unchanged resources, failures, and single resource types.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use serde_json::{Value, json};

use crate::cloudformation::{create, events, parameter, status, template, update, wait_until_complete};
use crate::local_aws::LocalAws;

#[tokio::test]
async fn a_replacement_creates_first_and_deletes_in_the_clean_up() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let net =
        |range: &str| template(&json!({ "Net": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": range } } }));
    create(&client, "moving", &net("10.1.0.0/16")).await;
    let stack = update(&client, "moving", &net("10.2.0.0/16")).await;
    assert_eq!(status(&stack), "UPDATE_COMPLETE");
    let expected = [
        "moving UPDATE_IN_PROGRESS User Initiated",
        "Net UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating one.",
        "Net UPDATE_IN_PROGRESS Resource creation Initiated",
        "Net UPDATE_COMPLETE",
        "moving UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "Net DELETE_IN_PROGRESS",
        "Net DELETE_COMPLETE",
        "moving UPDATE_COMPLETE",
    ];
    assert_eq!(events(&client, "moving").await[5..], expected);
}

#[tokio::test]
async fn a_failed_update_restores_changed_resources_and_deletes_new_ones() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    create(&client, "back", &template(&json!({ "One": parameter("1") }))).await;
    let bad =
        json!({ "Type": "AWS::EC2::VPC", "DependsOn": ["One", "Two"], "Properties": { "CidrBlock": "nonsense" } });
    let next = template(&json!({ "One": parameter("2"), "Two": parameter("2"), "Bad": bad }));
    let stack = update(&client, "back", &next).await;
    assert_eq!(status(&stack), "UPDATE_ROLLBACK_COMPLETE");
    let resources = client.describe_stack_resources().stack_name("back").send().await.expect("resources");
    let names: Vec<_> =
        resources.stack_resources().iter().filter_map(|resource| resource.logical_resource_id()).collect();
    assert_eq!(names, ["One"]);
    let last = events(&client, "back").await;
    assert!(last.iter().any(|line| line == "One UPDATE_COMPLETE"), "{last:#?}");
    assert!(last.iter().any(|line| line == "Two DELETE_COMPLETE"), "{last:#?}");
}

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
async fn a_failure_reports_only_resources_that_were_being_changed() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let same: BTreeMap<String, Value> = (0..25).map(|number| (format!("Same{number}"), parameter("same"))).collect();
    let with = |more: Value| {
        let mut resources = json!(same);
        resources.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        template(&resources)
    };
    create(&client, "unchanged", &with(json!({ "One": parameter("1") }))).await;
    let before = events(&client, "unchanged").await.len();
    let bad = json!({ "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "nonsense" } });
    let stack = update(&client, "unchanged", &with(json!({ "One": parameter("2"), "Bad": bad }))).await;
    assert_eq!(status(&stack), "UPDATE_ROLLBACK_COMPLETE");
    let actual = events(&client, "unchanged").await;
    assert!(actual[before..].iter().all(|line| !line.starts_with("Same")), "{actual:#?}");
    let resources = client.describe_stack_resources().stack_name("unchanged").send().await.expect("resources");
    let statuses = resources.stack_resources().iter().filter_map(|resource| resource.resource_status());
    let wrong: Vec<_> = statuses.filter(|status| !status.as_str().ends_with("_COMPLETE")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn trust() -> Value {
    let statement =
        json!({ "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" });
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

/// A resource of each type with a custom name, with create-only properties before and after the update.
fn named() -> [(&'static str, &'static str, Value, Value); 3] {
    let group =
        |description: &str| json!({ "GroupName": "named", "GroupDescription": description, "VpcId": { "Ref": "Net" } });
    let role = |path: &str| json!({ "RoleName": "named", "Path": path, "AssumeRolePolicyDocument": trust() });
    let profile = |path: &str| json!({ "InstanceProfileName": "named", "Path": path, "Roles": [] });
    [
        ("AWS::EC2::SecurityGroup", "GroupName", group("one"), group("two")),
        ("AWS::IAM::Role", "RoleName", role("/one/"), role("/two/")),
        ("AWS::IAM::InstanceProfile", "InstanceProfileName", profile("/one/"), profile("/two/")),
    ]
}

#[tokio::test]
async fn a_custom_named_resource_is_replaced_only_with_another_name() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let net = json!({ "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.0.0.0/16" } });
    for (kind, property, before, after) in named() {
        let name = kind.rsplit("::").next().expect("a name");
        let with =
            |properties: &Value| template(&json!({ "Net": net, "Named": { "Type": kind, "Properties": properties } }));
        assert_eq!(status(&create(&client, name, &with(&before)).await), "CREATE_COMPLETE", "{kind}");
        assert_eq!(status(&update(&client, name, &with(&after)).await), "UPDATE_ROLLBACK_COMPLETE", "{kind}");
        let refused = "Named UPDATE_FAILED CloudFormation cannot update a stack when a custom-named resource requires \
                       replacing. Rename named and update the stack again.";
        let actual = events(&client, name).await;
        let at = actual.iter().position(|line| line == refused).unwrap_or_else(|| panic!("{actual:#?}"));
        assert!(!actual[at - 1].starts_with("Named UPDATE"), "{actual:#?}");
        let mut renamed = after.clone();
        renamed[property] = "renamed".into();
        assert_eq!(status(&update(&client, name, &with(&renamed)).await), "UPDATE_COMPLETE", "{kind}");
    }
}

#[tokio::test]
async fn the_replacement_of_a_named_service_fails_because_its_name_exists() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let container = json!({ "Name": "app", "Image": "app" });
    let with = |strategy: &str| {
        template(&json!({
            "Cluster": { "Type": "AWS::ECS::Cluster" },
            "Task": { "Type": "AWS::ECS::TaskDefinition", "Properties": { "ContainerDefinitions": [container], "Memory": "128" } },
            "Service": { "Type": "AWS::ECS::Service", "Properties": {
                "Cluster": { "Ref": "Cluster" }, "ServiceName": "named", "TaskDefinition": { "Ref": "Task" },
                "DesiredCount": 0, "LaunchType": strategy,
            } },
        }))
    };
    assert_eq!(status(&create(&client, "service", &with("EC2")).await), "CREATE_COMPLETE");
    assert_eq!(status(&update(&client, "service", &with("EXTERNAL")).await), "UPDATE_ROLLBACK_COMPLETE");
    let refused = "Service UPDATE_FAILED Resource handler returned message: \"Resource of type 'AWS::ECS::Service' with \
                   identifier 'named' already exists.\" (RequestToken: ";
    let actual = events(&client, "service").await;
    assert!(
        actual.iter().any(|line| line.starts_with(refused) && line.ends_with("HandlerErrorCode: AlreadyExists)")),
        "{actual:#?}"
    );
}

#[tokio::test]
async fn the_type_of_a_resource_cannot_change() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let with =
        |kind: &str| template(&json!({ "Kept": parameter("p"), "One": { "Type": kind }, "Two": { "Type": kind } }));
    create(&client, "typed", &with("AWS::Logs::LogGroup")).await;
    let body = with("AWS::ECS::Cluster");
    let refused =
        client.update_stack().stack_name("typed").template_body(&body).send().await.expect_err("it is refused");
    let words = "Update of resource type is not permitted. The new template modifies resource type of the following \
                 resources: [One, Two]";
    assert_eq!(refused.message(), Some(words));
    let change_set = client.create_change_set().stack_name("typed").change_set_name("c").template_body(&body);
    assert_eq!(change_set.send().await.expect_err("it is refused").message(), Some(words));
}

#[tokio::test]
async fn tags_in_templates_cannot_have_reserved_keys() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let tags = json!([{ "Key": "aws:mine", "Value": "v" }]);
    let sentence = "aws: prefixed tag key names are not allowed for external use.";
    for (kind, properties, words) in [
        ("AWS::Logs::LogGroup", json!({ "Tags": tags }), sentence),
        ("AWS::ECS::Cluster", json!({ "Tags": tags }), sentence),
        ("AWS::IAM::Role", json!({ "Tags": tags, "AssumeRolePolicyDocument": trust() }), sentence),
        ("AWS::SSM::Parameter", json!({ "Type": "String", "Value": "v", "Tags": { "aws:mine": "v" } }), sentence),
        (
            "AWS::EC2::InternetGateway",
            json!({ "Tags": tags }),
            "Tag keys starting with 'aws:' are reserved for internal use",
        ),
    ] {
        let name = kind.rsplit("::").next().expect("a name");
        let body = template(&json!({ "Tagged": { "Type": kind, "Properties": properties } }));
        assert_eq!(status(&create(&client, name, &body).await), "ROLLBACK_COMPLETE", "{kind}");
        let refused = format!("Tagged CREATE_FAILED Resource handler returned message: \"{words}");
        let actual = events(&client, name).await;
        assert!(actual.iter().any(|line| line.starts_with(&refused)), "{actual:#?}");
    }
}

#[tokio::test]
async fn the_template_of_a_deleted_stack_is_returned_by_its_id() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let body = template(&json!({ "One": parameter("1") }));
    let stack = create(&client, "gone", &body).await;
    let id = stack.stack_id().expect("an id");
    client.delete_stack().stack_name("gone").send().await.expect("it is accepted");
    assert_eq!(status(&wait_until_complete(&client, id).await), "DELETE_COMPLETE");
    let fault = client.get_template().stack_name(id).send().await.expect("its template");
    assert_eq!(fault.template_body(), Some(body.as_str()));
    let summary = client.get_template_summary().stack_name(id).send().await.expect("its summary");
    assert_eq!(summary.resource_types(), ["AWS::SSM::Parameter"]);
    client.get_template().stack_name("gone").send().await.expect_err("the name is no stack's");
}
