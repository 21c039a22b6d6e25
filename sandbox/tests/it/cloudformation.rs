//! CloudFormation in the sandbox, as the AWS SDK sees it.

use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types::{Capability, ChangeSetType, ExecutionStatus, Stack};
use serde_json::{Value, json};

use crate::local_aws::LocalAws;

/// Waits until no operation is in progress on a stack.
pub async fn wait_until_complete(client: &Client, stack: &str) -> Stack {
    let wait = async {
        loop {
            let response = client.describe_stacks().stack_name(stack).send().await.expect("the stack is known");
            let described = response.stacks()[0].clone();
            if !described.stack_status().expect("a status").as_str().ends_with("_IN_PROGRESS") {
                return described;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the operation ends")
}

pub fn status(stack: &Stack) -> &str {
    stack.stack_status().expect("a status").as_str()
}

pub async fn create(client: &Client, name: &str, template: &str) -> Stack {
    let creation = client.create_stack().stack_name(name).template_body(template);
    creation.capabilities(Capability::CapabilityNamedIam).send().await.expect("it is created");
    wait_until_complete(client, name).await
}

pub async fn update(client: &Client, name: &str, template: &str) -> Stack {
    let update = client.update_stack().stack_name(name).template_body(template);
    update.capabilities(Capability::CapabilityNamedIam).send().await.expect("it is updated");
    wait_until_complete(client, name).await
}

/// The events of a stack, oldest first: logical id, status, reason.
pub async fn events(client: &Client, stack: &str) -> Vec<String> {
    let response = client.describe_stack_events().stack_name(stack).send().await.expect("events");
    let line = |event: &aws_sdk_cloudformation::types::StackEvent| {
        let status = event.resource_status().expect("a status").as_str();
        let reason = event.resource_status_reason().unwrap_or_default();
        format!("{} {status} {reason}", event.logical_resource_id().unwrap_or_default()).trim_end().to_owned()
    };
    response.stack_events().iter().rev().map(line).collect()
}

pub fn parameter(value: &str) -> Value {
    json!({ "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": value } })
}

pub fn template(resources: &Value) -> String {
    json!({ "Resources": resources }).to_string()
}

#[tokio::test]
async fn a_yaml_stack_is_created_with_events_in_order() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let yaml = "Parameters:\n  Zone: {Type: String, Default: us-east-1a}\nConditions:\n  Never: !Equals [!Ref Zone, nowhere]\nResources:\n  \
        Net:\n    Type: AWS::EC2::VPC\n    Properties: {CidrBlock: 10.1.0.0/16}\n  Sub:\n    Type: AWS::EC2::Subnet\n    Properties:\n      \
        VpcId: !Ref Net\n      CidrBlock: 10.1.0.0/24\n      AvailabilityZone: !Ref Zone\n  Not:\n    Type: AWS::EC2::VPC\n    \
        Condition: Never\n    Properties: {CidrBlock: 10.2.0.0/16}\nOutputs:\n  Name:\n    \
        Value: !Sub '${Sub.VpcId}/${AWS::StackName}'\n    Export: {Name: NetName}\n";
    let stack = create(&client, "net", yaml).await;
    assert_eq!(status(&stack), "CREATE_COMPLETE");
    let value = stack.outputs()[0].output_value().expect("a value");
    assert!(value.starts_with("vpc-0") && value.ends_with("/net"), "{value}");
    let expected = [
        "net CREATE_IN_PROGRESS User Initiated",
        "Net CREATE_IN_PROGRESS",
        "Net CREATE_IN_PROGRESS Resource creation Initiated",
        "Net CREATE_COMPLETE",
        "Sub CREATE_IN_PROGRESS",
        "Sub CREATE_IN_PROGRESS Resource creation Initiated",
        "Sub CREATE_COMPLETE",
        "net CREATE_COMPLETE",
    ];
    assert_eq!(events(&client, "net").await, expected);
    let body = client.get_template().stack_name("net").send().await.expect("a template");
    assert_eq!(body.template_body(), Some(yaml));
}

#[tokio::test]
async fn a_failed_creation_is_rolled_back_with_reasons() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let resources = json!({
        "Good": parameter("1"),
        "Bad": { "Type": "AWS::EC2::VPC", "DependsOn": "Good", "Properties": { "CidrBlock": "10.0.0.0/8", "Colour": "red" } },
    });
    let stack = create(&client, "failing", &template(&resources)).await;
    assert_eq!(status(&stack), "ROLLBACK_COMPLETE");
    let expected = [
        "failing CREATE_IN_PROGRESS User Initiated",
        "Good CREATE_IN_PROGRESS",
        "Good CREATE_IN_PROGRESS Resource creation Initiated",
        "Good CREATE_COMPLETE",
        "Bad CREATE_IN_PROGRESS",
        "Bad CREATE_FAILED Properties validation failed for resource Bad with message:\n#: extraneous key [Colour] is not permitted",
        "failing ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Bad]. Rollback requested by user.",
        "Bad DELETE_COMPLETE",
        "Good DELETE_IN_PROGRESS",
        "Good DELETE_COMPLETE",
        "failing ROLLBACK_COMPLETE",
    ];
    assert_eq!(events(&client, "failing").await, expected);
}

