//! What a sandbox is started with, and the ARNs that follow from it.

use std::path::PathBuf;

use crate::auth::Credentials;
use crate::base::partition::Partition;

/// The configuration of a sandbox.
#[derive(Debug, Clone)]
pub struct Config {
    /// The account in every ARN: twelve digits.
    pub account: String,
    /// The region in every ARN, and the only one that requests may be signed for.
    pub region: String,
    /// The folder of the database and of everything else that the sandbox writes.
    pub state_dir: PathBuf,
    /// The credentials of the user who runs it.
    pub credentials: Credentials,
    /// The secret key that control calls are signed with, instead of that of `credentials`.
    pub control_secret: String,
    /// The program that inner processes are started from; it calls [`crate::inner()`].
    pub program: PathBuf,
    /// The factor by which waits are shortened; 1 is real time.
    pub speed: f64,
    /// Whether commands that arrive in requests (health checks, exec, sessions) may run on this machine.
    pub host_exec: bool,
}

impl Config {
    /// An ARN in this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition().name, self.region, self.account)
    }

    /// An ARN of a service that is not regional, such as IAM.
    pub fn global_arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}::{}:{resource}", self.partition().name, self.account)
    }

    /// The partition of the region.
    pub fn partition(&self) -> &'static Partition {
        Partition::of(&self.region)
    }

    /// A sandbox for a unit test, with its state in this folder.
    #[cfg(test)]
    pub(crate) fn for_test(state_dir: &std::path::Path, speed: f64) -> Self {
        Self {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            state_dir: state_dir.to_owned(),
            credentials: Credentials::random(),
            control_secret: String::new(),
            program: PathBuf::new(),
            speed,
            host_exec: false,
        }
    }
}
