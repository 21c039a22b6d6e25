//! Recognises the temporary change sets of diffs that were interrupted.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::context::Context;
use crate::ops::TemporaryChangeSets;

/// The temporary change sets of this process.
pub(super) fn temporary_change_sets() -> TemporaryChangeSets {
    let mut hasher = DefaultHasher::new();
    machine_name().hash(&mut hasher);
    let machine = u32::try_from(hasher.finish() >> 32).unwrap_or_default();
    TemporaryChangeSets { machine, process: std::process::id(), is_running, now: Context::now() }
}

#[cfg(unix)]
fn machine_name() -> String {
    nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether a process of this id is running, also one of another user.
#[cfg(unix)]
fn is_running(process: u32) -> bool {
    let process = i32::try_from(process).map(nix::unistd::Pid::from_raw);
    process.is_ok_and(|process| nix::sys::signal::kill(process, None) != Err(nix::errno::Errno::ESRCH))
}

#[cfg(not(unix))]
fn machine_name() -> String {
    String::new()
}

/// Unknown, so that only the age decides.
#[cfg(not(unix))]
fn is_running(_: u32) -> bool {
    true
}
