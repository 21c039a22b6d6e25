//! Stdout, whose reader may go away.

use std::fmt;
use std::io::{self, Write};
#[cfg(unix)]
use std::os::fd::AsFd as _;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
#[cfg(unix)]
use nix::poll::{PollFd, PollFlags, PollTimeout};

/// How often stdout is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Ends when the reader of stdout is gone (`ecsws logs --watch | head`), which a command that writes rarely would not notice.
pub async fn stdout_closed() {
    loop {
        tokio::time::sleep(CHECK_INTERVAL).await;
        #[cfg(unix)]
        {
            let handle = io::stdout();
            let mut stdout = [PollFd::new(handle.as_fd(), PollFlags::empty())];
            let polled = nix::poll::poll(&mut stdout, PollTimeout::ZERO);
            let is_gone = stdout[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR));
            if polled.is_ok() && is_gone {
                return;
            }
        }
    }
}

/// Stdout. After the first write that fails everything else is dropped, so that a reader that went away neither ends the work early nor
/// takes the place of its outcome; [`Stdout::finish`] reports the failure.
pub(super) struct Stdout {
    stream: AutoStream<io::Stdout>,
    failure: Option<io::Error>,
}

impl Stdout {
    pub fn new(color: ColorChoice) -> Self {
        Self { stream: AutoStream::new(io::stdout(), color), failure: None }
    }

    /// Whether no write has failed.
    pub fn is_open(&self) -> bool {
        self.failure.is_none()
    }

    /// Writes out what is buffered. Returns why results were lost; a reader that went away is no error.
    pub fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        match self.failure.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// Runs a write unless one has failed before. `dropped` is the answer for what is not written.
    fn attempt<T>(
        &mut self,
        dropped: T,
        write: impl FnOnce(&mut AutoStream<io::Stdout>) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.failure.is_some() {
            return Ok(dropped);
        }
        match write(&mut self.stream) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.failure = Some(error);
                Ok(dropped)
            }
            written => written,
        }
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(bytes.len(), |stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt((), AutoStream::flush)
    }
}

impl fmt::Debug for Stdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdout").field("failure", &self.failure).finish_non_exhaustive()
    }
}
