//! Systems Manager's parameters: the account's own, and AWS's public ones for machine images.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Service, operation};
use crate::sandbox::wire::Protocol;
use crate::sandbox::world::table::state;

mod parameters;
mod public;

/// A parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// Its value.
    pub value: String,
    /// Counts up from 1 with each change.
    pub version: i64,
    /// When it was last changed.
    pub modified: Timestamp,
    /// What it is for.
    pub description: Option<String>,
}

state! {
    /// What the service remembers.
    pub struct State {
        /// Parameters by name.
        pub parameters: Table<Parameter> = "ssm.parameters",
    }
}

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: "ssm",
    protocols: &[Protocol::Json11 { target_prefix: "AmazonSSM" }],
    validation_code: "ValidationException",
    operations: &[
        operation!("PutParameter" => parameters::put),
        operation!("GetParameter" => parameters::get),
        operation!("GetParameters" => parameters::get_all),
        operation!("GetParametersByPath" => parameters::get_by_path),
        operation!("DescribeParameters" => parameters::describe),
        operation!("DeleteParameter" => parameters::delete),
        operation!("DeleteParameters" => parameters::delete_all),
    ],
};
