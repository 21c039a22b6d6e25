//! The AWS services. Each has a folder with its row of the registry, its state and its operations.
//!
//! A service may use the ones below it: iam, logs, cloudmap, secretsmanager and sts; then ec2 and cloudwatch; then ecs; then
//! autoscaling and ssm. It calls others by name, with [`crate::Sandbox::call`].

#![expect(clippy::needless_pass_by_value, reason = "the table hands every operation its input whole")]

pub(crate) mod autoscaling;
pub(crate) mod cloudmap;
pub(crate) mod cloudwatch;
pub(crate) mod ec2;
pub(crate) mod ecs;
pub(crate) mod iam;
pub(crate) mod logs;
pub(crate) mod secretsmanager;
pub(crate) mod ssm;
pub(crate) mod sts;
