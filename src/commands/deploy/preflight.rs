//! What is looked at before the first stack changes: once for all, and told all at once.

use super::stage::Shared;
use crate::error::{CliError, Report};
use crate::exit::Exit;
use crate::ops::{Findings, preflight};
use crate::render;

/// Looks for what the stacks of this deploy need. Whoever comes first looks and tells; the others are only stopped.
pub async fn look(shared: &Shared<'_>) -> Result<(), CliError> {
    if shared.follow.no_preflight {
        return Ok(());
    }
    let mut looked = shared.preflight.lock().await;
    if let Some(good) = *looked {
        return if good { Ok(()) } else { Err(CliError { exit: Exit::Failed, reports: Vec::new() }) };
    }
    let spec = shared.stage().await.project.spec.clone();
    let Findings { problems, notes } = preflight(shared.aws, &spec, shared.stacks, &shared.existing).await?;
    *looked = Some(problems.is_empty());
    let mut stage = shared.stage().await;
    for note in notes {
        stage.ctx.ui.note(&render::clean(&note, false));
    }
    if problems.is_empty() {
        return Ok(());
    }
    let reports = problems.into_iter().map(|(message, hint)| Report { message, place: None, hint });
    Err(CliError { exit: Exit::Failed, reports: reports.collect() })
}
