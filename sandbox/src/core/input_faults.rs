//! The faults for inputs that violate a service's model, with the messages of AWS's services.

use super::AwsService;
use crate::Fault;
use crate::base::lower_first;
use crate::protocol::coerce::InputError;
use crate::protocol::service_model::{ReadError, Violation};

impl AwsService {
    /// The fault for an input that does not have the model's types.
    pub(super) fn read_fault(&self, error: &ReadError) -> Fault {
        match error {
            ReadError::Type(sentence) => Fault::client("SerializationException", sentence),
            ReadError::Text(path, text) if self.is_ec2() => {
                Fault::client("InvalidParameterValue", format!("Invalid value '{text}' for {path}."))
            }
            ReadError::Text(path, text) => {
                Fault::client("MalformedInput", format!("'{text}' at '{}' is no such value", lower_first(path)))
            }
        }
    }

    /// Refuses an input that violates the model's constraints.
    pub(super) fn check_constraints(&self, violations: &[Violation]) -> Result<(), Fault> {
        let Some(first) = violations.first() else { return Ok(()) };
        let message = match first {
            Violation::Missing(path) if self.is_ec2() => {
                return Err(Fault::client("MissingParameter", missing_parameter(path)));
            }
            Violation::Message(message) => message.clone(),
            _ => {
                let clauses: Vec<String> = violations.iter().filter_map(clause).collect();
                let errors = if clauses.len() == 1 { "error" } else { "errors" };
                format!("{} validation {errors} detected: {}", clauses.len(), clauses.join("; "))
            }
        };
        Err(Fault::client(self.validation_code, message))
    }

    /// The fault for an input that cannot be deserialized into the type that `target` takes.
    pub fn input_fault(&self, target: &str, error: &InputError) -> Fault {
        let message = match error {
            // Types with `deny_unknown_fields` list what is served: AWS would take this member, the sandbox does not.
            InputError::Unknown(member) if self.model().is_some() => {
                return Fault::not_implemented(&format!("{target} with the member {member}"));
            }
            InputError::Missing(member) if self.is_ec2() => missing_parameter(member),
            InputError::Other(_) | InputError::OutOfRange { .. } if self.is_ec2() => {
                return Fault::client("InvalidParameterValue", error.to_string());
            }
            InputError::Missing(member) => {
                let clause = clause(&Violation::Missing((*member).to_owned())).unwrap_or_default();
                format!("1 validation error detected: {clause}")
            }
            InputError::OutOfRange { .. } => format!("1 validation error detected: {error}"),
            _ => error.to_string(),
        };
        Fault::client(self.validation_code, message)
    }
}

fn missing_parameter(path: &str) -> String {
    format!("The request must contain the parameter {path}")
}

fn clause(violation: &Violation) -> Option<String> {
    match violation {
        Violation::Missing(path) => {
            let path = path.split('.').map(lower_first).collect::<Vec<_>>().join(".");
            Some(format!("Value null at '{path}' failed to satisfy constraint: Member must not be null"))
        }
        Violation::Unsatisfied(clause) => Some(clause.clone()),
        Violation::Message(_) => None,
    }
}
