//! Exit codes, named once; `--help` lists this table.

use std::process::ExitCode;

/// How a command ended: the result of its `run`, and part of every error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The work is done.
    Done,
    /// The work failed.
    Failed,
    /// The command line or `ecsws.toml` is wrong; nothing was changed.
    Usage,
    /// AWS denied access: credentials or permissions.
    AccessDenied,
    /// The time given for the work ran out.
    TimedOut,
    /// A check failed: `diff --fail` found differences, `status --check` found the service not steady, or `sandbox status` found no
    /// sandbox running.
    CheckFailed,
    /// Ctrl-C.
    Interrupted,
}

/// Every exit code with the words of `--help`.
pub(crate) const TABLE: [(Exit, u8, &str); 7] = [
    (Exit::Done, 0, "success"),
    (Exit::Failed, 1, "failure"),
    (Exit::Usage, 2, "usage error or invalid ecsws.toml; nothing was changed"),
    (Exit::AccessDenied, 3, "AWS denied access: credentials or permissions"),
    (Exit::TimedOut, 4, "--timeout expired"),
    (
        Exit::CheckFailed,
        5,
        "a check failed: `diff --fail` found differences, `status --check` found the service not steady, or `sandbox status` found no sandbox running",
    ),
    (Exit::Interrupted, 130, "interrupted"),
];

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        TABLE.iter().find(|(exit, ..)| *exit == self).map_or(1, |(_, code, _)| *code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// The table as `--help` prints it.
pub(crate) fn help() -> String {
    let rows = TABLE.iter().map(|(_, code, words)| format!("  {code:>3}  {words}\n"));
    format!("Exit codes:\n{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_has_its_own_code() {
        let mut codes: Vec<u8> = TABLE.iter().map(|(exit, ..)| exit.code()).collect();
        codes.sort_unstable();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 130]);
    }
}
