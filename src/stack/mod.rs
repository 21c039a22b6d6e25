//! The stack model: pure functions from text and values to values. No files, clocks, environment, network or terminal.
//!
//! [`Spec`] is `ecsws.toml`, [`Lock`] is `ecsws.lock`; [`synth()`] produces a [`Template`] from them, and [`TemplateDiff`] is what
//! deploying it would change.

mod cdk_metadata;
mod certain_equality;
mod check;
mod construct;
mod custom_names;
mod deploy_inputs;
pub mod diff;
mod edit;
mod image;
mod known_values;
mod lock;
mod look_ups;
mod new_revision;
mod parse_template;
mod reader;
mod resources;
pub mod security;
pub mod spec;
mod stacks;
mod synth;
mod template;
mod toml_editor;
mod toml_layout;
mod type_table;
mod yaml;

pub use cdk_metadata::is_cdk_parameter;
pub use check::{is_account_id, is_region};
pub use construct::short_path;
pub use custom_names::{ConflictCause, CustomName, NameChanges, NameConflict, Replacement, is_replaced_value};
pub use diff::{INCOMPARABLE, PlannedResource, RequiresRecreation, TemplateDiff};
pub use edit::{KeyChange, ScalingEdit, ScalingNumbers, edit_scaling};
pub use image::image_error;
pub use known_values::KnownValues;
pub use lock::Lock;
pub use look_ups::{Environment, LookUp, LookUps, Subnets, VpcContext};
pub use parse_template::{TemplateParseError, parse_template};
pub use spec::{Spec, tags_error};
pub use stacks::{ProjectStack, StackKind, platform_exports, stack_named, stacks};
pub use synth::{PlatformIds, SynthError, declared_parameters, platform_ids, synth};
pub use template::{MAX_TEMPLATE_BYTES, Template};
