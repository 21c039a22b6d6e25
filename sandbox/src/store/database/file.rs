//! The database's file: creating it, opening it, and checking that it is the state of a sandbox.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase as _, TableDefinition, TableError};

use super::{DRAFT_FILE, StoreError, VERSION};
use crate::base::draft_file;

/// redb's page cache: small, because rows are kept in memory anyway and events are read in ranges.
const CACHE_BYTES: usize = 8 * 1024 * 1024;
const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");

/// Creates a database under a temporary name, and renames it once it is complete.
pub(super) fn create(folder: &Path, path: &Path) -> Result<(), StoreError> {
    let create = || -> Result<(), redb::Error> {
        let (file, draft) = draft_file::create(folder, DRAFT_FILE)?.into_parts();
        let database = builder().create_with_backend(FileBackend::new(file)?)?;
        let transaction = database.begin_write()?;
        transaction.open_table(META)?.insert("version", VERSION)?;
        transaction.commit()?;
        drop(database);
        draft.persist(path).map_err(io::Error::from)?;
        Ok(File::open(folder)?.sync_all()?)
    };
    create().map_err(|error| StoreError::new(path, error))
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

pub(super) fn open(path: &Path) -> Result<Database, StoreError> {
    // redb would turn an empty file into a new database.
    if fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        let source = redb::Error::Corrupted("the file is empty".to_owned());
        return Err(StoreError::new(path, source));
    }
    builder().open(path).map_err(|error| match error {
        redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(path.display().to_string()),
        other => StoreError::new(path, other.into()),
    })
}

pub(super) fn check_version(path: &Path, database: &Database) -> Result<(), StoreError> {
    match version(database).map_err(|error| StoreError::new(path, error))? {
        None => Err(StoreError::Foreign(path.to_owned())),
        Some(stored) if stored == VERSION => Ok(()),
        Some(stored) => Err(StoreError::Version { stored }),
    }
}

/// The version that the database was written with; none if it is not a sandbox's.
fn version(database: &Database) -> Result<Option<String>, redb::Error> {
    match database.begin_read()?.open_table(META) {
        Err(TableError::TableDoesNotExist(_) | TableError::TableTypeMismatch { .. }) => Ok(None),
        meta => Ok(meta?.get("version")?.map(|version| version.value().to_owned())),
    }
}
