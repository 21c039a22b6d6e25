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
mod recorded;
mod sandbox_autoscaling;
mod sandbox_cloudformation;
mod sandbox_ecs;
mod sandbox_logs;
mod sandbox_security;
mod sandbox_stacks;
mod sandbox_template_values;
mod sandbox_templates;
mod spec;
mod stand_in;
mod story;
mod synth;
mod tasks;
mod views;
mod watch;
mod workshop;
