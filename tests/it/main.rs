//! The integration tests, one binary.

mod stand_in;
mod tasks;
