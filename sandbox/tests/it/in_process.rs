//! A sandbox in the test's own process, called without HTTP and signatures.

use std::sync::Arc;
use std::time::Duration;

use ecsws_sandbox::LogReader;
use ecsws_sandbox::testing::Credentials;
use ecsws_sandbox::testing::{Config, Fault, Sandbox};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The sandbox. Its state is deleted when this value is dropped.
pub struct InProcess {
    sandbox: Arc<Sandbox>,
    _folder: tempfile::TempDir,
}

impl InProcess {
    /// A sandbox without any resources.
    pub fn new() -> Self {
        Self::in_region("us-east-1")
    }

    /// The same in another region.
    pub fn in_region(region: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config {
            account: "123456789012".to_owned(),
            region: region.to_owned(),
            state_dir: folder.path().to_owned(),
            credentials: Credentials::random(),
            control_secret: String::new(),
            program: crate::common::program(),
            speed: 20.0,
            host_exec: false,
        };
        let sandbox = ecsws_sandbox::testing::open(config, CancellationToken::new()).expect("a sandbox");
        Self { sandbox, _folder: folder }
    }

    /// A sandbox whose background loops run, such as the ECS scheduler.
    pub fn with_background_work() -> Self {
        let inside = Self::new();
        for start in inside.sandbox.registry.loops {
            start(&inside.sandbox);
        }
        inside
    }

    /// Calls an operation that succeeds.
    pub async fn call(&self, service: &str, operation: &str, input: Value) -> Value {
        self.sandbox.call(service, operation, input).await.unwrap_or_else(|fault| panic!("{operation}: {fault}"))
    }

    /// Calls an operation that changes a stack, and returns the stack once no operation is in progress.
    pub async fn change_stack(&self, operation: &str, input: Value) -> Value {
        let name = input["StackName"].clone();
        self.call("cloudformation", operation, input).await;
        let wait = async {
            loop {
                let response = self.call("cloudformation", "DescribeStacks", json!({ "StackName": name })).await;
                if !response["Stacks"][0]["StackStatus"].as_str().expect("a status").ends_with("_IN_PROGRESS") {
                    return response["Stacks"][0].clone();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the operation ends")
    }

    /// The events of a stack, oldest first: logical id, status, reason.
    pub async fn events(&self, stack: &str) -> Vec<String> {
        let response = self.call("cloudformation", "DescribeStackEvents", json!({ "StackName": stack })).await;
        let part = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let parts = ["LogicalResourceId", "ResourceStatus", "ResourceStatusReason"];
        let line = |event: &Value| parts.map(|name| part(event, name)).join(" ").trim_end().to_owned();
        response["StackEvents"].as_array().expect("events").iter().rev().map(line).collect()
    }

    /// The lines of the sandbox's own log.
    pub fn log(&self) -> Vec<String> {
        LogReader::open(&self.sandbox.config.state_dir).expect("the log").1
    }

    /// Calls an operation.
    pub async fn try_call(&self, service: &str, operation: &str, input: Value) -> Result<Value, Fault> {
        self.sandbox.call(service, operation, input).await
    }

    /// Calls an operation that fails, and returns the fault's code and message.
    pub async fn refusal(&self, service: &str, operation: &str, input: Value) -> (String, String) {
        match self.sandbox.call(service, operation, input).await {
            Err(Fault { code, message, .. }) => (code, message),
            Ok(response) => panic!("{operation} returns {response}"),
        }
    }
}
