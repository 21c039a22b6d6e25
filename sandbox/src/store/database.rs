//! The database under the world: one redb file, which keeps its promises through a crash.
//!
//! Rows are JSON, so that a later version can read what an earlier one wrote and say so when it cannot. A file gets its name
//! only when it is whole, so one that is there and is not whole was torn afterwards, and is refused: every row has a
//! checksum, which is looked at whenever the row is read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, TableDefinition, TableError,
    TableHandle as _,
};

mod error;
mod file;
mod seal;
#[cfg(test)]
mod tests;

use super::table::{Changes, Stored};
pub use error::StoreError;

/// The version of the stored form; a database of another version is refused, never guessed at.
const VERSION: &str = "2";
/// The database's name in the state folder, and the one that it has while it is made.
pub const FILE: &str = "world.redb";
/// See [`FILE`].
pub const DRAFT_FILE: &str = "world.redb.new";
/// The size up to which every page is checked when the database is opened.
const MAX_CHECKED_BYTES: u64 = 64 * 1024 * 1024;

/// The database. After a failure of the disk it is closed, and opened again by whoever needs it next: what was committed is
/// there, what was not is not.
#[derive(Debug)]
pub struct Store {
    opened: RwLock<Opened>,
    path: PathBuf,
}

/// The open database, and how often it has been opened again.
#[derive(Debug)]
struct Opened {
    database: Option<Database>,
    generation: u64,
}

/// Rows of an event table: a key and its bytes, in the order of the keys.
pub type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// An event table's name and rows for it.
pub type Events<'a> = (&'static str, &'a [(Vec<u8>, Vec<u8>)]);

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
        Self::open_checked(folder, MAX_CHECKED_BYTES)
    }

    /// Opens it, and checks every page of a file of up to so many bytes.
    fn open_checked(folder: &Path, most_bytes: u64) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        if !path.exists() {
            file::create(folder, &path)?;
        }
        let mut database = file::open(&path)?;
        file::check_version(&path, &database)?;
        // A page that was changed by somebody else would not be noticed before it is read. Reading all of them takes long where
        // there are many, which are log events then; the rows are read, and checked, in any case.
        if fs::metadata(&path).is_ok_and(|file| file.len() > most_bytes) {
            return Ok(Self::of(database, path));
        }
        match database.check_integrity() {
            Ok(true) => Ok(Self::of(database, path)),
            Ok(false) => {
                Err(StoreError::told(&path, redb::Error::Corrupted("its pages are not what was written".to_owned())))
            }
            Err(error) => Err(StoreError::told(&path, error.into())),
        }
    }

    fn of(database: Database, path: PathBuf) -> Self {
        Self { opened: RwLock::new(Opened { database: Some(database), generation: 0 }), path }
    }

    /// Uses the database, after opening it again if the disk has failed meanwhile.
    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        loop {
            let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
            let Some(database) = &opened.database else {
                drop(opened);
                self.open_again()?;
                continue;
            };
            let (result, generation) = (work(database), opened.generation);
            drop(opened);
            return result.map_err(|error| {
                if !matches!(error, redb::Error::TableDoesNotExist(_)) {
                    self.close(generation);
                }
                StoreError::told(&self.path, error)
            });
        }
    }

    fn open_again(&self) -> Result<(), StoreError> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.database.is_none() {
            opened.database = Some(file::open(&self.path)?);
            opened.generation += 1;
        }
        Ok(())
    }

    /// Closes the database that has failed. It may have been opened again since.
    fn close(&self, generation: u64) {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.generation == generation {
            opened.database = None;
        }
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

    /// Writes what changed in all tables, and new rows of an event table, in one durable transaction. Event tables are never
    /// kept in memory; their keys sort as bytes.
    pub fn commit(&self, tables: &[&mut dyn Stored], events: Option<Events<'_>>) -> Result<(), StoreError> {
        let mut changed = Vec::new();
        for table in tables {
            let name = table.name();
            let changes = table.changes().map_err(|source| StoreError::Row { table: name.to_owned(), source })?;
            if !changes.is_empty() {
                changed.push((name, changes));
            }
        }
        let events = events.filter(|(_, rows)| !rows.is_empty());
        if changed.is_empty() && events.is_none() {
            return Ok(());
        }
        self.with(|database| write(database, &changed, events))
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

fn scan(
    database: &Database,
    definition: TableDefinition<'_, &str, &[u8]>,
) -> Result<Vec<(String, Vec<u8>)>, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(definition) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        other => other?,
    };
    let mut rows: Vec<(String, Vec<u8>)> = Vec::new();
    for row in table.iter()? {
        let (key, sealed) = row?;
        let bytes = seal::open(key.value().as_bytes(), sealed.value())?;
        rows.push((key.value().to_owned(), bytes.to_owned()));
    }
    // A page that leads to another one than it did gives rows that are whole in themselves.
    if rows.len() as u64 != table.len()? || !rows.is_sorted_by(|one, next| one.0 < next.0) {
        return Err(redb::Error::Corrupted(format!("rows of the table {} are missing", definition.name())));
    }
    Ok(rows)
}

fn write(
    database: &Database,
    changed: &[(&'static str, Changes<'_>)],
    events: Option<Events<'_>>,
) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    for (name, changes) in changed {
        let mut table = transaction.open_table(TableDefinition::<&str, &[u8]>::new(name))?;
        for (key, bytes) in changes {
            match bytes {
                Some(bytes) => drop(table.insert(*key, seal::seal(key.as_bytes(), bytes).as_slice())?),
                None => drop(table.remove(*key)?),
            }
        }
    }
    if let Some((name, rows)) = events {
        let mut table = transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name))?;
        for (key, bytes) in rows {
            table.insert(key.as_slice(), seal::seal(key, bytes).as_slice())?;
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
        let (key, sealed) = row?;
        let bytes = seal::open(key.value(), sealed.value())?;
        match visit(key.value(), bytes) {
            Visit::Take => found.push((key.value().to_owned(), bytes.to_owned())),
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
