//! What the sandbox serves, by name.

use crate::cloudformation;
use crate::registry::REGISTRY;

/// What the sandbox serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Operations, as `SERVICE:OPERATION` with the service's signing name.
    pub operations: Vec<String>,
    /// CloudFormation's resource types.
    pub resource_types: Vec<&'static str>,
    /// Intrinsic functions of templates, and dynamic references as `resolve:SERVICE`.
    pub functions: Vec<String>,
}

/// Everything that the sandbox serves.
pub fn coverage() -> Coverage {
    Coverage {
        operations: REGISTRY.operations().collect(),
        resource_types: cloudformation::resources::all().map(|kind| kind.name).collect(),
        functions: cloudformation::functions().collect(),
    }
}
