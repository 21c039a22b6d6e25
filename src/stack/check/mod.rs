//! Rules for single values: what AWS or the CDK accepts, with messages for other values. Independent of the value's position.

mod ids;
mod names;
mod sizes;
mod values;

pub use ids::*;
pub use names::*;
pub use sizes::*;
pub use values::*;
