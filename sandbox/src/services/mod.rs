//! The AWS services. Each has a folder with its row of the registry, its state and its operations.
//!
//! A service may use the ones below it: iam, logs, cloudmap, secretsmanager and sts; then ec2 and cloudwatch; then ecs; then
//! autoscaling and ssm. It calls others by name, with [`crate::Sandbox::call`].

#![expect(clippy::needless_pass_by_value, reason = "the table hands every operation its input whole")]

pub mod autoscaling;
pub mod cloudmap;
pub mod cloudwatch;
pub mod ec2;
pub mod ecs;
pub mod iam;
pub mod logs;
pub mod secretsmanager;
pub mod ssm;
pub mod sts;
