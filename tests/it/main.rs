//! The integration tests: one binary, a file per subject.

mod architecture;
mod cli;
mod common;
mod completions;
mod coverage;
mod diff;
mod local_aws;
mod peers;
mod properties;
mod sandbox_autoscaling;
mod sandbox_cloudformation;
mod sandbox_ecs;
mod sandbox_engines;
mod sandbox_logs;
mod sandbox_security;
mod spec;
mod stand_in;
mod story;
mod synth;
mod tasks;
mod views;
mod watch;
mod workshop;