#[tokio::test]
async fn a_change_set_without_changes_fails_with_awss_message() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let body = template(&json!({ "One": parameter("1") }));
    let set = client.create_change_set().stack_name("new").change_set_name("first").template_body(&body);
    set.change_set_type(ChangeSetType::Create).send().await.expect("a change set");
    assert_eq!(
        status(&client.describe_stacks().stack_name("new").send().await.expect("a stack").stacks()[0]),
        "REVIEW_IN_PROGRESS"
    );
    client.execute_change_set().stack_name("new").change_set_name("first").send().await.expect("it is carried out");
    assert_eq!(status(&wait_until_complete(&client, "new").await), "CREATE_COMPLETE");
    client
        .create_change_set()
        .stack_name("new")
        .change_set_name("second")
        .template_body(&body)
        .send()
        .await
        .expect("one");
    let second = client.describe_change_set().stack_name("new").change_set_name("second").send().await.expect("one");
    assert_eq!(second.status().map(aws_sdk_cloudformation::types::ChangeSetStatus::as_str), Some("FAILED"));
    assert!(second.status_reason().expect("a reason").starts_with("The submitted information didn't contain changes."));
    let error = client.update_stack().stack_name("new").template_body(&body).send().await.expect_err("nothing changes");
    assert_eq!(error.message(), Some("No updates are to be performed."));
}

/// As in LocalStack's recordings of AWS, `test_changesets.py::test_name_conflicts` and `test_change_sets.py::test_list_change_sets`.
#[tokio::test]
async fn an_executed_change_set_is_not_listed_and_can_be_described_by_its_arn() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let body = template(&json!({ "One": parameter("1") }));
    let set = client.create_change_set().stack_name("new").change_set_name("first").template_body(&body);
    let created = set.change_set_type(ChangeSetType::Create).send().await.expect("a change set");
    let listed = client.list_change_sets().stack_name("new").send().await.expect("a list");
    assert_eq!(listed.summaries().len(), 1);
    client.execute_change_set().stack_name("new").change_set_name("first").send().await.expect("it is carried out");
    wait_until_complete(&client, "new").await;
    let listed = client.list_change_sets().stack_name("new").send().await.expect("a list");
    assert_eq!(listed.summaries(), []);
    let arn = created.id().expect("an ARN");
    let executed = client.describe_change_set().change_set_name(arn).send().await.expect("it is described");
    assert_eq!(executed.execution_status(), Some(&ExecutionStatus::ExecuteComplete));
}

#[tokio::test]
async fn concurrent_change_sets_for_a_new_stack_share_the_stack() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let body = template(&json!({ "One": parameter("1") }));
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..12 {
        let set = client.create_change_set().stack_name("twin").change_set_name(format!("set-{number}"));
        requests.spawn(set.template_body(&body).change_set_type(ChangeSetType::Create).send());
    }
    let mut stacks: Vec<_> =
        requests.join_all().await.into_iter().map(|response| response.expect("one").stack_id.expect("an id")).collect();
    stacks.dedup();
    assert_eq!(stacks.len(), 1, "{stacks:?}");
    let described = client.describe_stacks().send().await.expect("the stacks");
    assert_eq!(described.stacks().len(), 1);

    let execute = |name| client.execute_change_set().stack_name("twin").change_set_name(name).send();
    let (first, second) = tokio::join!(execute("set-0"), execute("set-1"));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(status(&wait_until_complete(&client, "twin").await), "CREATE_COMPLETE");
}

