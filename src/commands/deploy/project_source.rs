//! The project as the source of a deploy's templates.

use tokio::sync::Mutex;

use crate::commands::templates::template_and_pin;
use crate::context::Context;
use crate::context::sandbox::SandboxHandle;
use crate::error::CliError;
use crate::ops::{Purpose, Reporter, Synthesiser, TemplateSource};
use crate::project::Project;
use crate::stack::{ProjectStack, Spec, Template};

/// Synthesises the project's stacks, one at a time, and gives the sandbox their images.
#[derive(Debug)]
pub(crate) struct ProjectSource<'a> {
    state: Mutex<(&'a mut Project, Synthesiser)>,
    sandbox: Option<SandboxHandle>,
    reporter: Reporter<CliError>,
}

impl<'a> ProjectSource<'a> {
    /// The templates of a project. The synthesiser has the clients for look-ups.
    pub(crate) fn new(
        project: &'a mut Project,
        synthesiser: Synthesiser,
        sandbox: Option<SandboxHandle>,
        reporter: Reporter<CliError>,
    ) -> Self {
        Self { state: Mutex::new((project, synthesiser)), sandbox, reporter }
    }

    /// The template of another spec of the same stack, with the look-ups that were made so far.
    pub(crate) async fn template_with(&self, spec: &Spec, stack: &str) -> Result<Template, CliError> {
        let (_, synthesiser) = &*self.state.lock().await;
        Ok(synthesiser.template_with(spec, stack)?)
    }

    async fn synth(&self, stack: &str, purpose: Purpose) -> Result<Template, CliError> {
        let (project, synthesiser) = &mut *self.state.lock().await;
        synthesiser.set_purpose(purpose);
        let mut detail = |text| self.reporter.detail(text);
        template_and_pin(synthesiser, project, stack, self.sandbox.is_none(), &mut detail).await
    }
}

impl TemplateSource for ProjectSource<'_> {
    type Error = CliError;

    async fn template(&self, stack: &ProjectStack) -> Result<Template, CliError> {
        let template = self.synth(&stack.name, Purpose::Deploy).await?;
        if let Some(sandbox) = &self.sandbox {
            let (project, _) = &*self.state.lock().await;
            if project.spec.service_of_stack(&stack.name).is_some() {
                sandbox.put_images(&stack.name, &project.spec.sandbox, &project.dir, Context::now()).await?;
            }
        }
        Ok(template)
    }

    async fn preview(&self, stack: &ProjectStack) -> Result<Template, CliError> {
        self.synth(&stack.name, Purpose::Show).await
    }
}
