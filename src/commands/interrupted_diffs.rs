//! Recognises the temporary change sets of diffs that were interrupted.

#[cfg(unix)]
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

#[cfg(unix)]
use std::path::PathBuf;

use crate::context::Context;
use crate::ops::TemporaryChangeSets;

/// The temporary change sets of this process.
pub(super) fn temporary_change_sets() -> TemporaryChangeSets {
    let mut hasher = DefaultHasher::new();
    machine_identity().hash(&mut hasher);
    let machine = u32::try_from(hasher.finish() >> 32).unwrap_or_default();
    TemporaryChangeSets { machine, process: std::process::id(), is_running, now: Context::now() }
}

/// Process ids are unique within it: on Linux until the next boot, and within a namespace (source: proc(5), pid_namespaces(7)).
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "it reads /proc")]
fn machine_identity() -> (OsString, Option<String>, Option<PathBuf>) {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    (nix::unistd::gethostname().unwrap_or_default(), boot, std::fs::read_link("/proc/self/ns/pid").ok())
}

/// Whether a process of this id is running, also one of another user.
#[cfg(unix)]
fn is_running(process: u32) -> bool {
    let process = i32::try_from(process).map(nix::unistd::Pid::from_raw);
    process.is_ok_and(|process| nix::sys::signal::kill(process, None) != Err(nix::errno::Errno::ESRCH))
}

#[cfg(not(unix))]
fn machine_identity() -> &'static str {
    ""
}

/// Unknown, so that only the age decides.
#[cfg(not(unix))]
fn is_running(_: u32) -> bool {
    true
}
