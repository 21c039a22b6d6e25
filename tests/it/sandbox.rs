//! A background sandbox for one test, and the AWS SDK's CloudFormation client for it.
#![cfg(all(unix, feature = "sandbox"))]

use std::path::Path;
use std::time::Duration;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cloudformation::types::{Capability, Stack};
use ecsws_sandbox::lifecycle::{self, Endpoint, Options};

/// A background sandbox with its own state folder. Killed when dropped.
pub struct Sandbox {
    _folder: tempfile::TempDir,
    pub endpoint: Endpoint,
}

impl Sandbox {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            state_dir: folder.path().to_owned(),
            speed: 20.0,
            host_exec: false,
        };
        let program = Path::new(env!("CARGO_BIN_EXE_ecsws"));
        let endpoint = lifecycle::ensure_running(program, &options).await.expect("the sandbox starts");
        Self { _folder: folder, endpoint }
    }

    pub fn cloudformation(&self) -> Client {
        let keys = &self.endpoint.credentials;
        let credentials = Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "test");
        let config = aws_sdk_cloudformation::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.endpoint.url)
            .credentials_provider(credentials)
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        Client::from_conf(config.build())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let process = nix::unistd::Pid::from_raw(i32::try_from(self.endpoint.pid).expect("a process id"));
        // It may have ended already.
        let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL);
        let _ = nix::sys::wait::waitpid(process, None);
    }
}

/// Creates a stack and waits until the operation has ended.
pub async fn create_stack(client: &Client, name: &str, template: &str) -> Stack {
    let creation = client.create_stack().stack_name(name).template_body(template);
    creation.capabilities(Capability::CapabilityNamedIam).send().await.expect("the creation starts");
    wait_for_stack(client, name).await
}

/// Updates a stack and waits until the operation has ended.
pub async fn update_stack(client: &Client, name: &str, template: &str) -> Stack {
    let update = client.update_stack().stack_name(name).template_body(template);
    update.capabilities(Capability::CapabilityNamedIam).send().await.expect("the update starts");
    wait_for_stack(client, name).await
}

async fn wait_for_stack(client: &Client, name: &str) -> Stack {
    let wait = async {
        loop {
            let response = client.describe_stacks().stack_name(name).send().await.expect("the stack exists");
            let stack = response.stacks()[0].clone();
            if !stack.stack_status().expect("a status").as_str().ends_with("_IN_PROGRESS") {
                return stack;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the operation ends")
}

#[tokio::test]
async fn a_foreground_sandbox_uses_its_flags() {
    let folder = tempfile::tempdir().expect("a folder");
    let state_dir = folder.path().join("state");
    let mut command = crate::common::ecsws_in(folder.path());
    command.args(["sandbox", "start", "--foreground", "--no-host-exec", "--speed", "7", "--account", "210987654321"]);
    let mut process = command.arg("--state-dir").arg(&state_dir).spawn().expect("the binary runs");
    let wait = async {
        loop {
            if let Ok(Some(status)) = lifecycle::status(&state_dir).await {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let status = tokio::time::timeout(Duration::from_secs(30), wait).await;
    process.kill().expect("the process is killed");
    process.wait().expect("the process ends");
    let (endpoint, status) = status.expect("the sandbox starts in time");
    assert_eq!((endpoint.pid, endpoint.account.as_str()), (process.id(), "210987654321"));
    assert!((status.speed - 7.0).abs() < f64::EPSILON && !status.host_exec, "{status:?}");
}

#[test]
fn a_damaged_state_suggests_a_reset_of_the_same_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |command: &str| {
        let mut ecsws = crate::common::ecsws_in(folder.path());
        let output = ecsws.args(["sandbox", command, "--state-dir", "state"]).output().expect("the binary runs");
        (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
    };
    assert_eq!(run("start").0, Some(0));
    assert_eq!(run("stop").0, Some(0));
    let database = std::fs::OpenOptions::new().write(true).truncate(true).open(folder.path().join("state/world.redb"));
    std::io::Write::write_all(&mut database.expect("the database exists"), b"not a database")
        .expect("the file is written");
    let (exit, stderr) = run("start");
    assert_eq!(exit, Some(1), "{stderr}");
    crate::common::assert_has(&stderr, &["error: the sandbox did not start: the sandbox's state in ", "world.redb"]);
    crate::common::assert_has(&stderr, &["hint: `ecsws sandbox --state-dir state reset` deletes it"]);
    assert_eq!(run("reset").0, Some(0));
    assert_eq!(run("start").0, Some(0));
    assert_eq!(run("stop").0, Some(0));
}
