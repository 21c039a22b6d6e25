//! Stdout and stderr, whose blocked writes end after an interrupt: the reader of a pipe may have stalled.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};

/// A stream that removes colour codes if it has no colours.
pub(super) type ColorStream = AutoStream<Box<dyn Write + Send>>;

/// Stdout, by line.
pub(super) fn stdout(color: ColorChoice, is_interrupted: &Arc<AtomicBool>) -> ColorStream {
    let choice = resolve(color, AutoStream::choice(&io::stdout()));
    #[cfg(unix)]
    if let Some(stream) = unix::InterruptibleStream::new(&io::stdout(), is_interrupted) {
        return AutoStream::new(Box::new(io::LineWriter::new(stream)), choice);
    }
    #[cfg(not(unix))]
    let _ = is_interrupted;
    AutoStream::new(Box::new(io::stdout()), choice)
}

/// Stdout, without a buffer, and without removing anything.
pub(super) fn unchanged_stdout(is_interrupted: &Arc<AtomicBool>) -> Box<dyn Write + Send> {
    #[cfg(unix)]
    if let Some(stream) = unix::InterruptibleStream::new(&io::stdout(), is_interrupted) {
        return Box::new(stream);
    }
    #[cfg(not(unix))]
    let _ = is_interrupted;
    Box::new(io::stdout())
}

/// Stderr, without a buffer.
pub(super) fn stderr(color: ColorChoice, is_interrupted: &Arc<AtomicBool>) -> ColorStream {
    let choice = resolve(color, AutoStream::choice(&io::stderr()));
    #[cfg(unix)]
    if let Some(stream) = unix::InterruptibleStream::new(&io::stderr(), is_interrupted) {
        return AutoStream::new(Box::new(stream), choice);
    }
    #[cfg(not(unix))]
    let _ = is_interrupted;
    AutoStream::new(Box::new(io::stderr()), choice)
}

/// A boxed stream does not know whether it is a terminal.
fn resolve(color: ColorChoice, automatic: ColorChoice) -> ColorChoice {
    if color == ColorChoice::Auto { automatic } else { color }
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::os::fd::{AsFd, OwnedFd};

    use nix::libc::PIPE_BUF;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::{Arc, AtomicBool, Ordering, Write, io};

    /// The interval in which a blocked write checks for an interrupt, in milliseconds.
    const CHECK_INTERVAL: u16 = 200;

    #[derive(Debug)]
    pub(super) struct InterruptibleStream {
        file: File,
        is_interrupted: Arc<AtomicBool>,
    }

    impl InterruptibleStream {
        /// `None` if the descriptor cannot be duplicated.
        pub(super) fn new(stream: &impl AsFd, is_interrupted: &Arc<AtomicBool>) -> Option<Self> {
            let descriptor: OwnedFd = stream.as_fd().try_clone_to_owned().ok()?;
            Some(Self { file: descriptor.into(), is_interrupted: Arc::clone(is_interrupted) })
        }

        /// Waits until a write of up to `PIPE_BUF` bytes does not block.
        fn wait_until_writable(&self) -> io::Result<()> {
            let mut polled = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
            loop {
                match poll(&mut polled, PollTimeout::from(CHECK_INTERVAL)) {
                    Ok(0) if self.is_interrupted.load(Ordering::Acquire) => {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "its reader has stalled"));
                    }
                    Ok(0) | Err(nix::errno::Errno::EINTR) => {}
                    // The write reports errors.
                    _ => return Ok(()),
                }
            }
        }
    }

    impl Write for InterruptibleStream {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.wait_until_writable()?;
            self.file.write(&bytes[..bytes.len().min(PIPE_BUF)])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_write_to_a_stalled_reader_ends_after_an_interrupt() {
            let (_reader, writer) = io::pipe().expect("a pipe");
            let mut stream = InterruptibleStream::new(&writer, &Arc::new(true.into())).expect("a descriptor");
            stream.write_all(b"what a pipe holds").expect("it does not block");
            let error = stream.write_all(&vec![b'x'; 10 << 20]).expect_err("it is not read");
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
    }
}
