//! The `ecsws` binary: inner processes of the sandbox, then shell completion and the command line in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(all(unix, feature = "sandbox"))]
    if let Some(exit_code) = ecsws_sandbox::inner(std::env::args_os()) {
        return exit_code;
    }
    ecsws::main()
}
