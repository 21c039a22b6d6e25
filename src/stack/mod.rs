//! The stack model: pure, it takes text and values and gives values back. It may not touch files, clocks, the environment or the network.
//!
//! [`Spec`] is `ecsws.toml`, [`Lock`] is `ecsws.lock`, [`synth()`] makes a [`Template`] of them,
//! [`TemplateDiff`] says what deploying it would change.

mod check;
mod construct;
mod custom_names;
pub mod diff;
mod edit;
mod foreign;
mod housekeeping;
mod image;
mod known_values;
mod lock;
mod lookups;
mod problem;
mod reader;
mod redeploy;
mod resources;
pub mod security;
pub mod spec;
mod stacks;
mod synth;
mod template;
mod toml_editor;
mod toml_layout;
mod yaml;

pub use check::is_region;
pub use construct::short_path;
pub use custom_names::{ConflictCause, CustomName, NameChanges, NameConflict, Replacement, is_replaced_value};
pub use diff::{INCOMPARABLE, Planned, Recreation, TemplateDiff};
pub use edit::{KeyChange, Scaling, ScalingEdit, edit_scaling};
pub use foreign::{ForeignError, read_template};
pub use housekeeping::is_cdk_parameter;
pub use image::image_mistake;
pub use known_values::KnownValues;
pub use lock::Lock;
pub use lookups::{Environment, Lookup, Lookups, Subnets, Vpc};
pub use problem::{Problem, Problems};
pub use spec::{Spec, tags_mistake};
pub use stacks::{ProjectStack, StackKind, platform_exports, stack_named, stacks};
pub use synth::{PlatformIds, SynthError, declared_parameters, platform_ids, synth};
pub use template::{MAX_TEMPLATE_BYTES, Template};
