//! A sandbox for one test, and the AWS SDKs' own clients for it.
#![cfg(unix)]

use std::path::{Path, PathBuf};

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;
use ecsws::sandbox::lifecycle::{self, Endpoint, Options};
use ecsws::sandbox::world::clock::Clock;

/// A sandbox in the background with a state folder of its own; it ends with this value.
pub struct LocalAws {
    folder: tempfile::TempDir,
    host_exec: bool,
    /// Where it answers.
    pub endpoint: Endpoint,
}

impl LocalAws {
    pub async fn start() -> Self {
        Self::start_with(false).await
    }

    /// `host_exec` says whether commands of requests may run on this machine.
    pub async fn start_with(host_exec: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let endpoint = Self::serve(folder.path(), host_exec).await;
        Self { folder, host_exec, endpoint }
    }

    async fn serve(folder: &Path, host_exec: bool) -> Endpoint {
        let options = Options {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            state_dir: folder.to_owned(),
            speed: 20.0,
            host_exec,
        };
        lifecycle::ensure_running(Path::new(env!("CARGO_BIN_EXE_ecsws")), &options).await.expect("the sandbox starts")
    }

    /// Kills it at once, and starts another on the same state.
    pub async fn kill_and_restart(&mut self) {
        self.kill();
        self.endpoint = Self::serve(self.folder.path(), self.host_exec).await;
    }

    fn kill(&self) {
        let process = nix::unistd::Pid::from_raw(i32::try_from(self.endpoint.pid).expect("a process id"));
        // It may have ended already.
        let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL);
        let _ = nix::sys::wait::waitpid(process, None);
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// A signed control call.
    pub async fn control(&self, operation: &str, input: serde_json::Value) -> serde_json::Value {
        self.endpoint.call(operation, &input, Clock::new(1.0).now()).await.expect("the sandbox answers")
    }

    pub fn config(&self) -> SdkConfig {
        let auth = &self.endpoint.credentials;
        let credentials = Credentials::new(&auth.access_key_id, &auth.secret_access_key, None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.endpoint.url)
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    /// Two subnets of a VPC, which a stack makes.
    pub async fn subnets(&self) -> Vec<String> {
        let subnet = |number: u8| {
            serde_json::json!({ "Type": "AWS::EC2::Subnet", "Properties": {
                "VpcId": { "Ref": "Vpc" }, "CidrBlock": format!("10.0.{number}.0/24"), "AvailabilityZone": "us-east-1a",
            } })
        };
        let template = serde_json::json!({
            "Resources": {
                "Vpc": { "Type": "AWS::EC2::VPC", "Properties": { "CidrBlock": "10.0.0.0/16" } },
                "One": subnet(1),
                "Two": subnet(2),
            },
            "Outputs": { "One": { "Value": { "Ref": "One" } }, "Two": { "Value": { "Ref": "Two" } } },
        });
        let stacks = self.cloudformation();
        // It may be there already.
        let _ = stacks.create_stack().stack_name("network").template_body(template.to_string()).send().await;
        loop {
            let described = stacks.describe_stacks().stack_name("network").send().await.expect("the stack is there");
            let stack = &described.stacks()[0];
            if stack.outputs().len() == 2 {
                return stack.outputs().iter().filter_map(|output| output.output_value.clone()).collect();
            }
        }
    }

    pub fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.config())
    }

    pub fn sts(&self) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.config())
    }

    pub fn ecs(&self) -> aws_sdk_ecs::Client {
        aws_sdk_ecs::Client::new(&self.config())
    }

    pub fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        aws_sdk_cloudwatchlogs::Client::new(&self.config())
    }

    pub fn autoscaling(&self) -> aws_sdk_applicationautoscaling::Client {
        aws_sdk_applicationautoscaling::Client::new(&self.config())
    }
}

impl Drop for LocalAws {
    fn drop(&mut self) {
        self.kill();
    }
}
