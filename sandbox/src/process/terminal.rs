//! A pseudo-terminal: what a session's command takes for its terminal, and our end of it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::net::unix::pipe;

/// Our end. When it is dropped, what has the terminal gets SIGHUP.
#[derive(Debug)]
pub struct Terminal {
    ours: OwnedFd,
    output: pipe::Receiver,
    input: pipe::Sender,
}

/// Neither end may get into other processes that are started meanwhile.
#[cfg(target_os = "linux")]
const FLAGS: OpenptFlags = OpenptFlags::RDWR.union(OpenptFlags::NOCTTY).union(OpenptFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const FLAGS: OpenptFlags = OpenptFlags::RDWR.union(OpenptFlags::NOCTTY);

impl Terminal {
    /// A new one, and the end that is the command's standard streams.
    ///
    /// # Errors
    /// When the system has no more of them.
    pub fn open() -> io::Result<(Self, OwnedFd)> {
        let ours = openpt(FLAGS)?;
        rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let theirs = open(Path::new(&*name.to_string_lossy()), flags, Mode::empty())?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        // It is waited for and read as a pipe is.
        let output = pipe::Receiver::from_owned_fd_unchecked(ours.try_clone()?)?;
        let input = pipe::Sender::from_owned_fd_unchecked(ours.try_clone()?)?;
        Ok((Self { ours, output, input }, theirs))
    }

    /// Reads what the command wrote; nothing when nobody has the other end any more.
    pub async fn read(&self, buffer: &mut [u8]) -> usize {
        loop {
            match self.output.try_read(buffer) {
                Ok(count) => return count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Linux says EIO at the end.
                Err(_) => return 0,
            }
            if self.output.readable().await.is_err() {
                return 0;
            }
        }
    }

    /// Writes as if it were typed, and waits while the command does not read.
    ///
    /// # Errors
    /// When nobody has the other end any more.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.input.try_write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.input.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Gives it another size, of which what runs in it is told; one without columns or rows is none.
    pub fn resize(&self, columns: u16, rows: u16) {
        if columns > 0 && rows > 0 {
            let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
            // A terminal that nobody has any more has no size either.
            let _ = tcsetwinsize(&self.ours, size);
        }
    }
}

/// Makes standard output, which has to be a terminal, the controlling one of a new session that this process leads.
///
/// # Errors
/// When it is none, or another session's.
pub(super) fn take_control() -> io::Result<()> {
    nix::unistd::setsid()?;
    Ok(rustix::process::ioctl_tiocsctty(io::stdout())?)
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::process::Stdio;

    use super::Terminal;

    async fn all(terminal: &Terminal) -> String {
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
    async fn a_command_sees_a_terminal_of_the_size_that_was_asked_for() {
        let (terminal, theirs) = Terminal::open().expect("a terminal");
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
