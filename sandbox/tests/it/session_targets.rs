//! A stack with targets of sessions: tasks with and without ECS Exec, a managed and an unmanaged instance.

use std::time::Duration;

use serde_json::{Value, json};

use crate::local_aws::LocalAws;
use crate::raw_requests;

pub const LIMIT: Duration = Duration::from_secs(20);

/// With a role that has the permissions for ECS Exec, and one that has not.
fn template() -> Value {
    let role = |service: &str, more: Value| {
        let principal = json!({ "Service": service });
        let trust = json!([{ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" }]);
        let mut properties = json!({ "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": trust } });
        properties.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({ "Type": "AWS::IAM::Role", "Properties": properties })
    };
    let allow = json!([{ "Effect": "Allow", "Action": "ssmmessages:*Channel", "Resource": "*" }]);
    let inline = json!([{ "PolicyName": "exec", "PolicyDocument": { "Version": "2012-10-17", "Statement": allow } }]);
    let definition = |family: &str, role: &str| {
        let shell = json!({ "Name": "web", "Image": "web", "PortMappings": [{ "ContainerPort": 3000 }] });
        let other = json!({ "Name": "other", "Image": "web" });
        json!({ "Type": "AWS::ECS::TaskDefinition", "Properties": {
            "Family": family, "Cpu": "256", "Memory": "512", "NetworkMode": "awsvpc", "RequiresCompatibilities": ["FARGATE"],
            "TaskRoleArn": { "Fn::GetAtt": [role, "Arn"] },
            "ContainerDefinitions": if family == "two" { json!([shell, other]) } else { json!([shell]) },
        } })
    };
    let core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore";
    json!({ "Resources": {
        "Vpc": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.0.0.0/16" } },
        "Subnet": { "Type": "AWS::EC2::Subnet", "Properties": { "VpcId": { "Ref": "Vpc" }, "CidrBlock": "10.0.0.0/24" } },
        "Cluster": { "Type": "AWS::ECS::Cluster", "Properties": { "ClusterName": "demo_1" } },
        "Managed": role("ec2.amazonaws.com", json!({ "ManagedPolicyArns": [core] })),
        "Profile": { "Type": "AWS::IAM::InstanceProfile", "Properties": { "Roles": [{ "Ref": "Managed" }] } },
        "Instance": { "Type": "AWS::EC2::Instance", "Properties": {
            "ImageId": "ami-0123456789abcdef0", "SubnetId": { "Ref": "Subnet" }, "IamInstanceProfile": { "Ref": "Profile" },
            "Tags": [{ "Key": "Name", "Value": "tool" }],
        } },
        "Unmanaged": { "Type": "AWS::EC2::Instance", "Properties": {
            "ImageId": "ami-0123456789abcdef0", "SubnetId": { "Ref": "Subnet" },
        } },
        "Exec": role("ecs-tasks.amazonaws.com", json!({ "Policies": inline })),
        "Bare": role("ecs-tasks.amazonaws.com", json!({})),
        "One": definition("one", "Exec"),
        "Two": definition("two", "Exec"),
        "Three": definition("three", "Bare"),
    }, "Outputs": {
        "Subnet": { "Value": { "Ref": "Subnet" } },
        "Instance": { "Value": { "Ref": "Instance" } },
        "Unmanaged": { "Value": { "Ref": "Unmanaged" } },
    } })
}

pub struct SessionTargets {
    pub aws: LocalAws,
    subnet: String,
    /// The instance that reports to Systems Manager.
    pub instance: String,
    pub unmanaged_instance: String,
}

impl SessionTargets {
    pub async fn start(host_exec: bool) -> Self {
        let aws = LocalAws::start_with(host_exec).await;
        let stacks = aws.cloudformation();
        let create = stacks.create_stack().stack_name("targets").template_body(template().to_string());
        let capability = aws_sdk_cloudformation::types::Capability::CapabilityIam;
        create.capabilities(capability).send().await.expect("it is made");
        loop {
            let described = stacks.describe_stacks().stack_name("targets").send().await.expect("it is there");
            let stack = &described.stacks()[0];
            let status = stack.stack_status().expect("a status").as_str();
            assert!(status.starts_with("CREATE_") && status != "CREATE_FAILED", "{status}");
            if status == "CREATE_COMPLETE" {
                let value = |name: &str| {
                    let output = stack.outputs().iter().find(|output| output.output_key() == Some(name));
                    output.and_then(|output| output.output_value.clone()).expect("an output")
                };
                let (subnet, instance, unmanaged_instance) = (value("Subnet"), value("Instance"), value("Unmanaged"));
                return Self { aws, subnet, instance, unmanaged_instance };
            }
        }
    }

    pub fn try_ssm(&self, operation: &str, input: &Value) -> Result<Value, String> {
        Self::outcome(&raw_requests::json(&self.aws, "ssm", &format!("AmazonSSM.{operation}"), input))
    }

    pub fn try_ecs(&self, operation: &str, input: &Value) -> Result<Value, String> {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        Self::outcome(&raw_requests::json(&self.aws, "ecs", &target, input))
    }

    /// The response, or `CODE: message`.
    fn outcome(response: &raw_requests::RawResponse) -> Result<Value, String> {
        let body = response.json();
        if response.status == 200 {
            return Ok(body);
        }
        let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        let message = text("message") + &text("Message");
        Err(format!("{}: {message}", text("__type").rsplit('#').next().unwrap_or_default()))
    }

    pub fn ssm(&self, operation: &str, input: &Value) -> Value {
        self.try_ssm(operation, input).expect("it is served")
    }

    pub fn ecs(&self, operation: &str, input: &Value) -> Value {
        self.try_ecs(operation, input).expect("it is served")
    }

    /// A running task of a family.
    pub async fn task(&self, family: &str, exec: bool) -> String {
        let network = json!({ "awsvpcConfiguration": { "subnets": [self.subnet] } });
        let run = self.ecs(
            "RunTask",
            &json!({
                "cluster": "demo_1", "taskDefinition": family, "launchType": "FARGATE", "enableExecuteCommand": exec,
                "networkConfiguration": network,
            }),
        );
        let arn = run["tasks"][0]["taskArn"].as_str().expect("an ARN").to_owned();
        let running = async {
            while self.described(&arn)["lastStatus"] != "RUNNING" {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, running).await.expect("it runs");
        arn
    }

    pub fn described(&self, task: &str) -> Value {
        self.ecs("DescribeTasks", &json!({ "cluster": "demo_1", "tasks": [task] }))["tasks"][0].clone()
    }

    pub fn exec(&self, task: &str, command: &str) -> Result<(String, String, String), String> {
        let input = json!({ "cluster": "demo_1", "task": task, "interactive": true, "command": command });
        self.try_ecs("ExecuteCommand", &input)
            .map(|response| session(&response["session"], "sessionId", "streamUrl", "tokenValue"))
    }

    pub fn shell(&self, target: &str) -> (String, String, String) {
        session(&self.ssm("StartSession", &json!({ "Target": target })), "SessionId", "StreamUrl", "TokenValue")
    }

    pub fn resume(&self, id: &str) -> (String, String, String) {
        session(&self.ssm("ResumeSession", &json!({ "SessionId": id })), "SessionId", "StreamUrl", "TokenValue")
    }

    pub fn active(&self) -> usize {
        let sessions = self.ssm("DescribeSessions", &json!({ "State": "Active" }));
        sessions["Sessions"].as_array().map_or(0, Vec::len)
    }
}

/// Id, address and token.
fn session(response: &Value, id: &str, url: &str, token: &str) -> (String, String, String) {
    let text = |member: &str| response[member].as_str().unwrap_or_else(|| panic!("{response}")).to_owned();
    (text(id), text(url), text(token))
}
