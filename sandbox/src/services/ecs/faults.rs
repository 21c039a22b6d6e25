//! The faults that many operations of ECS share.

use crate::Fault;

/// A fault for an invalid parameter.
pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterException", message)
}

/// A fault for an invalid request.
pub(super) fn client_exception(message: impl Into<String>) -> Fault {
    Fault::client("ClientException", message)
}

/// A fault for a pagination token that no list returned.
pub(super) fn bad_token() -> Fault {
    invalid("Invalid token")
}
