//! Errors of questions without an answer.

use super::CliError;
use crate::exit::Exit;
use crate::render::PromptError;

impl From<PromptError> for CliError {
    fn from(error: PromptError) -> Self {
        let message = error.to_string();
        match error {
            PromptError::NoTerminal { flag, .. } => Self::usage(message).hint(format!("pass {flag}")),
            PromptError::Ambiguous { names, .. } => {
                Self::usage(message).hint(format!("name one of {}", names.join(", ")))
            }
            PromptError::NothingChosen(_) => Self::new(Exit::Interrupted, message),
            PromptError::Io(error) => error.into(),
        }
    }
}