#[tokio::test]
async fn a_stack_does_not_take_over_the_cluster_of_another_stack() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let body = template(&json!({ "C": { "Type": "AWS::ECS::Cluster", "Properties": { "ClusterName": "shared" } } }));
    let owner = create(&client, "owner", &body).await;
    assert_eq!(status(&create(&client, "other", &body).await), "ROLLBACK_COMPLETE");
    let actual = events(&client, "other").await;
    let refused = format!("C CREATE_FAILED shared already exists in stack {}", owner.stack_id().expect("an id"));
    assert!(actual.contains(&refused), "{actual:#?}");
    let clusters = aws.ecs().describe_clusters().clusters("shared").send().await.expect("the cluster");
    assert_eq!(clusters.clusters()[0].status(), Some("ACTIVE"));
}

#[tokio::test]
async fn an_export_cannot_be_removed_while_a_stack_imports_it() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let exporter = json!({
        "Resources": { "One": parameter("1") },
        "Outputs": { "Out": { "Value": { "Ref": "One" }, "Export": { "Name": "Shared" } } },
    });
    create(&client, "exporter", &exporter.to_string()).await;
    let user = template(
        &json!({ "Two": { "Type": "AWS::SSM::Parameter", "Properties": { "Type": "String", "Value": { "Fn::ImportValue": "Shared" } } } }),
    );
    assert_eq!(status(&create(&client, "user", &user).await), "CREATE_COMPLETE");
    let refused = "Delete canceled. Cannot delete export Shared as it is in use by user.";
    let mut before = "CREATE_COMPLETE";
    for round in 0..2 {
        client.delete_stack().stack_name("exporter").send().await.expect("it is accepted");
        let stack = wait_until_complete(&client, "exporter").await;
        assert_eq!((status(&stack), stack.stack_status_reason()), (before, Some(refused)));
        assert_eq!(stack.deletion_time(), None);
        let actual = events(&client, "exporter").await;
        let expected =
            ["exporter DELETE_IN_PROGRESS User Initiated".to_owned(), format!("exporter {before} {refused}")];
        assert_eq!(actual[actual.len() - 2..], expected);
        let mut next = exporter.clone();
        next["Resources"]["More"] = parameter(&format!("{round}"));
        before = "UPDATE_COMPLETE";
        let stack = update(&client, "exporter", &next.to_string()).await;
        assert_eq!((status(&stack), stack.stack_status_reason()), (before, None));
    }
    let missing = user.replace("Shared", "Unknown");
    let failed = create(&client, "lost", &missing).await;
    assert_eq!(status(&failed), "ROLLBACK_COMPLETE");
    let actual = events(&client, "lost").await;
    assert!(actual[1].ends_with("No export named Unknown found. Rollback requested by user."), "{actual:?}");
}

#[tokio::test]
async fn invalid_templates_are_refused_before_a_resource_is_created() {
    let aws = LocalAws::start().await;
    let client = aws.cloudformation();
    let role =
        json!({ "R": { "Type": "AWS::IAM::Role", "Properties": { "RoleName": "r", "AssumeRolePolicyDocument": {} } } });
    let circle = json!({
        "A": { "Type": "AWS::SSM::Parameter", "DependsOn": "B", "Properties": {} },
        "B": { "Type": "AWS::SSM::Parameter", "DependsOn": "A", "Properties": {} },
    });
    let cases = [
        ("{", "Template format error: JSON not well-formed. (line 1, column 2)".to_owned()),
        ("{}", "Template format error: At least one Resources member must be defined.".to_owned()),
        (
            &template(&json!({ "A": { "Type": "AWS::SQS::Queue" } })),
            "the sandbox does not serve the resource type AWS::SQS::Queue".to_owned(),
        ),
        (
            &template(&json!({ "A": { "Type": "AWS::SSM::Parameter", "Properties": { "Value": { "Ref": "Gone" } } } })),
            "Template format error: Unresolved resource dependencies [Gone] in the Resources block of the template"
                .to_owned(),
        ),
        (&template(&circle), "Circular dependency between resources: [A, B]".to_owned()),
        (&template(&role), "Requires capabilities : [CAPABILITY_NAMED_IAM]".to_owned()),
    ];
    for (body, expected) in cases {
        let error =
            client.create_stack().stack_name("never").template_body(body).send().await.expect_err("it is refused");
        assert_eq!(error.message(), Some(expected.as_str()));
    }
    let error = client.describe_stacks().stack_name("never").send().await.expect_err("nothing was made");
    assert_eq!(error.message(), Some("Stack with id never does not exist"));
}

