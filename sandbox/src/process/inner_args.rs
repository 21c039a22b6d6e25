//! The inner processes of tasks, and the arguments that start them: the shim around a task, the process that becomes the task, and the
//! mock backend.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitCode};

use super::mock_backend::{self, MockBackend};
use super::{exec_task, shim};

/// The first argument of every inner process.
pub(crate) const MARKER: &str = "sandbox-inner";

/// An inner process of a task.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum InnerProcess {
    /// The shim between the sandbox and one task's process.
    TaskShim,
    ExecTask {
        /// The process id of its shim.
        shim: i32,
    },
    /// Responds like the workshop's Node.js backend.
    MockBackend(MockBackend),
}

impl InnerProcess {
    /// The command that starts it from `program`.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(self.arguments());
        command
    }

    /// Its arguments, without the program's name. [`Self::parse`] reads them.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let rest: Vec<OsString> = match self {
            Self::TaskShim => vec!["task-shim".into()],
            Self::ExecTask { shim } => vec!["task-launch".into(), shim.to_string().into()],
            Self::MockBackend(MockBackend { port, cpu, address, zone, image }) => {
                vec![
                    "mock-backend".into(),
                    port.to_string().into(),
                    cpu.to_string().into(),
                    address.into(),
                    zone.into(),
                    image.into(),
                ]
            }
        };
        std::iter::once(MARKER.into()).chain(rest).collect()
    }

    /// Reads the arguments behind the marker.
    pub(crate) fn parse(arguments: &[OsString]) -> Option<Self> {
        let text = |argument: &OsStr| argument.to_str().map(str::to_owned);
        Some(match arguments {
            [kind] if kind == "task-shim" => Self::TaskShim,
            [kind, shim] if kind == "task-launch" => Self::ExecTask { shim: text(shim)?.parse().ok()? },
            [kind, port, cpu, address, zone, image] if kind == "mock-backend" => Self::MockBackend(MockBackend {
                port: text(port)?.parse().ok()?,
                cpu: text(cpu)?.parse().ok()?,
                address: text(address)?,
                zone: text(zone)?,
                image: text(image)?,
            }),
            _ => return None,
        })
    }

    /// Runs this process to its end.
    pub(crate) fn run(&self) -> ExitCode {
        match self {
            Self::TaskShim => shim::main(),
            Self::ExecTask { shim } => exec_task::main(*shim),
            Self::MockBackend(backend) => mock_backend::main(backend),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_inner_process_of_a_task_reads_the_arguments_that_start_it() {
        let backend = MockBackend {
            port: 3000,
            cpu: 256,
            address: "10.0.0.7".to_owned(),
            zone: "us-east-1a".to_owned(),
            image: "--image".to_owned(),
        };
        for inner in [InnerProcess::TaskShim, InnerProcess::ExecTask { shim: 7 }, InnerProcess::MockBackend(backend)] {
            let arguments = inner.arguments();
            assert_eq!(arguments[0], MARKER);
            assert_eq!(InnerProcess::parse(&arguments[1..]), Some(inner));
        }
    }
}
