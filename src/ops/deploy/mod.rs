//! Deploying stacks: compare, check, change set, approval, execution, followed to the end.

pub(in crate::ops) mod change_set;
pub(in crate::ops) mod events;
pub(in crate::ops) mod execution;
pub(in crate::ops) mod follow;
pub(in crate::ops) mod preflight;
pub mod rollout;
mod service;
pub(in crate::ops) mod services;
pub(in crate::ops) mod state;
