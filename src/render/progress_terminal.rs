//! The terminal of lines that change in place.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstream::ColorChoice;
use console::Term;
use indicatif::TermLike;

use super::standard_stream;

/// Stderr. It differs from indicatif's terminal: the last line is not filled with spaces, because the `^C` that the terminal prints behind it would
/// wrap and leave the line behind; errors are ignored, because indicatif panics at a terminal that was closed; and a blocked write ends after an
/// interrupt.
#[derive(Debug)]
pub(super) struct ProgressTerminal {
    /// What is written with the next flush.
    buffer: Mutex<String>,
    is_interrupted: Arc<AtomicBool>,
}

impl ProgressTerminal {
    pub(super) fn stderr(is_interrupted: Arc<AtomicBool>) -> Self {
        Self { buffer: Mutex::default(), is_interrupted }
    }

    fn buffer(&self) -> MutexGuard<'_, String> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the cursor; `direction` is the final byte of its control sequence (ECMA-48).
    #[expect(clippy::unnecessary_wraps, reason = "the methods of the trait return a result")]
    fn move_cursor(&self, n: usize, direction: char) -> io::Result<()> {
        if n > 0 {
            // Writing to a string cannot fail.
            let _ = write!(self.buffer(), "\x1b[{n}{direction}");
        }
        Ok(())
    }
}

impl TermLike for ProgressTerminal {
    fn width(&self) -> u16 {
        Term::stderr().size().1
    }

    fn height(&self) -> u16 {
        Term::stderr().size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        let mut buffer = self.buffer();
        buffer.push_str(text);
        buffer.push('\n');
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let is_filler = text.bytes().all(|byte| byte == b' ');
        if !is_filler {
            self.buffer().push_str(text);
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.buffer().push_str("\r\x1b[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let text = std::mem::take(&mut *self.buffer());
        drop(standard_stream::stderr(ColorChoice::Always, &self.is_interrupted).write_all(text.as_bytes()));
        Ok(())
    }
}
