//! The process environment: variables, working folder and standard streams.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// Which of the standard streams are terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminals {
    /// Whether questions can be answered.
    pub stdin: bool,
    /// Whether results go to a terminal.
    pub stdout: bool,
    /// Whether progress goes to a terminal.
    pub stderr: bool,
}

/// The inputs of a process other than its flags.
#[derive(Debug, Clone)]
pub(crate) struct ProcessEnv {
    /// The program's name as called.
    pub program: String,
    /// Environment variables.
    pub variables: HashMap<String, String>,
    /// The working folder.
    pub working_dir: PathBuf,
    /// Which streams are terminals.
    pub terminals: Terminals,
}

impl ProcessEnv {
    /// Reads the environment of this process.
    pub(crate) fn current() -> std::io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the process environment")]
        let working_dir = std::env::current_dir()?;
        Ok(Self {
            program: std::env::args_os()
                .next()
                .map_or_else(|| "ecsws".to_owned(), |name| name.to_string_lossy().into_owned()),
            variables: std::env::vars_os()
                .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            working_dir,
            terminals: Terminals {
                stdin: std::io::stdin().is_terminal(),
                stdout: std::io::stdout().is_terminal(),
                stderr: std::io::stderr().is_terminal(),
            },
        })
    }
}

/// Re-executes this process without AWS variables that are set but empty, which CI templates often produce. The SDK reads the
/// environment itself, which safe code cannot change, and treats an empty variable as a value: an empty region, endpoint, profile or
/// token file. Returns if there are no such variables, or if the re-execution fails.
#[cfg(unix)]
pub(crate) fn drop_empty_aws_variables() {
    // An empty AWS_PAGER is common, and no SDK reads it.
    let is_read = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("AWS_") && name != "AWS_PAGER";
    let empty: Vec<_> = std::env::vars_os().filter(|(name, value)| value.is_empty() && is_read(name)).collect();
    let (false, Ok(program)) = (empty.is_empty(), std::env::current_exe()) else { return };
    let mut arguments = std::env::args_os();
    let mut command = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        std::os::unix::process::CommandExt::arg0(&mut command, name);
    }
    command.args(arguments);
    for (name, _) in empty {
        command.env_remove(name);
    }
    // `exec` returns only if it fails.
    let _error = std::os::unix::process::CommandExt::exec(&mut command);
}
