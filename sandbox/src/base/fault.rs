//! What a request is refused with: AWS's code, message and HTTP status, before any protocol gives it a shape.

use std::fmt;

/// The code of what only the sandbox is to blame for.
const INTERNAL: &str = "InternalFailure";

/// A refusal, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The HTTP status.
    pub status: u16,
    /// The error code, such as `ValidationError`.
    pub code: String,
    /// The sentence for people.
    pub message: String,
}

impl Fault {
    /// A refusal with any status.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    /// A refusal of what the client asked for: status 400.
    pub fn client(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// The sandbox does not serve this.
    pub fn not_implemented(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("the sandbox does not serve {what}"))
    }

    /// Commands that arrive in requests may not run on this machine.
    pub fn no_host_exec() -> Self {
        let message = "The sandbox was started with --no-host-exec and runs no command of a request on this machine";
        Self::client("AccessDeniedException", message)
    }

    /// The sandbox itself failed.
    pub fn internal(error: impl fmt::Display) -> Self {
        Self::new(500, INTERNAL, error.to_string())
    }

    /// Whether the sandbox itself failed.
    pub fn is_internal(&self) -> bool {
        self.code == INTERNAL
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Fault {}
