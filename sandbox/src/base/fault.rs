//! The error of a request: AWS's HTTP status, code and message, before any protocol encodes it.

use std::fmt;

/// The error of a request, in AWS's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it means to the sandbox. Decisions depend on this, never on the code or the message.
    pub kind: FaultKind,
    /// The HTTP status.
    pub status: u16,
    /// The error code, such as `ValidationError`.
    pub code: String,
    /// The message for people.
    pub message: String,
}

/// What a fault means, where something in the sandbox depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The request is refused, for a reason that is none of the others.
    InvalidRequest,
    /// A resource that the request names does not exist.
    NotFound,
    /// A resource that the request names has been deleted, although it can still be described.
    Inactive,
    /// A resource of the same name exists.
    AlreadyExists,
    /// A quota is used up.
    LimitExceeded,
    /// A resource did not become stable in time.
    NotStabilized,
    /// A service could not complete what it had accepted.
    ServiceFailure,
    /// A resource cannot be made as its template declares it. CloudFormation shows the message as it is, not as a handler's.
    Template,
    /// AWS serves the request, and the sandbox does not.
    NotServed,
    /// The sandbox itself failed: the same request may succeed later.
    Internal,
}

impl Fault {
    /// A fault with any HTTP status.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: FaultKind::InvalidRequest, status, code: code.into(), message: message.into() }
    }

    /// An invalid request: HTTP status 400.
    pub fn client(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// A resource does not exist: HTTP status 400.
    pub fn not_found(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::client(code, message).with_kind(FaultKind::NotFound)
    }

    /// A resource of the same name exists: HTTP status 400.
    pub fn already_exists(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::client(code, message).with_kind(FaultKind::AlreadyExists)
    }

    /// A quota is used up: HTTP status 400.
    pub fn limit_exceeded(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::client(code, message).with_kind(FaultKind::LimitExceeded)
    }

    /// The sandbox does not serve this.
    pub fn not_implemented(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("the sandbox does not serve {what}")).with_kind(FaultKind::NotServed)
    }

    /// Commands that arrive in requests may not run on this machine.
    pub fn no_host_exec() -> Self {
        let message = "The sandbox was started with --no-host-exec and runs no command of a request on this machine";
        Self::client("AccessDeniedException", message)
    }

    /// The sandbox itself failed.
    pub fn internal(error: impl fmt::Display) -> Self {
        Self::new(500, "InternalFailure", error.to_string()).with_kind(FaultKind::Internal)
    }

    /// This fault with another HTTP status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// This fault with another kind.
    #[must_use]
    pub fn with_kind(self, kind: FaultKind) -> Self {
        Self { kind, ..self }
    }

    /// Whether it comes from a limitation or a failure of the sandbox: AWS would not return it.
    pub fn is_from_sandbox(&self) -> bool {
        matches!(self.kind, FaultKind::NotServed | FaultKind::Internal)
    }

    /// Whether the sandbox itself failed.
    pub fn is_internal(&self) -> bool {
        self.kind == FaultKind::Internal
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Fault {}
