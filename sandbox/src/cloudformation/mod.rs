//! AWS CloudFormation: creates, updates and deletes stacks of resources by calls to the other services.
//!
//! [`template`] parses, checks and evaluates templates, and looks up the parameters and secrets that they refer to; [`plan`] compares
//! a stack with a new definition; [`engine`] runs the operations on stacks; [`resources`] is the table of resource types;
//! [`operations`] is the API.

#![expect(clippy::needless_pass_by_value, reason = "operations take their inputs by value")]

use std::sync::Arc;

use crate::Sandbox;
use crate::core::{AwsService, operation};
use crate::protocol::Protocol;

mod engine;
mod identifiers;
pub(crate) mod model;
mod operations;
mod plan;
mod replacement;
pub mod resources;
mod template;
mod type_names;

pub(crate) use model::State;
use operations::{change_sets, describe_stacks, exports, rollbacks, stack_resources, stacks, templates};

pub(crate) static SERVICE: AwsService = AwsService {
    signing_name: "cloudformation",
    protocols: &[Protocol::Query {
        version: "2010-05-15",
        xmlns: "http://cloudformation.amazonaws.com/doc/2010-05-15/",
    }],
    validation_code: "ValidationError",
    owner_only: false,
    input_hook: None,
    operations: &[
        operation!(async "CreateStack" => stacks::create),
        operation!(async "UpdateStack" => stacks::update),
        operation!(async "DeleteStack" => stacks::delete),
        operation!("CancelUpdateStack" => rollbacks::cancel_update),
        operation!(async "ContinueUpdateRollback" => rollbacks::continue_rollback),
        operation!(async "RollbackStack" => rollbacks::rollback),
        operation!("UpdateTerminationProtection" => stacks::update_termination_protection),
        operation!(async "CreateChangeSet" => change_sets::create),
        operation!("DescribeChangeSet" => change_sets::describe),
        operation!("ExecuteChangeSet" => change_sets::execute),
        operation!("DeleteChangeSet" => change_sets::delete),
        operation!("ListChangeSets" => change_sets::list),
        operation!("DescribeStacks" => describe_stacks::stacks),
        operation!("ListStacks" => describe_stacks::list),
        operation!("DescribeStackEvents" => describe_stacks::events),
        operation!("DescribeStackResource" => stack_resources::describe_resource),
        operation!("DescribeStackResources" => stack_resources::describe_resources),
        operation!("ListStackResources" => stack_resources::list),
        operation!("GetTemplate" => templates::get),
        operation!("GetTemplateSummary" => templates::summary),
        operation!("ValidateTemplate" => templates::validate),
        operation!("ListExports" => exports::list),
        operation!("ListImports" => exports::list_imports),
        operation!("DescribeAccountLimits" => describe_stacks::account_limits),
    ],
};

/// The served functions of templates, and the services of dynamic references.
pub(crate) fn functions() -> impl Iterator<Item = String> {
    let functions = template::functions::FUNCTIONS.iter().map(|function| function.name.to_owned());
    let dynamic = template::dynamic_references::KINDS.iter().map(|kind| format!("resolve:{kind}"));
    functions.chain([template::extensions::LOOP.to_owned()]).chain(dynamic)
}

/// Continues the operations that an earlier process did not finish.
pub(crate) fn resume_operations(sandbox: &Arc<Sandbox>) {
    engine::resume(sandbox);
}
