//! The readers against a group in memory, on paused time.

mod follow;
mod group;
mod history;
mod live;
