//! The database's file: how it is made, opened, and told from what is not a sandbox's state.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase as _, TableDefinition, TableError};

use super::{DRAFT_FILE, StoreError, VERSION};

/// Pages that are kept in memory: few, for the rows are there anyway, and events are read in ranges.
const CACHE_BYTES: usize = 8 * 1024 * 1024;
const META: TableDefinition<'_, &str, &str> = TableDefinition::new("meta");

/// Makes a database that is whole before it has its name.
pub(super) fn create(folder: &Path, path: &Path) -> Result<(), StoreError> {
    let draft = folder.join(DRAFT_FILE);
    let made = || -> Result<(), redb::Error> {
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        // It holds secrets: whatever the folder's mode becomes, the file is its owner's alone.
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&draft)?;
        let database = builder().create_with_backend(FileBackend::new(file)?)?;
        let transaction = database.begin_write()?;
        transaction.open_table(META)?.insert("version", VERSION)?;
        transaction.commit()?;
        drop(database);
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

pub(super) fn open(path: &Path) -> Result<Database, StoreError> {
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

pub(super) fn check_version(path: &Path, database: &Database) -> Result<(), StoreError> {
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
