//! The sandbox's own log, `sandbox.log` in its folder: a line for each request and for each event in the background.
//!
//! Of a request it holds the operation's name only, so that no secret gets there. Lines are truncated and control characters replaced.
//! Its size is bounded: a full file becomes `sandbox.log.1`, in place of the previous one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::base::clock::{Clock, iso8601};

/// The log's name in the state folder.
pub const FILE: &str = "sandbox.log";
/// The name of the part that was written before it.
pub const EARLIER_FILE: &str = "sandbox.log.1";
/// The size at which the log becomes the earlier part.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// The length of a line, without its time.
const MAX_LINE_CHARACTERS: usize = 400;

/// An open log.
#[derive(Debug)]
pub struct RequestLog {
    folder: PathBuf,
    clock: Clock,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
}

impl RequestLog {
    /// Opens the log in a folder, or creates it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let file = append_to(&folder.join(FILE))?;
        let bytes = file.metadata()?.len();
        Ok(Self { folder: folder.to_owned(), clock: Clock::new(1.0), open: Mutex::new(Open { file, bytes }) })
    }

    /// Writes one line. A failure to write is ignored: there is nowhere else to report it.
    pub fn write(&self, text: &str) {
        let line = line(self.clock.now(), text);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.bytes >= MAX_BYTES {
            open.bytes = self.rotate(&open.file).unwrap_or(0);
        }
        if open.file.write_all(line.as_bytes()).is_ok() {
            open.bytes += line.len() as u64;
        }
    }

    /// Copies the log and truncates it. It is not renamed, because the file is also the standard error of a sandbox in the background.
    fn rotate(&self, file: &File) -> io::Result<u64> {
        // The log is truncated even if the disk has no space for the copy.
        drop(fs::copy(self.folder.join(FILE), self.folder.join(EARLIER_FILE)));
        file.set_len(0)?;
        Ok(0)
    }
}

/// Opens a log for appending, or creates it.
pub fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn line(now: Timestamp, text: &str) -> String {
    let printable = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    let text: String = printable.take(MAX_LINE_CHARACTERS).collect();
    format!("{} {text}\n", iso8601(now))
}

/// Reads a log while it grows.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    position: u64,
    /// The beginning of a line that has not been completed yet.
    partial: Vec<u8>,
}

impl Reader {
    /// Opens the log in a folder, and returns its lines up to now.
    pub fn open(folder: &Path) -> io::Result<(Self, Vec<String>)> {
        let mut reader = Self { path: folder.join(FILE), position: 0, partial: Vec::new() };
        let mut lines = match fs::read(folder.join(EARLIER_FILE)) {
            Ok(earlier) => String::from_utf8_lossy(&earlier).lines().map(str::to_owned).collect(),
            Err(_) => Vec::new(),
        };
        lines.extend(reader.read()?);
        Ok((reader, lines))
    }

    /// The lines that have been completed since the previous call.
    pub fn read(&mut self) -> io::Result<Vec<String>> {
        let mut file = File::open(&self.path)?;
        if file.metadata()?.len() < self.position {
            // The log has been rotated.
            self.position = 0;
            self.partial.clear();
        }
        file.seek(SeekFrom::Start(self.position))?;
        self.position += file.read_to_end(&mut self.partial)? as u64;
        let complete = self.partial.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let rest = self.partial.split_off(complete);
        let lines = std::mem::replace(&mut self.partial, rest);
        Ok(String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_truncated_and_cannot_forge_another_line() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(line(now, "a\nb\u{1b}[2J"), "1970-01-01T00:00:00.000Z a b [2J\n");
        assert_eq!(line(now, &"x".repeat(1000)).len(), MAX_LINE_CHARACTERS + 26);
    }

    #[test]
    fn a_full_log_is_rotated() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = RequestLog::open(folder.path()).expect("a log");
        log.write("older");
        log.open.lock().expect("the log").bytes = MAX_BYTES;
        let (mut reader, _) = Reader::open(folder.path()).expect("a reader");
        log.write("new");
        assert!(reader.read().expect("the log is read")[0].ends_with(" new"));
        let length = |name: &str| fs::metadata(folder.path().join(name)).expect("it is there").len();
        assert_eq!((length(EARLIER_FILE), length(FILE)), (31, 29));
    }
}
