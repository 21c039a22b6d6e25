//! A sandbox in the background for one test, and clients of the AWS SDKs for it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningInstructions, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;
use ecsws_sandbox::lifecycle::{self, Endpoint, LifecycleError, Options};
use ecsws_sandbox::testing::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::common::program;

/// The default speed of sandboxes.
const SPEED: f64 = 20.0;

/// A sandbox in the background with its own state folder. It is stopped when this value is dropped.
pub struct LocalAws {
    folder: tempfile::TempDir,
    host_exec: bool,
    speed: f64,
    /// Its address and credentials.
    pub endpoint: Endpoint,
}

impl LocalAws {
    pub async fn start() -> Self {
        Self::start_with(false).await
    }

    /// Starts a sandbox; `host_exec` is whether commands in requests may run on this machine.
    pub async fn start_with(host_exec: bool) -> Self {
        Self::begin(host_exec, SPEED).await
    }

    /// Starts a sandbox with a speed.
    pub async fn start_at(speed: f64) -> Self {
        Self::begin(false, speed).await
    }

    async fn begin(host_exec: bool, speed: f64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let endpoint = Self::try_serve(folder.path(), host_exec, speed).await.expect("the sandbox starts");
        Self { folder, host_exec, speed, endpoint }
    }

    async fn try_serve(folder: &Path, host_exec: bool, speed: f64) -> Result<Endpoint, LifecycleError> {
        let options = Options {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            state_dir: folder.to_owned(),
            speed,
            host_exec,
        };
        lifecycle::ensure_running(&program(), &options).await
    }

    /// Starts another sandbox with the same state.
    pub async fn try_restart(&mut self) -> Result<(), LifecycleError> {
        self.endpoint = Self::try_serve(self.folder.path(), self.host_exec, self.speed).await?;
        Ok(())
    }

    /// Kills the sandbox, and starts another with the same state.
    pub async fn kill_and_restart(&mut self) {
        self.kill();
        self.try_restart().await.expect("the sandbox starts");
    }

    /// Kills the sandbox.
    pub fn kill(&self) {
        let process = nix::unistd::Pid::from_raw(i32::try_from(self.endpoint.pid).expect("a process id"));
        // It may have exited already.
        let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL);
        let _ = nix::sys::wait::waitpid(process, None);
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Makes a control call.
    pub async fn control(&self, operation: &str, input: serde_json::Value) -> serde_json::Value {
        self.endpoint.call(operation, &input, Clock::new(1.0).now()).await.expect("a response")
    }

    /// Calls a Query service, and returns the XML, for members that the SDKs' types do not show.
    pub async fn query(&self, service: &str, version: &str, operation: &str, parameters: &[(&str, &str)]) -> String {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("Action", operation).append_pair("Version", version).extend_pairs(parameters);
        let body = body.finish();
        let host = self.endpoint.host();
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let signature = self.signature(service, kind, &body);
        let signed: Vec<String> = signature.headers().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let signed = signed.concat();
        let text = format!(
            "POST / HTTP/1.1\r\nconnection: close\r\nhost: {host}\r\n{}: {}\r\n{signed}content-length: {}\r\n\r\n{body}",
            kind.0,
            kind.1,
            body.len(),
        );
        let mut stream = TcpStream::connect(host).await.expect("it listens");
        stream.write_all(text.as_bytes()).await.expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).await.expect("a response");
        let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with("HTTP/1.1 200"), "{operation}: {body}");
        body.to_owned()
    }

    fn signature(&self, service: &str, header: (&str, &str), body: &str) -> SigningInstructions {
        let auth = &self.endpoint.credentials;
        let identity = Credentials::new(&auth.access_key_id, &auth.secret_access_key, None, None, "test").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name(service)
            .time(Clock::new(1.0).now().into())
            .settings(SigningSettings::default())
            .build()
            .expect("all that a signature needs");
        let request = SignableRequest::new(
            "POST",
            &self.endpoint.url,
            [header].into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        );
        sign(request.expect("a request"), &parameters.into()).expect("a signature").into_parts().0
    }

    pub fn config(&self) -> SdkConfig {
        Self::config_of(&self.endpoint)
    }

    /// The SDK configuration for a sandbox.
    pub fn config_of(endpoint: &Endpoint) -> SdkConfig {
        let auth = &endpoint.credentials;
        let credentials = Credentials::new(&auth.access_key_id, &auth.secret_access_key, None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .endpoint_url(&endpoint.url)
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    /// Two subnets of a VPC, created by a stack.
    pub async fn subnets(&self) -> Vec<String> {
        Self::subnets_of(&self.config()).await
    }

    /// The same for the sandbox of an SDK configuration.
    pub async fn subnets_of(config: &SdkConfig) -> Vec<String> {
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
        let stacks = aws_sdk_cloudformation::Client::new(config);
        // It may exist already.
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

/// The shims of a sandbox's tasks, which lead the tasks' process groups.
#[cfg(target_os = "linux")]
pub fn shims(sandbox: u32) -> Vec<nix::unistd::Pid> {
    let processes = std::fs::read_dir("/proc").expect("processes are listed").flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_shim = |pid: &i32| {
        let read = |name: &str| {
            let bytes = std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let parent = read("stat").rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        parent == Some(sandbox) && read("cmdline").contains("task-shim")
    };
    numbers.filter(is_shim).map(nix::unistd::Pid::from_raw).collect()
}

/// A sandbox in the foreground with resource limits, set by a shell.
pub struct Confined {
    folder: tempfile::TempDir,
    process: Child,
}

impl Confined {
    pub async fn start(limits: &str) -> (Self, Endpoint) {
        let folder = tempfile::tempdir().expect("a folder");
        // A process that ignores SIGXFSZ gets an error from the write instead.
        let script = format!("trap '' XFSZ; {limits}; exec \"$0\" \"$1\" 20");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(program()).arg(folder.path()).env_clear();
        let process = command.spawn().expect("it starts");
        let confined = Self { folder, process };
        let wait_for_endpoint = async {
            loop {
                if let Ok(Some((endpoint, _))) = lifecycle::status(confined.folder.path()).await {
                    return endpoint;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let endpoint = tokio::time::timeout(Duration::from_mins(1), wait_for_endpoint).await.expect("a response");
        (confined, endpoint)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        // It may have exited already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
