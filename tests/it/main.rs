//! The integration tests: one binary, a file per subject.
#![expect(unreachable_pub, reason = "files share helpers, and a test binary exports nothing")]

mod architecture;

mod cancel;
mod change_sets;
mod cli;
mod closed_output;
mod common;
mod completions;
mod credentials;
mod deploy;
mod deploy_engine;
mod diff;
mod diff_command;
mod edit;
mod engines;
mod execution;
mod get_template;
mod imports;
mod interrupts;
mod json;
mod logs;
mod old_arns;
mod outages;
mod ownership;
mod peers;
mod preflight;
mod progress_rows;
mod properties;
mod rejections;
mod rollouts;
mod sandbox;
mod scale;
mod scripted;
mod spec;
mod stack_names;
mod status;
mod suggestions;
mod synth;
mod terminal;
mod verbose;
mod views;
mod watch;
mod workshop;
mod workshop_end_to_end;
