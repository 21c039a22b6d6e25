//! A writer for stdout that tolerates a closed pipe or a full device.

use std::fmt;
use std::io::{self, Write};
#[cfg(unix)]
use std::os::fd::AsFd as _;
use std::time::Duration;

#[cfg(unix)]
use nix::poll::{PollFd, PollFlags, PollTimeout};

use anstream::ColorChoice;

use super::progress::Progress;
use super::standard_stream::ColorStream;

/// The interval in which stdout is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);

/// Waits until stdout is a closed pipe (`ecsws logs --watch | head`), which a command that rarely writes would not notice.
pub(crate) async fn stdout_closed() {
    loop {
        tokio::time::sleep(CHECK_INTERVAL).await;
        #[cfg(unix)]
        {
            let handle = io::stdout();
            let mut stdout = [PollFd::new(handle.as_fd(), PollFlags::empty())];
            let polled = nix::poll::poll(&mut stdout, PollTimeout::ZERO);
            let is_closed = stdout[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR));
            if polled.is_ok() && is_closed {
                return;
            }
        }
    }
}

/// Stdout. After the first failed write, further output is discarded, so that a closed pipe neither stops an operation nor hides its
/// outcome. [`Stdout::finish`] reports the failure.
pub(super) struct Stdout {
    stream: ColorStream,
    /// The same stream, without a buffer and without removing anything.
    unchanged: Box<dyn Write + Send>,
    progress: Progress,
    failure: Option<io::Error>,
}

impl Stdout {
    pub(super) fn new(stream: ColorStream, unchanged: Box<dyn Write + Send>, progress: Progress) -> Self {
        Self { stream, unchanged, progress, failure: None }
    }

    /// Writes bytes as they are, also colour codes to a stream without colours.
    pub(super) fn write_unchanged(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.flush()?;
        if self.failure.is_none() {
            self.failure = self.progress.suspend(|| self.unchanged.write_all(bytes).err());
        }
        Ok(())
    }

    /// Whether colour codes are written.
    pub(super) fn is_coloured(&self) -> bool {
        self.stream.current_choice() != ColorChoice::Never
    }

    /// Whether no write has failed.
    pub(super) fn is_open(&self) -> bool {
        self.failure.is_none()
    }

    /// Flushes and returns the first error of all writes. A closed pipe is not an error.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        match self.failure.take() {
            // The exit code says that the command was interrupted.
            Some(error) if error.kind() == io::ErrorKind::TimedOut && self.progress.is_interrupted() => Ok(()),
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// Runs a write unless an earlier one has failed. Returns `discarded` for output that is not written.
    fn attempt<T>(&mut self, discarded: T, write: impl FnOnce(&mut ColorStream) -> io::Result<T>) -> io::Result<T> {
        if self.failure.is_some() {
            return Ok(discarded);
        }
        match self.progress.suspend(|| write(&mut self.stream)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.failure = Some(error);
                Ok(discarded)
            }
            result => result,
        }
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(bytes.len(), |stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt((), ColorStream::flush)
    }
}

impl fmt::Debug for Stdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdout").field("failure", &self.failure).finish_non_exhaustive()
    }
}