#[tokio::test]
async fn a_killed_sandbox_resumes_stack_operations_in_progress() {
    let mut aws = LocalAws::start().await;
    let mut resources = serde_json::Map::new();
    for number in 0..40 {
        let mut resource = parameter("x");
        if number > 0 {
            resource["DependsOn"] = format!("P{:02}", number - 1).into();
        }
        resources.insert(format!("P{number:02}"), resource);
    }
    let body = template(&Value::Object(resources));
    aws.cloudformation().create_stack().stack_name("long").template_body(body).send().await.expect("it begins");
    aws.kill_and_restart().await;
    let client = aws.cloudformation();
    assert_eq!(status(&wait_until_complete(&client, "long").await), "CREATE_COMPLETE");
    client.delete_stack().stack_name("long").send().await.expect("it is accepted");
    aws.kill_and_restart().await;
    let client = aws.cloudformation();
    let wait_until_gone = async {
        while client.describe_stacks().stack_name("long").send().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait_until_gone).await.expect("it is deleted");
}

/// A stack with a cluster, and a service of two tasks with the image `app`.
fn service_template(breaker: bool) -> String {
    let container =
        json!({ "Name": "app", "Image": "app", "Essential": true, "PortMappings": [{ "ContainerPort": 3000 }] });
    template(&json!({
        "Net": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.1.0.0/16" } },
        "Sub": { "Type": "AWS::EC2::Subnet", "Properties": { "VpcId": { "Ref": "Net" }, "CidrBlock": "10.1.0.0/24" } },
        "Cluster": { "Type": "AWS::ECS::Cluster" },
        "Task": { "Type": "AWS::ECS::TaskDefinition", "Properties": {
            "Cpu": "256", "Memory": "512", "NetworkMode": "awsvpc", "RequiresCompatibilities": ["FARGATE"],
            "ContainerDefinitions": [container],
        } },
        "Service": { "Type": "AWS::ECS::Service", "Properties": {
            "Cluster": { "Ref": "Cluster" }, "TaskDefinition": { "Ref": "Task" }, "DesiredCount": 2, "LaunchType": "FARGATE",
            "DeploymentConfiguration": { "DeploymentCircuitBreaker": { "Enable": breaker, "Rollback": breaker } },
            "NetworkConfiguration": { "AwsvpcConfiguration": { "Subnets": [{ "Ref": "Sub" }] } },
        } },
    }))
}

/// Sets the command for the image of the stack `service`.
async fn images(aws: &LocalAws, script: &str) {
    let images = json!({ "app": { "command": ["sh", "-c", script], "cwd": aws.folder() } });
    aws.control("PutImages", json!({ "stackName": "service", "runtime": "process", "images": images })).await;
}

async fn service_stack(aws: &LocalAws, script: &str) -> Stack {
    images(aws, script).await;
    create(&aws.cloudformation(), "service", &service_template(true)).await
}

#[tokio::test]
async fn a_service_stack_completes_with_its_tasks_running_and_is_deleted_with_its_tasks_stopped() {
    let aws = LocalAws::start().await;
    let stack = service_stack(&aws, "while :; do sleep 1; done").await;
    assert_eq!(status(&stack), "CREATE_COMPLETE");
    let clusters = aws.ecs().describe_clusters().clusters(cluster_of(&aws).await).send().await.expect("the cluster");
    assert_eq!(clusters.clusters()[0].running_tasks_count(), 2);
    let client = aws.cloudformation();
    client.delete_stack().stack_name("service").send().await.expect("it is accepted");
    let stack = wait_until_complete(&client, stack.stack_id().expect("an id")).await;
    assert_eq!(status(&stack), "DELETE_COMPLETE");
}

