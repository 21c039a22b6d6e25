//! A sandbox whose inner processes are this program: `serve [--background] STATE_DIR [SPEED]`.
//!
//! The sandbox's own tests start their sandboxes from it.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    ecsws_sandbox::inner(std::env::args_os()).unwrap_or_else(|| unix::run(&unix::arguments()))
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod unix {
    use std::io::Write as _;
    use std::process::ExitCode;

    use ecsws_sandbox::lifecycle::{self, LifecycleError, Options};

    /// The arguments of this process, without the program's name.
    pub(crate) fn arguments() -> Vec<String> {
        std::env::args().skip(1).collect()
    }

    /// Serves, or starts a process in the background that does.
    pub(crate) fn run(arguments: &[String]) -> ExitCode {
        let is_background = arguments.first().is_some_and(|argument| argument == "--background");
        let (state_dir, speed) = match &arguments[usize::from(is_background)..] {
            [state_dir] => (state_dir, Ok(1.0)),
            [state_dir, speed] => (state_dir, speed.parse()),
            _ => return usage(),
        };
        let Ok(speed) = speed else { return usage() };
        let options = Options {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            state_dir: state_dir.into(),
            speed,
            host_exec: true,
        };
        match if is_background { start(&options) } else { Err(serve(&options)) } {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn serve(options: &Options) -> LifecycleError {
        match std::env::current_exe() {
            Ok(program) => lifecycle::serve_in_this_process(&program, options),
            Err(error) => LifecycleError::Serve(error),
        }
    }

    fn start(options: &Options) -> Result<(), LifecycleError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let program = std::env::current_exe().map_err(LifecycleError::Serve)?;
        runtime.map_err(LifecycleError::Serve)?.block_on(lifecycle::ensure_running(&program, options))?;
        Ok(())
    }

    fn usage() -> ExitCode {
        let _ = writeln!(std::io::stderr(), "usage: serve [--background] STATE_DIR [SPEED]");
        ExitCode::from(2)
    }
}
