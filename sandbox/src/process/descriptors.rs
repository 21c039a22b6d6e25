//! Open files that a process inherited.

use std::os::fd::RawFd;

/// Closes every descriptor above 2 that the process inherited, such as a lock of the caller or the end of a pipeline.
///
/// Call it before the process opens anything.
pub(crate) fn close_inherited() {
    // On Linux this is a link to /proc/self/fd.
    let Ok(entries) = std::fs::read_dir("/dev/fd") else { return };
    let open: Vec<RawFd> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // Fails for the descriptor of the listing, which is closed already.
        let _ = nix::unistd::close(descriptor);
    }
}
