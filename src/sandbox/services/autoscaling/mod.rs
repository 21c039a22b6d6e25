//! Application Auto Scaling.

use super::Service;
use crate::sandbox::wire::Protocol;
use crate::sandbox::world::table::state;

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: "application-autoscaling",
    protocol: Protocol::Json11 { target_prefix: "AnyScaleFrontendService" },
    validation_code: "ValidationException",
    operations: &[],
};

state! {
    /// What the service remembers.
    pub struct State {}
}
