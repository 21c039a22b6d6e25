//! Rules for single values: what AWS or the CDK accepts, with messages for other values. Independent of the value's position.

mod ids;
mod names;
mod sizes;
mod values;

pub use ids::*;
pub(super) use names::*;
pub(super) use sizes::*;
pub(super) use values::*;
