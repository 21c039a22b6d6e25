//! The terminal of lines that change in place.

use std::io;

use console::Term;
use indicatif::TermLike;

/// Stderr. It differs from indicatif's terminal in two ways: the last line is not filled with spaces, because the `^C` that the terminal prints
/// behind it would wrap and leave the line behind; and errors are ignored, because indicatif panics at a terminal that was closed.
#[derive(Debug)]
pub(super) struct ProgressTerminal(Term);

impl ProgressTerminal {
    pub(super) fn stderr() -> Self {
        Self(Term::buffered_stderr())
    }
}

/// Ignores an error of the terminal.
#[expect(clippy::unnecessary_wraps, reason = "the trait's methods return a result")]
fn ignore(result: io::Result<()>) -> io::Result<()> {
    drop(result);
    Ok(())
}

impl TermLike for ProgressTerminal {
    fn width(&self) -> u16 {
        self.0.size().1
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        ignore(self.0.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        ignore(self.0.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        ignore(self.0.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        ignore(self.0.move_cursor_left(n))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        ignore(self.0.write_line(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let is_filler = text.bytes().all(|byte| byte == b' ');
        if is_filler { Ok(()) } else { ignore(self.0.write_str(text)) }
    }

    fn clear_line(&self) -> io::Result<()> {
        ignore(self.0.clear_line())
    }

    fn flush(&self) -> io::Result<()> {
        ignore(self.0.flush())
    }
}
