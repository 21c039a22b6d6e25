//! The `ecsws` binary: shell completion, then the command line, then the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ecsws::main()
}
