//! Amazon CloudWatch Logs.

use super::Service;
use crate::sandbox::wire::Protocol;
use crate::sandbox::world::table::state;

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: "logs",
    protocol: Protocol::Json11 { target_prefix: "Logs_20140328" },
    validation_code: "InvalidParameterException",
    operations: &[],
};

state! {
    /// What the service remembers.
    pub struct State {}
}
