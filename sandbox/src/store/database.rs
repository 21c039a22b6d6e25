//! The database: one redb file, which survives crashes.
//!
//! Rows are JSON, so that a later version can read what an earlier one wrote, or report that it cannot. A new file is renamed to its
//! final name only when it is complete, so an incomplete one has been damaged since, and is refused. Every row has a checksum, which is
//! verified whenever the row is read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use redb::{
    ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, TableDefinition, TableError,
    TableHandle as _,
};

mod checksum;
mod error;
mod file;
#[cfg(test)]
mod tests;

use super::table::{Changes, Stored};
pub(crate) use error::StoreError;

/// The version of the stored form. A database of another version is refused.
const VERSION: &str = "2";
/// The database's name in the state folder.
pub(crate) const DATABASE_FILE: &str = "world.redb";
/// The database's name while it is being created.
pub(crate) const DRAFT_FILE: &str = "world.redb.new";
/// Files up to this size are checked completely when they are opened.
const MAX_CHECKED_BYTES: u64 = 64 * 1024 * 1024;

/// How many events one transaction removes at most.
const MAX_REMOVED_ROWS: usize = 2_000;
/// The size of the events at which a transaction removes no more of them.
const MAX_REMOVED_BYTES: usize = 1024 * 1024;
/// The pause between two of these transactions, in which a waiting change is written.
const REMOVAL_PAUSE: Duration = Duration::from_millis(1);

/// The database. After an I/O error it is closed, and reopened on its next use: committed transactions are kept, others are lost.
#[derive(Debug)]
pub struct Database {
    opened: RwLock<OpenDatabase>,
    path: PathBuf,
}

/// The open database, and how often it has been reopened.
#[derive(Debug)]
struct OpenDatabase {
    database: Option<redb::Database>,
    generation: u64,
}

/// Rows of an event table: keys and values, sorted by key.
pub(crate) type Rows = Vec<(Vec<u8>, Vec<u8>)>;

/// An event table's name and rows for it.
pub(crate) type EventRows = (&'static str, Rows);

/// What [`Database::range`] does with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    Take,
    Skip,
    /// Leave it out, and all rows after it.
    Stop,
}

/// The order in which [`Database::range`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

impl Database {
    /// Opens the database in `folder`, or creates it.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_checked(folder, MAX_CHECKED_BYTES)
    }

    /// Opens it, and checks every page if the file is not larger than `max_checked_bytes`.
    fn open_checked(folder: &Path, max_checked_bytes: u64) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE_FILE);
        if !path.exists() {
            file::create(folder, &path)?;
        }
        let mut database = file::open(&path)?;
        file::check_version(&path, &database)?;
        // redb notices a damaged page only when it reads it. Checking all pages of a large file takes long, and most of them hold log
        // events; rows are verified whenever they are read.
        if fs::metadata(&path).is_ok_and(|file| file.len() > max_checked_bytes) {
            return Ok(Self::new(database, path));
        }
        match database.check_integrity() {
            Ok(true) => Ok(Self::new(database, path)),
            Ok(false) => {
                Err(StoreError::new(&path, redb::Error::Corrupted("its pages are not what was written".to_owned())))
            }
            Err(error) => Err(StoreError::new(&path, error.into())),
        }
    }

    fn new(database: redb::Database, path: PathBuf) -> Self {
        Self { opened: RwLock::new(OpenDatabase { database: Some(database), generation: 0 }), path }
    }

    /// Uses the database, after reopening it if an earlier use failed.
    fn with<T>(&self, work: impl FnOnce(&redb::Database) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        loop {
            let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
            let Some(database) = &opened.database else {
                drop(opened);
                self.reopen()?;
                continue;
            };
            let (result, generation) = (work(database), opened.generation);
            drop(opened);
            return result.map_err(|error| {
                if !matches!(error, redb::Error::TableDoesNotExist(_)) {
                    self.close(generation);
                }
                StoreError::new(&self.path, error)
            });
        }
    }

    fn reopen(&self) -> Result<(), StoreError> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.database.is_none() {
            opened.database = Some(file::open(&self.path)?);
            opened.generation += 1;
        }
        Ok(())
    }

    /// Closes the database after a failure, unless it has been reopened since.
    fn close(&self, generation: u64) {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        if opened.generation == generation {
            opened.database = None;
        }
    }

    /// The error of a database on which redb panicked.
    pub(super) fn unreadable(&self) -> StoreError {
        StoreError::new(&self.path, redb::Error::Corrupted("it cannot be read".to_owned()))
    }

    /// The size of the database's file in bytes.
    pub fn bytes(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// Reads all rows of a table.
    pub fn load(&self, table: &mut dyn Stored) -> Result<(), StoreError> {
        let name = table.name();
        for (key, bytes) in self.with(|database| load(database, TableDefinition::new(name)))? {
            table.load(&key, &bytes).map_err(|source| StoreError::Row { table: name.to_owned(), source })?;
        }
        Ok(())
    }

    /// Writes what is unwritten in all tables, and new rows of event tables, in one durable transaction. Event tables are never kept in
    /// memory; their keys sort as bytes.
    pub fn commit(&self, tables: &[&mut dyn Stored], events: &[EventRows]) -> Result<(), StoreError> {
        let changed = tables.iter().filter(|table| !table.unwritten().is_empty());
        let changed: Vec<_> = changed.map(|table| (table.name(), table.unwritten())).collect();
        self.with(|database| write(database, &changed, events))
    }

    /// The rows of an event table from `from` (included) to `to` (excluded) for which `scan`, called in `order`, returns
    /// [`Scan::Take`].
    pub fn range(
        &self,
        table: &'static str,
        (from, to): (&[u8], &[u8]),
        order: Order,
        scan: impl FnMut(&[u8], &[u8]) -> Scan,
    ) -> Result<Rows, StoreError> {
        self.with(|database| range_events(database, table, (from, to), order, scan))
    }

    /// Removes the rows of an event table from `from` (included) to `to` (excluded), in several transactions, because other
    /// changes have to wait for each.
    pub fn remove_range(&self, table: &'static str, from: &[u8], to: &[u8]) -> Result<(), StoreError> {
        while self.with(|database| remove_events(database, table, from, to))? {
            std::thread::sleep(REMOVAL_PAUSE);
        }
        Ok(())
    }
}

