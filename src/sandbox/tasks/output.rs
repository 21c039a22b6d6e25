//! What a process prints, line by line.
//!
//! Lines wait in a short queue; when it is full the pipe is not read, and the process waits as it would for a slow terminal.

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::mpsc;

/// The longest message of one event: CloudWatch Logs' 256 KiB less the 26 bytes that it counts for each event.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024 - 26;

const QUEUED_LINES: usize = 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// One line of a process's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLine {
    /// When it was read, by the wall clock.
    pub at: Timestamp,
    /// Its text, without the line's end; what is not UTF-8 is replaced.
    pub text: String,
}

pub(super) fn channel() -> (mpsc::Sender<OutputLine>, mpsc::Receiver<OutputLine>) {
    mpsc::channel(QUEUED_LINES)
}

/// Reads a stream to its end, or until nobody wants its lines; then it is only emptied, so that the process is not held back.
pub(super) async fn read(stream: Option<impl AsyncRead + Unpin>, lines: mpsc::Sender<OutputLine>) {
    let Some(mut stream) = stream else { return };
    let mut splitter = Splitter::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = stream.read(&mut chunk).await.unwrap_or(0);
        let complete = if count == 0 { splitter.rest().into_iter().collect() } else { splitter.take(&chunk[..count]) };
        let at = now();
        for text in complete {
            // Without a reader of lines the stream is still emptied.
            let _ = lines.send(OutputLine { at, text }).await;
        }
        if count == 0 {
            return;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time when a line was printed is the wall clock's, whatever the sandbox's speed"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Cuts bytes into lines.
#[derive(Debug, Default)]
struct Splitter {
    open: Vec<u8>,
}

impl Splitter {
    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let ended = piece.strip_suffix(b"\n");
            self.open.extend_from_slice(ended.unwrap_or(piece));
            if ended.is_some() && self.open.last() == Some(&b'\r') {
                self.open.pop();
            }
            while self.open.len() > MAX_MESSAGE_BYTES {
                let tail = self.open.split_off(character_boundary(&self.open, MAX_MESSAGE_BYTES));
                lines.push(text(&std::mem::replace(&mut self.open, tail)));
            }
            if ended.is_some() {
                lines.push(text(&std::mem::take(&mut self.open)));
            }
        }
        lines
    }

    fn rest(&mut self) -> Option<String> {
        let open = std::mem::take(&mut self.open);
        (!open.is_empty()).then(|| text(&open))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The last place at or before `limit` where no UTF-8 character is cut in two.
fn character_boundary(bytes: &[u8], limit: usize) -> usize {
    let continues = |index: &usize| bytes.get(*index).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
    (limit.saturating_sub(3)..=limit).rev().find(|index| !continues(index)).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::{MAX_MESSAGE_BYTES, Splitter};

    #[test]
    fn lines_come_out_whole_however_they_arrive() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.take(b"one\ntw"), ["one"]);
        assert_eq!(splitter.take(b"o\r\n\nthr"), ["two", ""]);
        assert_eq!(splitter.rest().as_deref(), Some("thr"));
        assert_eq!(splitter.rest(), None);
    }

    #[test]
    fn a_long_line_is_split_between_characters() {
        let mut splitter = Splitter::default();
        let mut line = "x".repeat(MAX_MESSAGE_BYTES - 1);
        line.push_str("é\n");
        let lines = splitter.take(line.as_bytes());
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [MAX_MESSAGE_BYTES - 1, 2]);
    }

    #[test]
    fn bytes_that_are_not_text_are_replaced() {
        assert_eq!(Splitter::default().take(b"a\xffb\n"), ["a\u{fffd}b"]);
    }
}
