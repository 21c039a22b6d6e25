//! Open files that a process inherited.

use std::os::fd::RawFd;

/// Closes every descriptor above 2 that the process was started with, such as a lock of the caller or the end of a pipeline.
///
/// Only for the first lines of a process, which has opened nothing yet.
pub fn close_inherited() {
    // On Linux this is a link to /proc/self/fd.
    let Ok(entries) = std::fs::read_dir("/dev/fd") else { return };
    let open: Vec<RawFd> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // One of them was the listing's own.
        let _ = nix::unistd::close(descriptor);
    }
}
