//! One AWS service: its protocols, its operations, and how a call reaches one of them.

use std::sync::Arc;

use serde_json::Value;

use super::{Call, Operation, OperationOutput, Sandbox};
use crate::Fault;
use crate::auth::Identity;
use crate::base::tags;
use crate::protocol::Protocol;
use crate::protocol::model::{self, Model};

/// Changes or refuses an input, given the operation's name.
pub(super) type Prepare = fn(&str, &mut Value) -> Result<(), Fault>;

/// One AWS service.
#[derive(Debug)]
pub struct ServiceDefinition {
    /// Its name in the credential scope of a signature.
    pub signing_name: &'static str,
    /// Its protocols. A request in none of them is answered in the first.
    pub protocols: &'static [Protocol],
    /// The error code of inputs that violate its model.
    pub validation_code: &'static str,
    /// The operations that are served.
    pub operations: &'static [Operation],
    /// Whether only the sandbox's own credentials may call it, not those of roles.
    pub is_for_owner: bool,
    /// Runs on a valid input before the operation sees it.
    pub prepare: Option<Prepare>,
}

impl ServiceDefinition {
    /// Calls an operation, or refuses one that is not served, or an input that violates the model.
    pub async fn call(
        &'static self,
        sandbox: &Arc<Sandbox>,
        operation: &str,
        mut input: Value,
        identity: Identity,
    ) -> Result<OperationOutput, Fault> {
        if self.is_for_owner && matches!(identity, Identity::Role(_)) {
            return Err(Fault::client("AccessDeniedException", "Control calls need the sandbox's own credentials"));
        }
        let Some(found) = self.operations.iter().find(|candidate| candidate.name == operation) else {
            return Err(Fault::not_implemented(&format!("{}:{operation}", self.signing_name)));
        };
        if let Some(model) = self.model() {
            self.check_constraints(&model::violations(model, operation, &input))?;
        }
        if let Some(prepare) = self.prepare {
            prepare(operation, &mut input)?;
        }
        (found.run)(Call { sandbox: Arc::clone(sandbox), service: self, operation: found.name, input, identity }).await
    }

    /// Refuses what only AWS's own services may do. Called for requests of clients, not for calls between services.
    pub fn check_client_input(&self, operation: &str, input: &Value) -> Result<(), Fault> {
        let is_served = self.operations.iter().any(|candidate| candidate.name == operation);
        if is_served { tags::check_input(self.signing_name, input) } else { Ok(()) }
    }

    /// AWS's own model of the service.
    pub fn model(&self) -> Option<&'static Model> {
        model::find(self.signing_name)
    }

    /// Gives the members of a decoded input the types of the model.
    pub fn read(&self, protocol: Protocol, operation: &str, input: Value) -> Result<Value, Fault> {
        let Some(model) = self.model() else { return Ok(input) };
        if self.is_ec2()
            && let Some(unknown) =
                input.as_object().and_then(|given| given.keys().find(|name| !model.has_member(operation, name)))
        {
            return Err(Fault::client("UnknownParameter", format!("The parameter {unknown} is not recognized")));
        }
        model::read(model, operation, protocol.source(), input).map_err(|error| self.read_fault(&error))
    }

    /// Does the same with the input of a call between services. EC2 is exempt: its model has the member names of queries only.
    pub fn typed(&self, operation: &str, input: Value) -> Result<Value, Fault> {
        let Some(model) = self.model().filter(|_| !self.is_ec2()) else { return Ok(input) };
        model::read(model, operation, model::InputEncoding::Typed, input).map_err(|error| self.read_fault(&error))
    }

    /// Whether it uses EC2's form of the Query protocol, which has errors of its own.
    pub(super) fn is_ec2(&self) -> bool {
        matches!(self.protocols, [Protocol::Ec2Query { .. }])
    }
}
