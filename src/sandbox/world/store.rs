//! The database under the world: one redb file, which keeps its promises through a crash.
//!
//! Rows are JSON, so that a later version can read what an earlier one wrote and say so when it cannot.

use std::io;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition, TableError};

use super::table::{Changes, Stored};

/// The version of the stored form; a database of another version is refused, never guessed at.
const VERSION: &str = "1";
const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");

/// Why the database could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the database open.
    #[error("another sandbox is using {0}")]
    InUse(String),
    /// The database was written by another version of this program.
    #[error(
        "the sandbox's state is of version {found}, this program reads version {VERSION}: `ecsws sandbox reset` starts afresh"
    )]
    Version {
        /// What the database says.
        found: String,
    },
    /// A row is not what this version writes.
    #[error("the sandbox's state is damaged in table {table}: {source}")]
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
    /// What the database said, in words that name the file and what to do.
    fn told(path: &Path, source: redb::Error) -> Self {
        let path = path.to_owned();
        match &source {
            redb::Error::Corrupted(_) | redb::Error::RepairAborted => Self::Damaged { path, source },
            redb::Error::Io(error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace(path),
                // What a file that was never a database is to redb.
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Damaged { path, source },
                _ => Self::Database { path, source },
            },
            _ => Self::Database { path, source },
        }
    }
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    database: Database,
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
        let path = folder.join("world.redb");
        let database = Database::create(&path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(path.display().to_string()),
            other => StoreError::told(&path, other.into()),
        })?;
        let store = Self { database, path };
        store.check_version()?;
        Ok(store)
    }

    fn check_version(&self) -> Result<(), StoreError> {
        match self.version().map_err(|error| self.told(error))? {
            None => Ok(()),
            Some(found) if found == VERSION => Ok(()),
            Some(found) => Err(StoreError::Version { found }),
        }
    }

    /// The version that the database was written with; a new one is given this program's.
    fn version(&self) -> Result<Option<String>, redb::Error> {
        let transaction = self.database.begin_write()?;
        let found = {
            let mut meta = transaction.open_table(META)?;
            let found = meta.get("version")?.map(|version| version.value().to_owned());
            if found.is_none() {
                meta.insert("version", VERSION)?;
            }
            found
        };
        transaction.commit()?;
        Ok(found)
    }

    fn told(&self, error: redb::Error) -> StoreError {
        StoreError::told(&self.path, error)
    }

    /// Reads a table's rows.
    pub fn load(&self, table: &mut dyn Stored) -> Result<(), StoreError> {
        let name = table.name();
        for (key, bytes) in self.scan(TableDefinition::new(name)).map_err(|error| self.told(error))? {
            table.load(&key, &bytes).map_err(|source| StoreError::Row { table: name.to_owned(), source })?;
        }
        Ok(())
    }

    fn scan(&self, definition: TableDefinition<'_, &str, &[u8]>) -> Result<Vec<(String, Vec<u8>)>, redb::Error> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(definition) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            other => other?,
        };
        let rows = table.iter()?;
        rows.map(|row| row.map(|(key, bytes)| (key.value().to_owned(), bytes.value().to_owned())))
            .collect::<Result<_, _>>()
            .map_err(redb::Error::from)
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
        self.write(&changed).map_err(|error| self.told(error))
    }

    fn write(&self, changed: &[(&'static str, Changes<'_>)]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
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

    /// Appends rows to an event table, which is never kept in memory. Keys sort as bytes.
    pub fn append(&self, table: &'static str, rows: &[(Vec<u8>, Vec<u8>)]) -> Result<(), StoreError> {
        self.append_events(table, rows).map_err(|error| self.told(error))
    }

    fn append_events(&self, name: &'static str, rows: &[(Vec<u8>, Vec<u8>)]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name))?;
            for (key, bytes) in rows {
                table.insert(key.as_slice(), bytes.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// The rows of an event table from `from` (included) to `to` (excluded) that `visit`, which sees them in order, takes.
    pub fn range(
        &self,
        table: &'static str,
        from: &[u8],
        to: &[u8],
        visit: impl FnMut(&[u8], &[u8]) -> Visit,
    ) -> Result<Rows, StoreError> {
        self.range_events(table, from, to, visit).map_err(|error| self.told(error))
    }

    fn range_events(
        &self,
        name: &'static str,
        from: &[u8],
        to: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Visit,
    ) -> Result<Rows, redb::Error> {
        let transaction = self.database.begin_read()?;
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

    /// Removes the rows of an event table from `from` (included) to `to` (excluded).
    pub fn remove_range(&self, table: &'static str, from: &[u8], to: &[u8]) -> Result<(), StoreError> {
        self.remove_events(table, from, to).map_err(|error| self.told(error))
    }

    fn remove_events(&self, name: &'static str, from: &[u8], to: &[u8]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name))?.retain_in(from..to, |_, _| false)?;
        Ok(transaction.commit()?)
    }
}
