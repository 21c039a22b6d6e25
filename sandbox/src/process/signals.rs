//! Signals that a process ignores because its caller did, as under `nohup`, or in a shell's background and traps.
//!
//! Ignored signals stay ignored through exec, signals with a handler get their default back. Handlers can be set without unsafe code,
//! the default cannot: so each ignored signal gets a handler that does nothing, and the exec that follows does the rest. The signal
//! mask needs nothing: `std` starts every process with an empty one.

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};

/// Makes the next exec of this process restore the default of every ignored signal except `kept`; returns whether there is one. SIGILL,
/// SIGFPE and SIGSEGV are unchanged, as they can have no such handler.
pub(crate) fn restore_on_exec(kept: &[i32]) -> bool {
    let ignored: Vec<i32> = ignored().into_iter().filter(|number| !kept.contains(number)).collect();
    if ignored.is_empty() {
        return false;
    }
    // The current runtime, or one that ends with this function; the handlers remain.
    let runtime = Handle::try_current().is_err().then(|| Builder::new_current_thread().enable_all().build());
    let Ok(runtime) = runtime.transpose() else { return false };
    let _context = runtime.as_ref().map(Runtime::enter);
    ignored.into_iter().filter(|number| signal(SignalKind::from_raw(*number)).is_ok()).count() > 0
}

/// Whether this process ignores a signal because its caller did. Known only on Linux.
pub(crate) fn is_ignored(number: i32) -> bool {
    cfg!(target_os = "linux") && ignored().contains(&number)
}

/// The standard signals that this process ignores, but for SIGPIPE: Rust's runtime ignores that one, and restores it on exec.
#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_methods, reason = "/proc is where Linux keeps its processes")]
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    (1..=31).filter(|number| mask >> (number - 1) & 1 == 1 && *number != nix::libc::SIGPIPE).collect()
}

/// Elsewhere this cannot be read without unsafe code, so every signal that can be ignored counts.
#[cfg(not(target_os = "linux"))]
fn ignored() -> Vec<i32> {
    use nix::sys::signal::Signal::{SIGKILL, SIGPIPE, SIGSTOP};

    let all = nix::sys::signal::Signal::iterator().filter(|signal| ![SIGKILL, SIGPIPE, SIGSTOP].contains(signal));
    all.map(|signal| signal as i32).collect()
}
