//! Amazon ECS.

use super::Service;
use crate::sandbox::wire::Protocol;
use crate::sandbox::world::table::state;

/// The service's row.
pub static SERVICE: Service = Service {
    signing_name: "ecs",
    protocol: Protocol::Json11 { target_prefix: "AmazonEC2ContainerServiceV20141113" },
    validation_code: "InvalidParameterException",
    operations: &[],
};

state! {
    /// What the service remembers.
    pub struct State {}
}
