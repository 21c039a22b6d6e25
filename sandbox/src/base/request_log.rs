//! The sandbox's own log, `sandbox.log` in its state folder: a line for each request, and for events in the background.
//!
//! A line about a request contains the name of the operation but no input, so that the log has no secrets. Lines are truncated, and control
//! characters are removed. A full file is renamed to `sandbox.log.1`, which replaces the previous one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::base::clock::{Clock, iso8601};

/// The name of the log in the state folder.
pub(crate) const LOG_FILE: &str = "sandbox.log";
pub(crate) const ROTATED_FILE: &str = "sandbox.log.1";
/// The size at which the log is rotated.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// The maximum length of a line.
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
        let file = append_to(&folder.join(LOG_FILE))?;
        let bytes = file.metadata()?.len();
        Ok(Self { folder: folder.to_owned(), clock: Clock::new(1.0), open: Mutex::new(Open { file, bytes }) })
    }

    /// Writes one line. It is lost if the write fails.
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

    /// Copies the log and empties it, instead of renaming it: the file is also the standard error of a sandbox in the background.
    fn rotate(&self, file: &File) -> io::Result<u64> {
        // It is also emptied if the disk is too full for the copy.
        drop(fs::copy(self.folder.join(LOG_FILE), self.folder.join(ROTATED_FILE)));
        file.set_len(0)?;
        Ok(0)
    }
}

/// Opens a log for appending.
pub(crate) fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn line(now: Timestamp, text: &str) -> String {
    let plain = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    let text: String = plain.take(MAX_LINE_CHARACTERS).collect();
    format!("{} {text}\n", iso8601(now))
}

/// Reads a log while it grows.
#[derive(Debug)]
pub struct LogReader {
    path: PathBuf,
    position: u64,
    /// The beginning of a line whose end was not written yet.
    partial: Vec<u8>,
}

impl LogReader {
    /// Opens the log in a folder, and returns its lines so far.
    pub fn open(folder: &Path) -> io::Result<(Self, Vec<String>)> {
        let mut reader = Self { path: folder.join(LOG_FILE), position: 0, partial: Vec::new() };
        let mut lines = match fs::read(folder.join(ROTATED_FILE)) {
            Ok(earlier) => String::from_utf8_lossy(&earlier).lines().map(str::to_owned).collect(),
            Err(_) => Vec::new(),
        };
        lines.extend(reader.read()?);
        Ok((reader, lines))
    }

    /// The lines that have been written since.
    pub fn read(&mut self) -> io::Result<Vec<String>> {
        let mut file = File::open(&self.path)?;
        if file.metadata()?.len() < self.position {
            // It has been rotated.
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
    fn lines_are_cut_and_have_no_control_characters() {
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
        let (mut reader, _) = LogReader::open(folder.path()).expect("a reader");
        log.write("new");
        assert!(reader.read().expect("the log is read")[0].ends_with(" new"));
        let length = |name: &str| fs::metadata(folder.path().join(name)).expect("it is there").len();
        assert_eq!((length(ROTATED_FILE), length(LOG_FILE)), (31, 29));
    }
}
