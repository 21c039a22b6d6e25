//! Rules for single values: what AWS (or the CDK) accepts, and the words for what it refuses. They know nothing of where a value stands.

mod ids;
mod names;
mod sizes;
mod values;

pub use ids::*;
pub use names::*;
pub use sizes::*;
pub use values::*;
