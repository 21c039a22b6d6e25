//! The service or stack that a command is about: the named one, the only one, or the one that the user chooses.

use crate::error::CliError;
use crate::project::{Project, SPEC_FILE, ServiceRef};
use crate::render::Ui;
use crate::stack::{ProjectStack, stacks};

/// The service with this key; without a key, the only service or the one that the user chooses.
pub(super) async fn choose_service<'a>(
    project: &'a Project,
    key: Option<&str>,
    ui: &mut Ui,
) -> Result<ServiceRef<'a>, CliError> {
    let keys: Vec<&str> = project.spec.services.keys().map(String::as_str).collect();
    match key {
        Some(key) => project.service(key),
        None => project.service(choose("service", &keys, ui).await?),
    }
}

/// The stack with this name or service key; without a name, the only stack or the one that the user chooses.
pub(super) async fn choose_stack(project: &Project, name: Option<&str>, ui: &mut Ui) -> Result<ProjectStack, CliError> {
    if let Some(name) = name {
        return project.stack(name);
    }
    let stacks = stacks(&project.spec);
    let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
    project.stack(choose("stack", &names, ui).await?)
}

async fn choose<'a>(kind: &'static str, names: &[&'a str], ui: &mut Ui) -> Result<&'a str, CliError> {
    match names {
        [] => Err(CliError::usage(format!("{SPEC_FILE} has no {kind}"))),
        [only] => Ok(only),
        several => Ok(ui.choose(kind, several).await?),
    }
}
