//! The database under the world: one redb file, which keeps its promises through a crash.
//!
//! Rows are JSON, so that a later version can read what an earlier one wrote and say so when it cannot. A file gets its name
//! only when it is whole, so one that is there and is not whole was torn afterwards, and is refused.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition, TableError};

use super::table::{Changes, Stored};

/// The version of the stored form; a database of another version is refused, never guessed at.
const VERSION: &str = "1";
/// The database's name in the state folder, and the one that it has while it is made.
pub const FILE: &str = "world.redb";
/// See [`FILE`].
pub const DRAFT_FILE: &str = "world.redb.new";
/// Pages that are kept in memory: the rows are there anyway, and events are read in ranges.
const CACHE_BYTES: usize = 32 * 1024 * 1024;
/// The size up to which every page is checked when the database is opened.
const MAX_CHECKED_BYTES: u64 = 64 * 1024 * 1024;
const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");

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
    fn told(path: &Path, source: redb::Error) -> Self {
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

/// The database. After a failure of the disk it is closed, and opened again by whoever needs it next: what was committed is
/// there, what was not is not.
#[derive(Debug)]
pub struct Store {
    database: RwLock<Option<Database>>,
    path: PathBuf,
}

/// Rows of an event table: a key and its bytes, in the order of the keys.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// What is done with a row of an event table that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// It belongs to the answer.
    Take,
    /// It does not.
    Skip,
    /// It does not, and nothing after it does.
    End,
}

impl Store {
    /// Opens the database in `folder`, or makes it.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        if !path.exists() {
            create(folder, &path)?;
        }
        let mut database = open(&path)?;
        check_version(&path, &database)?;
        // A page that was changed by somebody else would not be noticed before it is read, if then. Reading all of them takes
        // long where there are many, which are log events then; the rows are read in any case.
        if fs::metadata(&path).is_ok_and(|file| file.len() > MAX_CHECKED_BYTES) {
            return Ok(Self { database: RwLock::new(Some(database)), path });
        }
        match database.check_integrity() {
            Ok(true) => Ok(Self { database: RwLock::new(Some(database)), path }),
            Ok(false) => {
                Err(StoreError::told(&path, redb::Error::Corrupted("its pages are not what was written".to_owned())))
            }
            Err(error) => Err(StoreError::told(&path, error.into())),
        }
    }

    /// Uses the database, after opening it again if the disk has failed meanwhile.
    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        let is_closed = self.database.read().unwrap_or_else(PoisonError::into_inner).is_none();
        if is_closed {
            let mut closed = self.database.write().unwrap_or_else(PoisonError::into_inner);
            if closed.is_none() {
                *closed = Some(open(&self.path)?);
            }
        }
        let result = match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => work(database),
            // Somebody else's work has just failed.
            None => Err(redb::Error::PreviousIo),
        };
        result.map_err(|error| {
            if !matches!(error, redb::Error::TableDoesNotExist(_)) {
                self.database.write().unwrap_or_else(PoisonError::into_inner).take();
            }
            StoreError::told(&self.path, error)
        })
    }

    /// The bytes that the database takes on the disk.
    pub fn bytes(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// Reads a table's rows.
    pub fn load(&self, table: &mut dyn Stored) -> Result<(), StoreError> {
        let name = table.name();
        for (key, bytes) in self.with(|database| scan(database, TableDefinition::new(name)))? {
            table.load(&key, &bytes).map_err(|source| StoreError::Row { table: name.to_owned(), source })?;
        }
        Ok(())
    }

    /// Writes what changed in all tables in one durable transaction.
    pub fn commit(&self, tables: &[&mut dyn Stored]) -> Result<(), StoreError> {
        let mut changed = Vec::new();
        for table in tables {
            let name = table.name();
            let changes = table.changes().map_err(|source| StoreError::Row { table: name.to_owned(), source })?;
            if !changes.is_empty() {
                changed.push((name, changes));
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        self.with(|database| write(database, &changed))
    }

    /// Appends rows to an event table, which is never kept in memory. Keys sort as bytes.
    pub fn append(&self, table: &'static str, rows: &[(Vec<u8>, Vec<u8>)]) -> Result<(), StoreError> {
        self.with(|database| append_events(database, table, rows))
    }

    /// The rows of an event table from `from` (included) to `to` (excluded) that `visit`, which sees them in order, takes.
    pub fn range(
        &self,
        table: &'static str,
        from: &[u8],
        to: &[u8],
        visit: impl FnMut(&[u8], &[u8]) -> Visit,
    ) -> Result<Rows, StoreError> {
        self.with(|database| range_events(database, table, from, to, visit))
    }

    /// Removes the rows of an event table from `from` (included) to `to` (excluded).
    pub fn remove_range(&self, table: &'static str, from: &[u8], to: &[u8]) -> Result<(), StoreError> {
        self.with(|database| remove_events(database, table, from, to))
    }
}

/// Makes a database that is whole before it has its name.
fn create(folder: &Path, path: &Path) -> Result<(), StoreError> {
    let draft = folder.join(DRAFT_FILE);
    let made = || -> Result<(), redb::Error> {
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let transaction_of = builder().create(&draft)?;
        let transaction = transaction_of.begin_write()?;
        transaction.open_table(META)?.insert("version", VERSION)?;
        transaction.commit()?;
        drop(transaction_of);
        fs::rename(&draft, path)?;
        Ok(File::open(folder)?.sync_all()?)
    };
    made().map_err(|error| StoreError::told(path, error))
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

fn open(path: &Path) -> Result<Database, StoreError> {
    // To redb an empty file is one that is about to become a database.
    if fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        let source = redb::Error::Corrupted("the file is empty".to_owned());
        return Err(StoreError::told(path, source));
    }
    builder().open(path).map_err(|error| match error {
        redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(path.display().to_string()),
        other => StoreError::told(path, other.into()),
    })
}

fn check_version(path: &Path, database: &Database) -> Result<(), StoreError> {
    match version(database).map_err(|error| StoreError::told(path, error))? {
        None => Err(StoreError::Foreign(path.to_owned())),
        Some(found) if found == VERSION => Ok(()),
        Some(found) => Err(StoreError::Version { found }),
    }
}

/// The version that the database was written with; none when it is not a sandbox's.
fn version(database: &Database) -> Result<Option<String>, redb::Error> {
    match database.begin_read()?.open_table(META) {
        Err(TableError::TableDoesNotExist(_) | TableError::TableTypeMismatch { .. }) => Ok(None),
        meta => Ok(meta?.get("version")?.map(|version| version.value().to_owned())),
    }
}

fn scan(
    database: &Database,
    definition: TableDefinition<'_, &str, &[u8]>,
) -> Result<Vec<(String, Vec<u8>)>, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(definition) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        other => other?,
    };
    let rows = table.iter()?;
    rows.map(|row| row.map(|(key, bytes)| (key.value().to_owned(), bytes.value().to_owned())))
        .collect::<Result<_, _>>()
        .map_err(redb::Error::from)
}

