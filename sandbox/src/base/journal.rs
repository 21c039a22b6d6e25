//! The sandbox's own log, `sandbox.log` in its folder: a line for each request and for what happens by itself.
//!
//! It never holds what a request said beyond the operation's name, so no secret gets there; what a line is made of is cut and
//! freed of control characters. Its size is bounded: a full file becomes `sandbox.log.1`, in place of the one before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::base::clock::{Clock, iso8601};

/// The log's name in the state folder.
pub const FILE: &str = "sandbox.log";
/// The name of the part before it.
pub const EARLIER_FILE: &str = "sandbox.log.1";
/// The size at which the log becomes the earlier part.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// The longest line.
const MAX_LINE_CHARACTERS: usize = 400;

/// An open log.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    clock: Clock,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
}

impl Journal {
    /// Opens the log in a folder, or makes it.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let file = append_to(&folder.join(FILE))?;
        let bytes = file.metadata()?.len();
        Ok(Self { folder: folder.to_owned(), clock: Clock::new(1.0), open: Mutex::new(Open { file, bytes }) })
    }

    /// Says something in one line. Without a disk that takes it, it is not said.
    pub fn say(&self, text: &str) {
        let line = line(self.clock.now(), text);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.bytes >= MAX_BYTES {
            open.bytes = self.rotate(&open.file).unwrap_or(0);
        }
        if open.file.write_all(line.as_bytes()).is_ok() {
            open.bytes += line.len() as u64;
        }
    }

    /// Copies the log away and empties it: its file is also the standard error of a sandbox in the background, and stays.
    fn rotate(&self, file: &File) -> io::Result<u64> {
        // A disk that is too full for the copy must not keep the log from being emptied.
        drop(fs::copy(self.folder.join(FILE), self.folder.join(EARLIER_FILE)));
        file.set_len(0)?;
        Ok(0)
    }
}

/// Opens a log so that whatever is written goes to its end.
pub fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

fn line(now: Timestamp, text: &str) -> String {
    let plain = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    let text: String = plain.take(MAX_LINE_CHARACTERS).collect();
    format!("{} {text}\n", iso8601(now))
}

/// Reads a log while it grows.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    position: u64,
    /// The beginning of a line that was not whole yet.
    open: Vec<u8>,
}

impl Reader {
    /// The log in a folder, and all its lines up to now.
    pub fn open(folder: &Path) -> io::Result<(Self, Vec<String>)> {
        let mut reader = Self { path: folder.join(FILE), position: 0, open: Vec::new() };
        let mut lines = match fs::read(folder.join(EARLIER_FILE)) {
            Ok(earlier) => String::from_utf8_lossy(&earlier).lines().map(str::to_owned).collect(),
            Err(_) => Vec::new(),
        };
        lines.extend(reader.read()?);
        Ok((reader, lines))
    }

    /// The lines that have come since.
    pub fn read(&mut self) -> io::Result<Vec<String>> {
        let mut file = File::open(&self.path)?;
        if file.metadata()?.len() < self.position {
            // It has become the earlier part.
            self.position = 0;
            self.open.clear();
        }
        file.seek(SeekFrom::Start(self.position))?;
        self.position += file.read_to_end(&mut self.open)? as u64;
        let whole = self.open.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let rest = self.open.split_off(whole);
        let lines = std::mem::replace(&mut self.open, rest);
        Ok(String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_freed_of_what_could_forge_another() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(line(now, "a\nb\u{1b}[2J"), "1970-01-01T00:00:00.000Z a b [2J\n");
        assert_eq!(line(now, &"x".repeat(1000)).len(), MAX_LINE_CHARACTERS + 26);
    }

    #[test]
    fn a_full_log_becomes_the_earlier_part() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(folder.path()).expect("a log");
        journal.say("older");
        journal.open.lock().expect("the log").bytes = MAX_BYTES;
        let (mut reader, _) = Reader::open(folder.path()).expect("a reader");
        journal.say("new");
        assert!(reader.read().expect("the log is read")[0].ends_with(" new"));
        let length = |name: &str| fs::metadata(folder.path().join(name)).expect("it is there").len();
        assert_eq!((length(EARLIER_FILE), length(FILE)), (31, 29));
    }
}
