//! The folder of a running task on this machine, with a home and temporary files.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::process::environment::Folders;

/// The folder in the state folder where each task has its own.
pub(crate) const FOLDER: &str = "tasks";

/// How many digits of a task's id its folder's name has: the paths of Unix sockets below `TMPDIR` are limited to about 100 characters.
const ID_DIGITS: usize = 12;

fn root(state_dir: &Path, task_id: &str) -> PathBuf {
    state_dir.join(FOLDER).join(task_id.get(..ID_DIGITS).unwrap_or(task_id))
}

/// A task's folders, which may not exist yet; its containers share them.
pub(super) fn task_folders(state_dir: &Path, task_id: &str) -> Folders {
    let root = root(state_dir, task_id);
    Folders { home: root.join("home"), temporary: root.join("tmp") }
}

/// Removes a task's folders. Blocks.
pub(super) fn remove(state_dir: &Path, task_id: &str) {
    remove_tree(&root(state_dir, task_id));
}

/// Removes the folders of a killed sandbox's tasks. Blocks.
pub(super) fn remove_all(state_dir: &Path) {
    remove_tree(&state_dir.join(FOLDER));
}

/// A folder that cannot be removed now is removed when the next sandbox starts.
fn remove_tree(root: &Path) {
    let denied = std::fs::remove_dir_all(root).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
    if denied {
        // Folders may lack write permission, such as those of Go's module cache.
        make_writable(root);
        let _ = std::fs::remove_dir_all(root);
    }
}

fn make_writable(folder: &Path) {
    let _ = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    // Links are not followed.
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        make_writable(&entry.path());
    }
}