fn write(database: &Database, changed: &[(&'static str, Changes<'_>)]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    for (name, changes) in changed {
        let mut table = transaction.open_table(TableDefinition::<&str, &[u8]>::new(name))?;
        for (key, bytes) in changes {
            match bytes {
                Some(bytes) => drop(table.insert(*key, bytes.as_slice())?),
                None => drop(table.remove(*key)?),
            }
        }
    }
    Ok(transaction.commit()?)
}

fn append_events(database: &Database, name: &'static str, rows: &[(Vec<u8>, Vec<u8>)]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name))?;
        for (key, bytes) in rows {
            table.insert(key.as_slice(), bytes.as_slice())?;
        }
    }
    Ok(transaction.commit()?)
}

fn range_events(
    database: &Database,
    name: &'static str,
    from: &[u8],
    to: &[u8],
    mut visit: impl FnMut(&[u8], &[u8]) -> Visit,
) -> Result<Rows, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name)) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Rows::new()),
        other => other?,
    };
    let mut found = Rows::new();
    for row in table.range(from..to)? {
        let (key, bytes) = row?;
        match visit(key.value(), bytes.value()) {
            Visit::Take => found.push((key.value().to_owned(), bytes.value().to_owned())),
            Visit::Skip => {}
            Visit::End => break,
        }
    }
    Ok(found)
}

fn remove_events(database: &Database, name: &'static str, from: &[u8], to: &[u8]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name))?.retain_in(from..to, |_, _| false)?;
    Ok(transaction.commit()?)
}
