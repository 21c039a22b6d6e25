//! The integration tests: one binary, a file per subject.

mod common;
mod spec;
mod synth;
