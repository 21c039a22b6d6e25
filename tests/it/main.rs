//! The integration tests: one binary, a file per subject.

mod common;
mod diff;
mod properties;
mod spec;
mod synth;
