//! The errors of starting, finding and stopping a sandbox.

use std::io;
use std::path::PathBuf;

use super::ControlError;

/// The exit code of a sandbox in the background that cannot use its state.
pub(crate) const UNUSABLE_STATE_EXIT: u8 = 65;

/// Why a sandbox could not be started, found or stopped.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "members are what their names say")]
pub enum LifecycleError {
    /// Neither `HOME` nor a variable that replaces it is set.
    #[error("cannot determine the state folder, because neither HOME nor XDG_STATE_HOME is set")]
    NoStateHome,
    /// An error of a file in the state folder.
    #[error("the sandbox cannot use {path}: {source}")]
    File { path: PathBuf, source: io::Error },
    /// The account or region is malformed; both are part of a path.
    #[error("`{0}` is not an account (twelve digits) or region (such as us-east-1)")]
    InvalidLocation(String),
    /// The folder contains other files.
    #[error("{0} is not empty, and not the state folder of a sandbox")]
    ForeignFolder(PathBuf),
    /// The state folder, an entry of it or a parent folder belongs to another user.
    #[error("{path} belongs to {owner}, not to {user}")]
    NotOwner {
        path: PathBuf,
        /// The owner's name and uid.
        owner: String,
        /// This process's user.
        user: String,
    },
    /// The state folder, an entry of it or a parent folder is writable by other users.
    #[error("other users can change {path} (mode {mode:o})")]
    Exposed {
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Other users can read the sandbox's keys.
    #[error("other users can read the sandbox's keys in {0}")]
    Readable(PathBuf),
    /// A file of the sandbox is a symbolic link.
    #[error("{0} is a symbolic link, which is not allowed in a state folder")]
    Link(PathBuf),
    /// Another process serves this state.
    #[error("a sandbox is already running on {0}")]
    AlreadyRunning(PathBuf),
    /// The process in the background ended or does not respond.
    #[error("the sandbox did not start: {0}")]
    DidNotStart(String),
    /// The state cannot be used; a reset deletes it.
    #[error("the sandbox did not start: {0}")]
    UnusableState(String),
    /// The process is suspended by a signal, such as SIGSTOP.
    #[error("the sandbox (process {0}) is suspended")]
    Suspended(u32),
    /// The process holds its lock and does not respond.
    #[error("the sandbox (process {0}) does not respond")]
    Unresponsive(u32),
    /// The process does not end.
    #[error("the sandbox (process {0}) did not stop in time")]
    DoesNotStop(u32),
    /// A control call failed.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The server failed.
    #[error("the sandbox failed: {0}")]
    Serve(io::Error),
}
