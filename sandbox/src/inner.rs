//! The inner processes of a sandbox: the server, and those of its tasks.
//!
//! A sandbox starts them from the program that contains it, which calls [`inner()`] first in `main`.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::lifecycle::{LifecycleError, UNUSABLE_STATE_EXIT, server_process};
use crate::process::inner_args::{InnerProcess, MARKER};

/// Runs this process to its end if its arguments are those of an inner process of a sandbox; otherwise does nothing.
///
/// `arguments` are those of the process, beginning with the program's name.
pub fn inner(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != MARKER {
        return None;
    }
    let arguments: Vec<OsString> = arguments.collect();
    if let Some(inner) = InnerProcess::parse(&arguments) {
        return Some(inner.run());
    }
    Some(match server_process::parse(&arguments) {
        Some(options) => match server_process::serve(options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let exit = fail(&error.to_string());
                if matches!(error, LifecycleError::UnusableState(_)) { UNUSABLE_STATE_EXIT.into() } else { exit }
            }
        },
        None => fail(&format!(
            "{MARKER} starts the sandbox's own processes, and these are not their arguments: {arguments:?}"
        )),
    })
}

fn fail(message: &str) -> ExitCode {
    // If stderr is closed, only the exit code shows the failure.
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_arguments_are_left_to_the_program() {
        for arguments in [&[][..], &["ecsws"], &["ecsws", "sandbox"], &["ecsws", "deploy", MARKER]] {
            assert!(inner(arguments.iter().map(OsString::from)).is_none(), "{arguments:?}");
        }
    }
}
