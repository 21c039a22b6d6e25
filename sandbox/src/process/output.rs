//! What a process prints, line by line.
//!
//! Lines wait in a bounded queue. While it is full the pipe is not read, and the process waits as it would for a slow terminal:
//! no line is dropped, and no process can fill the sandbox's memory with its output.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::{Semaphore, mpsc};

/// The maximum size of an event's message: CloudWatch Logs' 256 KiB less the 26 bytes that it counts for each event.
pub(crate) const MAX_MESSAGE_BYTES: usize = 256 * 1024 - 26;

const QUEUED_LINES: usize = 1024;
/// The maximum size of all queued lines: one of the maximum size, and others.
const QUEUED_BYTES: usize = 1024 * 1024;
const CHUNK_BYTES: usize = 64 * 1024;

/// One line of a process's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLine {
    /// When it was read, by the wall clock.
    pub at: Timestamp,
    /// Its text, without the line break; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// The receiving end of a process's output.
#[derive(Debug)]
pub struct ProcessOutput {
    lines: mpsc::Receiver<OutputLine>,
    room: Arc<Semaphore>,
}

impl ProcessOutput {
    /// The next line; none when the process has ended and all lines were received.
    pub async fn recv(&mut self) -> Option<OutputLine> {
        let line = self.lines.recv().await?;
        self.room.add_permits(queued_bytes(&line.text));
        Some(line)
    }
}

impl Drop for ProcessOutput {
    fn drop(&mut self) {
        // Senders that wait for room stop waiting.
        self.room.close();
    }
}

/// The sending end of a [`ProcessOutput`].
#[derive(Debug, Clone)]
pub(super) struct Lines {
    lines: mpsc::Sender<OutputLine>,
    room: Arc<Semaphore>,
}

impl Lines {
    /// Waits until there is room. Without a receiver the line is dropped.
    async fn send(&self, line: OutputLine) {
        let queued_bytes = u32::try_from(queued_bytes(&line.text)).unwrap_or(u32::MAX);
        if let Ok(room) = self.room.acquire_many(queued_bytes).await {
            room.forget();
            let _ = self.lines.send(line).await;
        }
    }
}

/// Lossy conversion can make a text three times as long as its bytes.
fn queued_bytes(text: &str) -> usize {
    text.len().min(QUEUED_BYTES)
}

pub(super) fn channel() -> (Lines, ProcessOutput) {
    let (sender, lines) = mpsc::channel(QUEUED_LINES);
    let room = Arc::new(Semaphore::new(QUEUED_BYTES));
    (Lines { lines: sender, room: Arc::clone(&room) }, ProcessOutput { lines, room })
}

/// Reads a stream to its end. Without a receiver its lines are dropped, so that the process does not wait.
pub(super) async fn read(mut stream: impl AsyncRead + Unpin, lines: Lines) {
    let mut splitter = LineSplitter::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = stream.read(&mut chunk).await.unwrap_or(0);
        let lines_read = if count == 0 { splitter.finish() } else { splitter.push(&chunk[..count]) };
        let at = now();
        for text in lines_read {
            lines.send(OutputLine { at, text }).await;
        }
        if count == 0 {
            return;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the time when a line was printed is the wall clock's, regardless of the sandbox's speed"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Cuts bytes into lines that are short enough for an event.
#[derive(Debug, Default)]
pub(crate) struct LineSplitter {
    incomplete: Vec<u8>,
}

impl LineSplitter {
    /// Adds bytes and returns the lines that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let ended = piece.strip_suffix(b"\n");
            self.incomplete.extend_from_slice(ended.unwrap_or(piece));
            if ended.is_some() && self.incomplete.last() == Some(&b'\r') {
                self.incomplete.pop();
            }
            while self.incomplete.len() > MAX_MESSAGE_BYTES {
                let tail = self.incomplete.split_off(character_boundary(&self.incomplete, MAX_MESSAGE_BYTES));
                push(&mut lines, &std::mem::replace(&mut self.incomplete, tail));
            }
            if ended.is_some() {
                push(&mut lines, &std::mem::take(&mut self.incomplete));
            }
        }
        lines
    }

    /// The last line, if it has no line break.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.incomplete.is_empty() {
            push(&mut lines, &std::mem::take(&mut self.incomplete));
        }
        lines
    }
}

/// Adds bytes as text. Replacing bytes that are not UTF-8 makes the text longer, possibly too long for one line.
fn push(lines: &mut Vec<String>, bytes: &[u8]) {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    while text.len() > MAX_MESSAGE_BYTES {
        let tail = text.split_off(text.floor_char_boundary(MAX_MESSAGE_BYTES));
        lines.push(std::mem::replace(&mut text, tail));
    }
    lines.push(text);
}

/// The last position at or before `limit` that is not inside a UTF-8 character.
fn character_boundary(bytes: &[u8], limit: usize) -> usize {
    let continues = |index: &usize| bytes.get(*index).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
    (limit.saturating_sub(3)..=limit).rev().find(|index| !continues(index)).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::{LineSplitter, MAX_MESSAGE_BYTES};

    #[test]
    fn lines_are_complete_however_their_bytes_arrive() {
        let mut splitter = LineSplitter::default();
        assert_eq!(splitter.push(b"one\ntw"), ["one"]);
        assert_eq!(splitter.push(b"o\r\n\nthr"), ["two", ""]);
        assert_eq!(splitter.finish(), ["thr"]);
        assert_eq!(splitter.finish(), Vec::<String>::new());
    }

    #[test]
    fn a_long_line_is_split_between_characters() {
        let mut splitter = LineSplitter::default();
        let mut line = "x".repeat(MAX_MESSAGE_BYTES - 1);
        line.push_str("é\n");
        let lines = splitter.push(line.as_bytes());
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [MAX_MESSAGE_BYTES - 1, 2]);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_replaced() {
        assert_eq!(LineSplitter::default().push(b"a\xffb\n"), ["a\u{fffd}b"]);
    }

    #[test]
    fn a_line_that_conversion_makes_too_long_is_split_again() {
        let lines = LineSplitter::default().push(&[vec![0xff; 200_000], vec![b'\n']].concat());
        assert!(lines.iter().all(|line| line.len() <= MAX_MESSAGE_BYTES));
        assert_eq!(lines.concat().chars().count(), 200_000);
    }

    #[tokio::test]
    async fn a_full_queue_stops_reading() {
        const PRINTED: usize = 20_000_000;
        let (lines, mut output) = super::channel();
        let reading = tokio::spawn(super::read(tokio::io::repeat(b'x').take(PRINTED as u64), lines));
        for _ in 0..10_000 {
            tokio::task::yield_now().await;
        }
        assert!(output.lines.len() * MAX_MESSAGE_BYTES <= super::QUEUED_BYTES, "{}", output.lines.len());
        let mut read = 0;
        while let Some(line) = output.recv().await {
            read += line.text.len();
        }
        assert_eq!(read, PRINTED);
        reading.await.expect("it ends");
    }
}
