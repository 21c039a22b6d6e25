//! The database's file: creating it, opening it, and checking that it is the state of a sandbox.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase as _, TableDefinition, TableError};

use super::{DRAFT_FILE, StoreError, VERSION};

/// redb's page cache: small, because rows are kept in memory anyway and events are read in ranges.
const CACHE_BYTES: usize = 8 * 1024 * 1024;
const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");

/// Creates a database under a temporary name, and renames it once it is complete.
pub(super) fn create(folder: &Path, path: &Path) -> Result<(), StoreError> {
    let draft = folder.join(DRAFT_FILE);
    let create = || -> Result<(), redb::Error> {
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        // It holds secrets: only its owner may read it, whatever the folder's mode.
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&draft)?;
        let database = builder().create_with_backend(FileBackend::new(file)?)?;
        let transaction = database.begin_write()?;
        transaction.open_table(META)?.insert("version", VERSION)?;
        transaction.commit()?;
        drop(database);
        fs::rename(&draft, path)?;
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