fn load(
    database: &redb::Database,
    definition: TableDefinition<'_, &str, &[u8]>,
) -> Result<Vec<(String, Vec<u8>)>, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(definition) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        other => other?,
    };
    let mut rows: Vec<(String, Vec<u8>)> = Vec::new();
    for row in table.iter()? {
        let (key, value) = row?;
        let bytes = checksum::verify(key.value().as_bytes(), value.value())?;
        rows.push((key.value().to_owned(), bytes.to_owned()));
    }
    // A damaged reference between pages leads to rows that are valid in themselves.
    if rows.len() as u64 != table.len()? || !rows.is_sorted_by(|row, next| row.0 < next.0) {
        return Err(redb::Error::Corrupted(format!("rows of the table {} are missing", definition.name())));
    }
    Ok(rows)
}

fn write(
    database: &redb::Database,
    changed: &[(&'static str, &Changes)],
    events: &[EventRows],
) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    for (name, changes) in changed {
        let mut table = transaction.open_table(TableDefinition::<&str, &[u8]>::new(name))?;
        for (key, bytes) in *changes {
            match bytes {
                Some(bytes) => drop(table.insert(key.as_str(), checksum::prepend(key.as_bytes(), bytes).as_slice())?),
                None => drop(table.remove(key.as_str())?),
            }
        }
    }
    for (name, rows) in events {
        let mut table = transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name))?;
        for (key, bytes) in rows {
            table.insert(key.as_slice(), checksum::prepend(key, bytes).as_slice())?;
        }
    }
    Ok(transaction.commit()?)
}

fn range_events(
    database: &redb::Database,
    name: &'static str,
    (from, to): (&[u8], &[u8]),
    order: Order,
    mut scan: impl FnMut(&[u8], &[u8]) -> Scan,
) -> Result<Rows, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name)) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Rows::new()),
        other => other?,
    };
    let mut range = table.range(from..to)?;
    let mut rows = Rows::new();
    while let Some(row) = match order {
        Order::Ascending => range.next(),
        Order::Descending => range.next_back(),
    } {
        let (key, value) = row?;
        let bytes = checksum::verify(key.value(), value.value())?;
        match scan(key.value(), bytes) {
            Scan::Take => rows.push((key.value().to_owned(), bytes.to_owned())),
            Scan::Skip => {}
            Scan::Stop => break,
        }
    }
    Ok(rows)
}

/// Removes the first rows of a range. Returns whether there may be more.
fn remove_events(database: &redb::Database, name: &'static str, from: &[u8], to: &[u8]) -> Result<bool, redb::Error> {
    let transaction = database.begin_write()?;
    let mut removed = (0, 0);
    {
        let mut table = transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name))?;
        for row in table.extract_from_if(from..to, |_, _| true)? {
            removed = (removed.0 + 1, removed.1 + row?.1.value().len());
            if removed.0 == MAX_REMOVED_ROWS || removed.1 >= MAX_REMOVED_BYTES {
                break;
            }
        }
    }
    transaction.commit()?;
    Ok(removed.0 == MAX_REMOVED_ROWS || removed.1 >= MAX_REMOVED_BYTES)
}
