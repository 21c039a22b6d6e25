//! A sandbox inside the test's own process, without wire and signatures: for what its services do.
#![cfg(unix)]

use std::sync::Arc;

use ecsws::sandbox::auth::Credentials;
use ecsws::sandbox::{Config, Fault, Sandbox};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// The sandbox; what it stores goes with this value.
pub struct Inside {
    sandbox: Arc<Sandbox>,
    _folder: tempfile::TempDir,
}

impl Inside {
    /// One with nothing in it.
    pub fn new() -> Self {
        Self::in_region("us-east-1")
    }

    /// The same, in a region.
    pub fn in_region(region: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config {
            account: "123456789012".to_owned(),
            region: region.to_owned(),
            state_dir: folder.path().to_owned(),
            credentials: Credentials::random(),
            speed: 20.0,
            host_exec: false,
        };
        let sandbox = Sandbox::open(config, CancellationToken::new()).expect("a sandbox");
        Self { sandbox, _folder: folder }
    }

    /// An operation's answer.
    pub async fn call(&self, service: &str, operation: &str, input: Value) -> Value {
        self.sandbox.call(service, operation, input).await.unwrap_or_else(|fault| panic!("{operation}: {fault}"))
    }

    /// The code and the words of an operation's refusal.
    pub async fn refusal(&self, service: &str, operation: &str, input: Value) -> (String, String) {
        match self.sandbox.call(service, operation, input).await {
            Err(Fault { code, message, .. }) => (code, message),
            Ok(answer) => panic!("{operation} answers {answer}"),
        }
    }
}
