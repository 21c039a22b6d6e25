//! The local AWS that the binary carries inside. It uses nothing of the rest of the crate, so that it can catch its mistakes.

#[cfg(unix)]
pub mod tasks;
