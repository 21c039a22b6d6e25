//! Why the state could not be read or written, in sentences that name the file and what to do.

use std::io;
use std::path::{Path, PathBuf};

use super::{FILE, VERSION};

/// Why the database could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the database open.
    #[error("another sandbox is using {0}")]
    InUse(String),
    /// The database was written by another version of this program.
    #[error(
        "the sandbox's state is of version {found}, this program reads version {VERSION}: use the program that wrote it, or \
         `ecsws sandbox reset` starts afresh"
    )]
    Version {
        /// What the database says.
        found: String,
    },
    /// It is a database, and not one of a sandbox.
    #[error("{0} is not the state of a sandbox: choose another folder, or `ecsws sandbox reset` starts afresh")]
    Foreign(PathBuf),
    /// A row is not what this version writes.
    #[error("the sandbox's state is damaged in table {table} ({source}): `ecsws sandbox reset` starts afresh")]
    Row {
        /// The table's name.
        table: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The file is not a database, or no longer a whole one.
    #[error("the sandbox's state in {path} is damaged ({source}): `ecsws sandbox reset` starts afresh")]
    Damaged {
        /// The database's file.
        path: PathBuf,
        /// What is wrong with it.
        source: redb::Error,
    },
    /// The disk is full.
    #[error("there is no space left for the sandbox's state in {0}: free some and try again")]
    NoSpace(PathBuf),
    /// The database or the disk refused.
    #[error("the sandbox's state in {path}: {source}")]
    Database {
        /// The database's file.
        path: PathBuf,
        /// What happened.
        source: redb::Error,
    },
}

impl StoreError {
    /// A database that could not even be read to the end.
    pub fn unreadable(folder: &Path) -> Self {
        Self::told(&folder.join(FILE), redb::Error::Corrupted("it cannot be read".to_owned()))
    }

    /// What the database said, in words that name the file and what to do.
    pub(super) fn told(path: &Path, source: redb::Error) -> Self {
        let path = path.to_owned();
        match &source {
            redb::Error::Corrupted(_) | redb::Error::RepairAborted | redb::Error::UpgradeRequired(_) => {
                Self::Damaged { path, source }
            }
            redb::Error::Io(error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                    Self::NoSpace(path)
                }
                // What a file that was never a database is to redb.
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Damaged { path, source },
                _ => Self::Database { path, source },
            },
            _ => Self::Database { path, source },
        }
    }
}
