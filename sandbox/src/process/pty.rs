//! A pseudo-terminal: the terminal of a session's command, and the sandbox's end of it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::net::unix::pipe;

/// The sandbox's end. When it is dropped, the processes in the terminal get SIGHUP.
#[derive(Debug)]
pub(crate) struct Pty {
    ours: OwnedFd,
    output: pipe::Receiver,
    input: pipe::Sender,
}

/// Processes that are started at the same time must not inherit either end.
#[cfg(target_os = "linux")]
const FLAGS: OpenptFlags = OpenptFlags::RDWR.union(OpenptFlags::NOCTTY).union(OpenptFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const FLAGS: OpenptFlags = OpenptFlags::RDWR.union(OpenptFlags::NOCTTY);

impl Pty {
    /// Opens a pseudo-terminal, and returns the end for the command's standard streams too.
    ///
    /// # Errors
    /// The system has no more pseudo-terminals.
    pub(crate) fn open() -> io::Result<(Self, OwnedFd)> {
        let ours = openpt(FLAGS)?;
        rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let theirs = open(Path::new(&*name.to_string_lossy()), flags, Mode::empty())?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        // A pipe's readiness works for it too.
        let output = pipe::Receiver::from_owned_fd_unchecked(ours.try_clone()?)?;
        let input = pipe::Sender::from_owned_fd_unchecked(ours.try_clone()?)?;
        Ok((Self { ours, output, input }, theirs))
    }

    /// Reads what the command wrote; 0 when the other end is closed.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> usize {
        loop {
            match self.output.try_read(buffer) {
                Ok(count) => return count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // EIO marks the end on Linux.
                Err(_) => return 0,
            }
            if self.output.readable().await.is_err() {
                return 0;
            }
        }
    }

    /// Writes input as if it were typed, and waits while the command does not read.
    ///
    /// # Errors
    /// The other end is closed.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.input.try_write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.input.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sets the size, which also notifies the processes in the terminal. A size without columns or rows is ignored.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        if columns > 0 && rows > 0 {
            let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
            // Fails if the other end is closed.
            let _ = tcsetwinsize(&self.ours, size);
        }
    }
}

/// Makes standard output the controlling terminal of a new session that this process leads.
///
/// # Errors
/// Standard output is not a terminal, or another session's.
pub(super) fn take_control() -> io::Result<()> {
    nix::unistd::setsid()?;
    Ok(rustix::process::ioctl_tiocsctty(io::stdout())?)
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::process::Stdio;

    use super::Pty;

    async fn all(terminal: &Pty) -> String {
        let (mut text, mut buffer) = (Vec::new(), [0; 256]);
        loop {
            match terminal.read(&mut buffer).await {
                0 => return String::from_utf8_lossy(&text).into_owned(),
                count => text.extend_from_slice(&buffer[..count]),
            }
        }
    }

    fn stdio(theirs: &OwnedFd) -> Stdio {
        theirs.try_clone().expect("a copy").into()
    }

    #[tokio::test]
    async fn a_command_sees_a_terminal_of_the_requested_size() {
        let (terminal, theirs) = Pty::open().expect("a terminal");
        terminal.resize(91, 27);
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", "test -t 0 && read line && echo got $line && stty size"]);
        let mut child =
            command.stdin(stdio(&theirs)).stdout(stdio(&theirs)).stderr(stdio(&theirs)).spawn().expect("sh");
        drop((command, theirs));
        terminal.write_all(b"hello\n").await.expect("it reads");
        assert!(child.wait().await.expect("it ends").success());
        assert_eq!(all(&terminal).await, "hello\r\ngot hello\r\n27 91\r\n");
    }
}
