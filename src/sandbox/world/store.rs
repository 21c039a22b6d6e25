//! The database under the world: one redb file, which keeps its promises through a crash.
//!
//! Rows are JSON, so that a later version can read what an earlier one wrote and say so when it cannot.

use std::path::Path;

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
    /// The database or the disk refused.
    #[error("the sandbox's database: {0}")]
    Database(#[from] redb::Error),
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    database: Database,
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
            other => StoreError::Database(other.into()),
        })?;
        let store = Self { database };
        store.check_version()?;
        Ok(store)
    }

    fn check_version(&self) -> Result<(), StoreError> {
        let transaction = self.database.begin_write().map_err(redb::Error::from)?;
        {
            let mut meta = transaction.open_table(META).map_err(redb::Error::from)?;
            let found = meta.get("version").map_err(redb::Error::from)?.map(|version| version.value().to_owned());
            match found {
                None => drop(meta.insert("version", VERSION).map_err(redb::Error::from)?),
                Some(found) if found == VERSION => {}
                Some(found) => return Err(StoreError::Version { found }),
            }
        }
        Ok(transaction.commit().map_err(redb::Error::from)?)
    }

    /// Reads a table's rows.
    pub fn load(&self, table: &mut dyn Stored) -> Result<(), StoreError> {
        let name = table.name();
        for (key, bytes) in self.scan(TableDefinition::<&str, &[u8]>::new(name))? {
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
        Ok(self.write(&changed)?)
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
        Ok(self.append_events(table, rows)?)
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
        Ok(self.range_events(table, from, to, visit)?)
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
        Ok(self.remove_events(table, from, to)?)
    }

    fn remove_events(&self, name: &'static str, from: &[u8], to: &[u8]) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name))?.retain_in(from..to, |_, _| false)?;
        Ok(transaction.commit()?)
    }
}
