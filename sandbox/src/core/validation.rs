//! The faults for inputs that violate a service's model, in the words of AWS's services.

use super::Service;
use crate::Fault;
use crate::base::lower_first;
use crate::protocol::lenient::Misfit;
use crate::protocol::model::{Misread, Violation};

impl Service {
    pub(super) fn misread(&self, misread: Misread) -> Fault {
        match misread {
            Misread::Type(sentence) => Fault::client("SerializationException", sentence),
            Misread::Text(path, text) if self.is_ec2() => {
                Fault::client("InvalidParameterValue", format!("Invalid value '{text}' for {path}."))
            }
            Misread::Text(path, text) => {
                Fault::client("MalformedInput", format!("'{text}' at '{}' is no such value", lower_first(&path)))
            }
        }
    }

    pub(super) fn satisfied(&self, violations: &[Violation]) -> Result<(), Fault> {
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

    /// The fault for an input that does not have the types of an operation's members.
    pub fn misfit(&self, asked: &str, misfit: &Misfit) -> Fault {
        let message = match misfit {
            // The inputs that refuse unknown members: what AWS would do with it, the sandbox does not.
            Misfit::Unknown(member) if self.model().is_some() => {
                return Fault::not_implemented(&format!("{asked} with the member {member}"));
            }
            Misfit::Missing(member) if self.is_ec2() => missing_parameter(member),
            Misfit::Other(_) | Misfit::Beyond(..) if self.is_ec2() => {
                return Fault::client("InvalidParameterValue", misfit.to_string());
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
