//! The integration tests: one binary, a file per subject.

mod architecture;
mod common;
mod spec;
mod synth;
