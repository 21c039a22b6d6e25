//! The integration tests, one binary.

mod local_aws;
mod sandbox_autoscaling;
mod sandbox_cloudformation;
mod sandbox_ecs;
mod sandbox_logs;
mod sandbox_security;
mod stand_in;
mod tasks;
