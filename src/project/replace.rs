//! Replaces a file atomically.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

/// Replaces the contents of a file: after a crash it has the old text or the new one. Follows symbolic links; keeps permissions and owner.
/// Returns `false` without writing if `expected` is given and differs from the current contents.
///
/// # Errors
/// Also when the file may not be written, or its owner cannot be kept.
pub(super) fn replace(file: &Path, text: &str, expected: Option<&str>) -> io::Result<bool> {
    let file = match fs::canonicalize(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => file.to_owned(),
        canonical => canonical?,
    };
    // Renaming needs no write permission on the file itself, so read-only files have to be detected.
    let old = match OpenOptions::new().write(true).open(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        opened => Some(opened?.metadata()?),
    };
    let mut new = temporary_file_in_same_dir(&file)?;
    new.write_all(text.as_bytes())?;
    if let Some(old) = &old {
        keep_owner(new.as_file(), old)?;
        new.as_file().set_permissions(old.permissions())?;
    }
    new.as_file().sync_all()?;
    if expected.is_some_and(|expected| fs::read(&file).map_or(true, |now| now != expected.as_bytes())) {
        return Ok(false);
    }
    new.persist(&file)?;
    Ok(true)
}

/// A temporary file in the same folder, with the default permissions of a new file.
fn temporary_file_in_same_dir(file: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".ecsws-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(file.parent().unwrap_or(Path::new(".")))
}

#[cfg(unix)]
fn keep_owner(new: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let now = new.metadata()?;
    if (now.uid(), now.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(new, Some(old.uid()), Some(old.gid())).map_err(|error| {
        io::Error::new(error.kind(), format!("its owner ({}:{}) cannot be kept: {error}", old.uid(), old.gid()))
    })
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
fn keep_owner(_new: &File, _old: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and read their files")]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<std::ffi::OsString> {
        let mut names: Vec<_> =
            fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("a file").file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn contents_that_are_not_the_expected_ones_stay() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("a.toml");
        assert!(replace(&file, "old", None).expect("it can be written"));
        assert!(!replace(&file, "new", Some("other")).expect("it can be read"));
        assert_eq!(fs::read_to_string(&file).expect("it is there"), "old");
        assert!(replace(&file, "new", Some("old")).expect("it can be written"));
        assert_eq!(fs::read_to_string(&file).expect("it is there"), "new");
        assert_eq!(names(dir.path()), ["a.toml"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_and_the_permissions_of_its_target_stay() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

        let dir = tempfile::tempdir().expect("a folder");
        let (link, target) = (dir.path().join("a.toml"), dir.path().join("real/b.toml"));
        fs::create_dir(dir.path().join("real")).expect("a folder");
        fs::write(&target, "old").expect("it can be written");
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).expect("they can be set");
        symlink("real/b.toml", &link).expect("a link");
        // Only root can give a file away; for others the owner is their own.
        let _ = std::os::unix::fs::chown(&target, Some(1), Some(1));
        let before = fs::metadata(&target).expect("it is there");
        assert!(replace(&link, "new", Some("old")).expect("it can be written"));
        let after = fs::metadata(&target).expect("it is there");
        assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
        assert_eq!(fs::read_to_string(&target).expect("it is there"), "new");
        assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
        assert_eq!(names(&dir.path().join("real")), ["b.toml"]);
    }
}
