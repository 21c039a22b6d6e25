//! The faults for inputs that violate a service's model, with the messages of AWS's services.

use super::Service;
use crate::Fault;
use crate::base::lower_first;
use crate::protocol::lenient::Misfit;
use crate::protocol::model::{Misread, Violation};

impl Service {
    /// The fault for an input that does not have the model's types.
    pub(super) fn read_fault(&self, error: Misread) -> Fault {
        match error {
            Misread::Type(sentence) => Fault::client("SerializationException", sentence),
            Misread::Text(path, text) if self.is_ec2() => {
                Fault::client("InvalidParameterValue", format!("Invalid value '{text}' for {path}."))
            }
            Misread::Text(path, text) => {
                Fault::client("MalformedInput", format!("'{text}' at '{}' is no such value", lower_first(&path)))
            }
        }
    }

    /// The fault for an input that violates the model's constraints.
    pub(super) fn check_constraints(&self, violations: &[Violation]) -> Result<(), Fault> {
        let Some(first) = violations.first() else { return Ok(()) };
        let message = match first {
            Violation::Missing(path) if self.is_ec2() => {
                return Err(Fault::client("MissingParameter", missing_parameter(path)));
            }
            Violation::Said(sentence) => sentence.clone(),
            _ => {
                let clauses: Vec<String> = violations.iter().filter_map(clause).collect();
                let errors = if clauses.len() == 1 { "error" } else { "errors" };
                format!("{} validation {errors} detected: {}", clauses.len(), clauses.join("; "))
            }
        };
        Err(Fault::client(self.validation_code, message))
    }

    /// The fault for an input that cannot be deserialised into the type that `operation` takes.
    pub fn input_fault(&self, operation: &str, error: &Misfit) -> Fault {
        let message = match error {
            // Types with `deny_unknown_fields` list what is served: AWS would take this member, the sandbox does not.
            Misfit::Unknown(member) if self.model().is_some() => {
                return Fault::not_implemented(&format!("{operation} with the member {member}"));
            }
            Misfit::Missing(member) if self.is_ec2() => missing_parameter(member),
            Misfit::Other(_) | Misfit::Beyond(..) if self.is_ec2() => {
                return Fault::client("InvalidParameterValue", error.to_string());
            }
            Misfit::Missing(member) => {
                let clause = clause(&Violation::Missing((*member).to_owned())).unwrap_or_default();
                format!("1 validation error detected: {clause}")
            }
            beyond @ Misfit::Beyond(..) => format!("1 validation error detected: {beyond}"),
            other => other.to_string(),
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
        Violation::Said(_) => None,
    }
}
