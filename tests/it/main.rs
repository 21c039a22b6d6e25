//! The integration tests: one binary, a file per subject.

mod architecture;
mod cli;
mod common;
mod completions;
mod diff;
mod peers;
mod properties;
mod spec;
mod stand_in;
mod synth;
mod tasks;
