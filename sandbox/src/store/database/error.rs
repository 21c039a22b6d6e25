//! Errors of the database, with messages that name the file and what to do.

use std::io;
use std::path::{Path, PathBuf};

use super::{DATABASE_FILE, VERSION};

/// Why the database could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the database open.
    #[error("another sandbox is using {0}")]
    InUse(String),
    /// The database was written by another version of this program.
    #[error("the sandbox's state has version {stored}, and this program reads version {VERSION} only")]
    Version { stored: String },
    /// The database is not one of a sandbox.
    #[error("{0} is not the state of a sandbox")]
    Foreign(PathBuf),
    /// A row cannot be deserialised.
    #[error("the sandbox's state is damaged in table {table} ({source})")]
    Row { table: String, source: serde_json::Error },
    /// The file is not a database, or a damaged one.
    #[error("the sandbox's state in {path} is damaged ({source})")]
    Damaged { path: PathBuf, source: redb::Error },
    /// The disk is full.
    #[error("there is no space left for the sandbox's state in {0}: free some space and try again")]
    NoSpace(PathBuf),
    /// Any other error of the database or the disk.
    #[error("the sandbox's state in {path}: {source}")]
    Database { path: PathBuf, source: redb::Error },
}

impl StoreError {
    /// Whether only a reset, which deletes the state, helps.
    pub fn needs_reset(&self) -> bool {
        matches!(self, Self::Version { .. } | Self::Foreign(_) | Self::Row { .. } | Self::Damaged { .. })
    }

    /// A database on which redb panicked.
    pub fn unreadable(folder: &Path) -> Self {
        Self::new(&folder.join(DATABASE_FILE), redb::Error::Corrupted("it cannot be read".to_owned()))
    }

    /// Classifies an error of redb.
    pub(super) fn new(path: &Path, source: redb::Error) -> Self {
        let path = path.to_owned();
        match &source {
            redb::Error::Corrupted(_) | redb::Error::RepairAborted | redb::Error::UpgradeRequired(_) => {
                Self::Damaged { path, source }
            }
            redb::Error::Io(error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                    Self::NoSpace(path)
                }
                // redb's errors for a file that was never a database.
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Damaged { path, source },
                _ => Self::Database { path, source },
            },
            _ => Self::Database { path, source },
        }
    }
}
