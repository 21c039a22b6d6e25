//! Files that are written under a temporary name, and renamed once they are complete.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::NamedTempFile;

/// Creates an empty file that only its owner can read, regardless of the folder's mode. It is deleted unless it is persisted.
///
/// The name is not random, so that a draft of a killed process is replaced here and deleted by a reset of the sandbox.
pub(crate) fn create(folder: &Path, name: &str) -> io::Result<NamedTempFile> {
    match fs::remove_file(folder.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    tempfile::Builder::new().prefix(name).rand_bytes(0).permissions(Permissions::from_mode(0o600)).tempfile_in(folder)
}