async fn cluster_of(aws: &LocalAws) -> String {
    let resource = aws.cloudformation().describe_stack_resource().stack_name("service").logical_resource_id("Cluster");
    let detail = resource.send().await.expect("the resource").stack_resource_detail.expect("its detail");
    detail.physical_resource_id.expect("its id")
}

#[tokio::test]
async fn a_triggered_circuit_breaker_fails_the_stack_with_its_message() {
    let aws = LocalAws::start().await;
    let stack = service_stack(&aws, "exit 3").await;
    assert_eq!(status(&stack), "ROLLBACK_COMPLETE");
    let actual = events(&aws.cloudformation(), "service").await;
    let failure = actual.iter().find(|line| line.starts_with("Service CREATE_FAILED")).expect("it failed");
    assert!(failure.contains("ECS Deployment Circuit Breaker was triggered"), "{failure}");
}

/// Creates a service stack whose tasks exit immediately, without a circuit breaker.
async fn unstable_service_stack(aws: &LocalAws) -> String {
    images(aws, "exit 3").await;
    let creation = aws.cloudformation().create_stack().stack_name("service").template_body(service_template(false));
    creation.send().await.expect("it begins").stack_id.expect("an id")
}

/// Waits until an event of the stack has a reason with this prefix.
async fn wait_for_event_reason(aws: &LocalAws, words: &str) {
    let wait = async {
        while !events(&aws.cloudformation(), "service").await.iter().any(|line| line.starts_with(words)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the event is there");
}

#[tokio::test]
async fn a_stack_whose_service_never_becomes_steady_can_be_deleted() {
    let aws = LocalAws::start().await;
    let id = unstable_service_stack(&aws).await;
    wait_for_event_reason(&aws, "Service CREATE_IN_PROGRESS Resource creation Initiated").await;
    let client = aws.cloudformation();
    client.delete_stack().stack_name("service").send().await.expect("it is accepted");
    assert_eq!(status(&wait_until_complete(&client, &id).await), "DELETE_COMPLETE");
    let clusters = aws.ecs().list_clusters().send().await.expect("the clusters");
    assert!(clusters.cluster_arns().is_empty(), "{clusters:?}");
}

#[tokio::test]
async fn a_creation_that_times_out_is_rolled_back() {
    let aws = LocalAws::start().await;
    images(&aws, "exit 3").await;
    let creation = aws.cloudformation().create_stack().stack_name("service").template_body(service_template(false));
    creation.timeout_in_minutes(1).send().await.expect("it begins");
    let stack = wait_until_complete(&aws.cloudformation(), "service").await;
    assert_eq!(status(&stack), "ROLLBACK_COMPLETE");
    let actual = events(&aws.cloudformation(), "service").await;
    let why =
        "service ROLLBACK_IN_PROGRESS Stack creation time exceeded the specified timeout. Rollback requested by user.";
    assert!(actual.iter().any(|line| line == why), "{actual:#?}");
    assert!(actual.iter().any(|line| line == "Service CREATE_FAILED Resource creation cancelled"), "{actual:#?}");
}

#[tokio::test]
async fn an_update_that_never_becomes_steady_can_be_cancelled() {
    let aws = LocalAws::start().await;
    images(&aws, "while :; do sleep 1; done").await;
    let client = aws.cloudformation();
    assert_eq!(status(&create(&client, "service", &service_template(false)).await), "CREATE_COMPLETE");
    images(&aws, "exit 3").await;
    let next = service_template(false).replace("\"512\"", "\"1024\"");
    client.update_stack().stack_name("service").template_body(next).send().await.expect("it begins");
    wait_for_event_reason(&aws, "Service UPDATE_IN_PROGRESS").await;
    images(&aws, "while :; do sleep 1; done").await;
    client.cancel_update_stack().stack_name("service").send().await.expect("it is cancelled");
    assert_eq!(status(&wait_until_complete(&client, "service").await), "UPDATE_ROLLBACK_COMPLETE");
}
