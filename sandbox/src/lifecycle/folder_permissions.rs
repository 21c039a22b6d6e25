//! Checks owner and permissions of the state folder and of everything in it.
//!
//! A sandbox runs commands as the user who started it, for every caller that has the keys in its folder. So the folder and its
//! files must belong to this user and be closed to others, and no other user may be able to replace the folder: the rules of
//! ssh's `StrictModes`, for root too.

use std::fs::{self, File, Metadata, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::libc::{O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW};
use nix::unistd::{Gid, Group, Uid, User, geteuid};

use super::LifecycleError;
use super::folder::at;

const GROUP_WRITE: u32 = 0o020;
const OTHER_WRITE: u32 = 0o002;
/// In a folder with this bit only its owner and that of an entry can rename the entry.
const STICKY: u32 = 0o1000;

/// Opens a file and refuses a link, another user's file, and one that others can change.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> Result<File, LifecycleError> {
    check_link(path)?;
    let file = options.custom_flags(O_NOFOLLOW | O_CLOEXEC).open(path).map_err(at(path))?;
    check_own(path, &file.metadata().map_err(at(path))?)?;
    Ok(file)
}

/// Opens a folder and refuses another user's, and one on a path that others can change. Whether others can write to the folder
/// itself is in its metadata.
pub(super) fn open_folder(folder: &Path) -> Result<(File, Metadata), LifecycleError> {
    let real = fs::canonicalize(folder).map_err(at(folder))?;
    for path in folder.ancestors().chain(real.ancestors().skip(1)).filter(|path| !path.as_os_str().is_empty()) {
        if path != folder || path.is_symlink() {
            check_ancestor(path)?;
        }
    }
    let mut options = OpenOptions::new();
    let options = options.read(true).custom_flags(O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    let open = options.open(&real).map_err(at(folder))?;
    let about = open.metadata().map_err(at(folder))?;
    check_owner(folder, &about)?;
    Ok((open, about))
}

/// Refuses an entry of the folder that is a link, another user's, or can be changed by others. One that is missing is fine.
pub(super) fn check_entry(path: &Path) -> Result<(), LifecycleError> {
    check_link(path)?;
    fs::symlink_metadata(path).map_or(Ok(()), |about| check_own(path, &about))
}

fn check_link(path: &Path) -> Result<(), LifecycleError> {
    if path.is_symlink() { Err(LifecycleError::Link(path.to_owned())) } else { Ok(()) }
}

fn check_own(path: &Path, about: &Metadata) -> Result<(), LifecycleError> {
    check_owner(path, about)?;
    check_closed(path, about)
}

/// Refuses a file or folder that others can write to.
pub(super) fn check_closed(path: &Path, about: &Metadata) -> Result<(), LifecycleError> {
    if about.mode() & (GROUP_WRITE | OTHER_WRITE) == 0 { Ok(()) } else { Err(exposed(path, about)) }
}

fn check_owner(path: &Path, about: &Metadata) -> Result<(), LifecycleError> {
    if about.uid() == geteuid().as_raw() { Ok(()) } else { Err(not_owner(path, about)) }
}

/// A folder or link on the path has to be the user's or the system's, and no other user may be able to rename its entries.
fn check_ancestor(path: &Path) -> Result<(), LifecycleError> {
    let about = fs::symlink_metadata(path).map_err(at(path))?;
    // In a user namespace without root, the system's files have an overflow id.
    let system = fs::metadata("/").map_or(0, |root| root.uid());
    if ![geteuid().as_raw(), 0, system].contains(&about.uid()) {
        return Err(not_owner(path, &about));
    }
    let group_writes = about.mode() & GROUP_WRITE != 0 && !is_private(Gid::from_raw(about.gid()));
    let others_write = about.mode() & OTHER_WRITE != 0;
    if about.is_dir() && about.mode() & STICKY == 0 && (group_writes || others_write) {
        return Err(exposed(path, &about));
    }
    Ok(())
}

/// Whether a group contains only the user, as many systems create it; the user's files are then writable for the group.
fn is_private(group: Gid) -> bool {
    let user = User::from_uid(geteuid()).ok().flatten();
    let group = Group::from_gid(group).ok().flatten();
    user.zip(group)
        .is_some_and(|(user, group)| group.name == user.name && group.mem.iter().all(|name| *name == user.name))
}

fn not_owner(path: &Path, about: &Metadata) -> LifecycleError {
    LifecycleError::NotOwner {
        path: path.to_owned(),
        owner: user_name(Uid::from_raw(about.uid())),
        user: user_name(geteuid()),
    }
}

fn exposed(path: &Path, about: &Metadata) -> LifecycleError {
    LifecycleError::Exposed { path: path.to_owned(), mode: about.mode() & 0o7777 }
}

fn user_name(id: Uid) -> String {
    let name = User::from_uid(id).ok().flatten().map(|user| user.name);
    name.map_or_else(|| format!("uid {id}"), |name| format!("{name} (uid {id})"))
}
