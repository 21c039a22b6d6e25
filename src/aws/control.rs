//! The sandbox's own calls, beside AWS's: which programs stand in for images, and where services answer on this machine.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::raw::RawCall;
use super::{Aws, AwsError, AwsErrorKind, Result};

/// Where a service of the sandbox answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAddress {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// `http://127.0.0.1:PORT`; stays the same as tasks come and go.
    pub url: String,
}

/// A program that stands in for an image: its command line and the folder it runs in.
pub type ImageCommand = (Vec<String>, String);

impl Aws {
    /// Hands the sandbox the programs that stand in for the images of a stack.
    pub async fn put_sandbox_images(&self, stack: &str, runtime: &str, images: &BTreeMap<String, ImageCommand>) -> Result<()> {
        let images: serde_json::Map<String, Value> =
            images.iter().map(|(image, (command, cwd))| (image.clone(), json!({ "command": command, "cwd": cwd }))).collect();
        let input = json!({ "stackName": stack, "runtime": runtime, "images": images });
        self.control("hand the sandbox the programs of its images", "PutImages", &input).await.map(drop)
    }

    /// Where the sandbox's services answer.
    pub async fn sandbox_addresses(&self) -> Result<Vec<ServiceAddress>> {
        let answer = self.control("ask the sandbox where its services answer", "DescribeAddresses", &json!({})).await?;
        let member = |address: &Value, name: &str| address[name].as_str().unwrap_or_default().to_owned();
        let addresses = answer["addresses"].as_array().cloned().unwrap_or_default();
        let ours = addresses.iter().map(|address| ServiceAddress {
            cluster: member(address, "cluster"),
            service: member(address, "service"),
            url: member(address, "url"),
        });
        Ok(ours.collect())
    }

    async fn control(&self, action: &str, operation: &str, input: &Value) -> Result<Value> {
        let target = format!("EcswsSandbox.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        let answer = self.raw(&RawCall { action, signing_name: "ecsws", headers: &headers, body: input.to_string() }).await?;
        let not_json = |_| AwsError::unanswered(action, AwsErrorKind::Other, "the answer is not the sandbox's");
        let body: Value = serde_json::from_str(&answer.body).map_err(not_json)?;
        if answer.ok {
            return Ok(body);
        }
        let member = |names: [&str; 2]| names.iter().find_map(|name| body[*name].as_str()).unwrap_or_default();
        Err(AwsError::answered(action, member(["__type", "code"]), member(["message", "Message"])))
    }
}
