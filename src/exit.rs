//! Exit codes, named once. `--help` lists them.

use std::process::ExitCode;

/// Done.
pub const DONE: u8 = 0;
/// The work failed.
pub const FAILED: u8 = 1;
