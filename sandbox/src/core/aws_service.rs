//! One AWS service: its protocols, its operations, and how a call reaches one of them.

use std::sync::Arc;

use serde_json::Value;

use super::{Call, Operation, OperationOutput, Sandbox};
use crate::Fault;
use crate::auth::Identity;
use crate::base::{supervisor, tags};
use crate::protocol::Protocol;
use crate::protocol::service_model::{self, Input, InputEncoding, Model};

/// Changes or refuses an input, given the operation's name.
pub(super) type InputHook = fn(&str, &mut Value) -> Result<(), Fault>;

/// Who calls an operation.
#[derive(Debug)]
pub enum Caller {
    /// A client, in a protocol.
    Client(Protocol, Identity),
    /// Another service of the sandbox, as the owner.
    Service,
}

/// One AWS service.
#[derive(Debug)]
pub struct AwsService {
    /// Its name in the credential scope of a signature.
    pub signing_name: &'static str,
    /// Its protocols. The response to a request in any other protocol is in the first.
    pub protocols: &'static [Protocol],
    /// The error code of inputs that violate its model.
    pub validation_code: &'static str,
    /// The operations that are served.
    pub operations: &'static [Operation],
    /// Whether only the sandbox's own credentials may call it, not those of roles.
    pub owner_only: bool,
    /// Runs on a valid input before the operation.
    pub input_hook: Option<InputHook>,
}

impl AwsService {
    /// Calls an operation, or refuses one that is not served, or an input that violates the model.
    pub async fn call(
        &'static self,
        sandbox: &Arc<Sandbox>,
        operation: &str,
        input: Value,
        caller: Caller,
    ) -> Result<OperationOutput, Fault> {
        let Input { value: mut input, violations } = supervisor::block(|| self.read(operation, input, &caller))?;
        let handler = self.operations.iter().find(|candidate| candidate.name == operation);
        let identity = match caller {
            Caller::Client(_, identity) => {
                if handler.is_some() {
                    // Only AWS's own services may set reserved tags.
                    tags::check_input(self.signing_name, &input)?;
                }
                identity
            }
            Caller::Service => Identity::Owner,
        };
        if self.owner_only && matches!(identity, Identity::Role(_)) {
            return Err(Fault::client("AccessDeniedException", "Control calls need the sandbox's own credentials"));
        }
        let Some(handler) = handler else {
            return Err(Fault::not_implemented(&format!("{}:{operation}", self.signing_name)));
        };
        self.check_constraints(&violations)?;
        if let Some(input_hook) = self.input_hook {
            input_hook(operation, &mut input)?;
        }
        (handler.run)(Call { sandbox: Arc::clone(sandbox), service: self, operation: handler.name, input, identity })
            .await
    }

    /// AWS's own model of the service.
    pub fn model(&self) -> Option<&'static Model> {
        service_model::find(self.signing_name)
    }

    /// Gives an input the types of the model, and finds what violates it.
    fn read(&self, operation: &str, input: Value, caller: &Caller) -> Result<Input, Fault> {
        let Some(model) = self.model() else { return Ok(Input { value: input, violations: Vec::new() }) };
        let encoding = match caller {
            Caller::Client(protocol, _) => protocol.input_encoding(),
            Caller::Service if self.is_ec2() => InputEncoding::Template,
            Caller::Service => InputEncoding::Typed,
        };
        if self.is_ec2()
            && let Some(unknown) =
                input.as_object().and_then(|given| given.keys().find(|name| !model.has_member(operation, name)))
        {
            return Err(Fault::client("UnknownParameter", format!("The parameter {unknown} is not recognized")));
        }
        service_model::read(model, operation, encoding, input).map_err(|error| self.read_fault(&error))
    }

    /// Whether it uses EC2's form of the Query protocol, which has errors of its own.
    pub(super) fn is_ec2(&self) -> bool {
        matches!(self.protocols, [Protocol::Ec2Query { .. }])
    }
}
