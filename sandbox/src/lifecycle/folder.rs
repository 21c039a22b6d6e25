//! The state folder: its files, its locks, and who may use it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::{Endpoint, LifecycleError, folder_permissions};
use crate::base::{draft_file, request_log};
use crate::process::container_engine::ENGINES_FILE;
use crate::services::ecs::task_folder;
use crate::services::ssm::managed_instances;
use crate::store::database;

/// How often to check that the folder still exists.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// How long to wait for a process that checks whether the folder is served.
const PROBE_DELAY: Duration = Duration::from_millis(5);
pub(super) const ENDPOINT_FILE: &str = "endpoint.json";
const ENDPOINT_DRAFT: &str = "endpoint.json.new";
/// Held by the process that serves the folder's state.
pub(super) const RUNNING_LOCK: &str = "running.lock";
/// Held by a command that starts or resets a sandbox.
pub(super) const STARTING_LOCK: &str = "starting.lock";
/// The files of a sandbox except the locks: `reset` removes these and no others.
pub(super) const FILES: &[&str] = &[
    database::DATABASE_FILE,
    database::DRAFT_FILE,
    ENDPOINT_FILE,
    ENDPOINT_DRAFT,
    request_log::LOG_FILE,
    request_log::ROTATED_FILE,
    ENGINES_FILE,
];

/// The folders of instances and of tasks.
pub(super) const FOLDERS: [&str; 2] = [managed_instances::FOLDER, task_folder::FOLDER];

pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> LifecycleError {
    let path = path.to_owned();
    |source| LifecycleError::File { path, source }
}

/// Creates the folder, for its owner only. A folder with other files, or that others own or can change, is refused.
pub(super) fn prepare(folder: &Path) -> Result<(), LifecycleError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))?;
    let (open, about) = folder_permissions::open_folder(folder)?;
    if !is_sandbox_folder(folder) {
        return Err(LifecycleError::ForeignFolder(folder.to_owned()));
    }
    if !is_empty(folder) {
        folder_permissions::check_closed(folder, &about)?;
    }
    open.set_permissions(fs::Permissions::from_mode(0o700)).map_err(at(folder))?;
    if folder_permissions::check_closed(folder, &about).is_err() && !is_empty(folder) {
        // Another user has created it.
        return Err(LifecycleError::ForeignFolder(folder.to_owned()));
    }
    check_entries(folder)?;
    close_files(folder)
}

/// Removes the permissions of other users from files, such as those of a copied folder. The endpoint file keeps
/// them, to show that its keys may no longer be secret.
fn close_files(folder: &Path) -> Result<(), LifecycleError> {
    for name in FILES.iter().filter(|name| ![ENDPOINT_FILE, ENDPOINT_DRAFT].contains(*name)) {
        let path = folder.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|about| about.mode() & 0o077 != 0) {
            let file = folder_permissions::open(&path, OpenOptions::new().read(true))?;
            file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// Refuses a folder that another user could have created or written to; a missing folder is accepted.
pub fn check(folder: &Path) -> Result<(), LifecycleError> {
    if !folder.exists() {
        return Ok(());
    }
    let (_, about) = folder_permissions::open_folder(folder)?;
    folder_permissions::check_closed(folder, &about)?;
    check_entries(folder)
}

fn check_entries(folder: &Path) -> Result<(), LifecycleError> {
    let mut names = FILES.iter().chain(&FOLDERS).chain(&[RUNNING_LOCK, STARTING_LOCK]);
    names.try_for_each(|name| folder_permissions::check_entry(&folder.join(name)))
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Whether the folder is a sandbox's: it has its locks, or is empty.
pub(super) fn is_sandbox_folder(folder: &Path) -> bool {
    let locked = [RUNNING_LOCK, STARTING_LOCK].iter().any(|name| folder.join(name).exists());
    locked || is_empty(folder)
}

pub(super) fn open_lock(folder: &Path, name: &str) -> Result<File, LifecycleError> {
    folder_permissions::open(
        &folder.join(name),
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600),
    )
}

pub(super) fn try_lock(file: &File, path: &Path) -> Result<bool, LifecycleError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(at(path)(source)),
    }
}

/// Whether a process serves this folder's state. Takes the lock shared, so that other processes can check at the same
/// time; [`claim`] waits for them.
pub(super) fn is_served(folder: &Path) -> Result<bool, LifecycleError> {
    if !folder.join(RUNNING_LOCK).exists() {
        return Ok(false);
    }
    is_taken(&open_lock(folder, RUNNING_LOCK)?, folder)
}

/// Whether another process holds the lock exclusively.
fn is_taken(lock: &File, path: &Path) -> Result<bool, LifecycleError> {
    match lock.try_lock_shared() {
        Ok(()) => lock.unlock().map(|()| false).map_err(at(path)),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(at(path)(source)),
    }
}

/// Takes the running lock, unless another process serves the folder's state.
pub(super) async fn claim(lock: &File, path: &Path) -> Result<bool, LifecycleError> {
    while !try_lock(lock, path)? {
        if is_taken(lock, path)? {
            return Ok(false);
        }
        // Another process is checking the lock.
        tokio::time::sleep(PROBE_DELAY).await;
    }
    Ok(true)
}

/// Waits until the folder is no longer the one in which `lock` is held: it was deleted, and the sandbox cannot be found any more.
pub(super) async fn wait_until_gone(folder: &Path, lock: &File) {
    let path = folder.join(RUNNING_LOCK);
    let inode = |metadata: io::Result<fs::Metadata>| metadata.ok().map(|file| (file.dev(), file.ino()));
    let held = inode(lock.metadata());
    while inode(fs::metadata(&path)) == held {
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

/// Whether only the owner can read the endpoint file, or there is none yet.
pub(super) fn is_secret(folder: &Path) -> bool {
    fs::metadata(folder.join(ENDPOINT_FILE)).map_or(true, |file| file.permissions().mode() & 0o777 & !0o700 == 0)
}

/// Reads the endpoint file; none if there is none or it is incomplete.
pub(super) fn read_endpoint(folder: &Path) -> Result<Option<Endpoint>, LifecycleError> {
    let path = folder.join(ENDPOINT_FILE);
    let mut text = Vec::new();
    match folder_permissions::open(&path, OpenOptions::new().read(true)) {
        Err(LifecycleError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?.read_to_end(&mut text).map_err(at(&path))?,
    };
    Ok(serde_json::from_slice(&text).ok())
}

/// Writes the endpoint file atomically: other processes may read it at any time.
pub(super) fn write_endpoint(folder: &Path, endpoint: &Endpoint) -> Result<(), LifecycleError> {
    let (path, draft_path) = (folder.join(ENDPOINT_FILE), folder.join(ENDPOINT_DRAFT));
    let draft = draft_file::create(folder, ENDPOINT_DRAFT).map_err(at(&draft_path))?;
    let mut file = draft.as_file();
    let text = json!(endpoint).to_string();
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(at(&draft_path))?;
    draft.persist(&path).map(drop).map_err(|error| at(&path)(error.error))
}
