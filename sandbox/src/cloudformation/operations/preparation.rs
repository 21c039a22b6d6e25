//! Prepares the template of a request: reads, transforms and checks it, resolves its parameters, and checks what depends on them.

use std::sync::Arc;

use crate::cloudformation::model::{Stack, TemplateParameter, mask_fault};
use crate::cloudformation::template::evaluation_scope::{EvaluationScope, ResourceValues, UNKNOWN};
use crate::cloudformation::template::parameters::{self, ParameterInput};
use crate::cloudformation::template::{
    Template, UnexpandedTemplate, dynamic_references, extensions, invalid, output_check, rule_assertions,
    template_check, value_check,
};
use crate::{Fault, Sandbox};

/// The stack and the request that a template is prepared for.
pub(super) struct Preparation<'a> {
    pub sandbox: &'a Arc<Sandbox>,
    /// The stack that is updated.
    pub stack: Option<&'a Stack>,
    pub stack_name: &'a str,
    pub notification_arns: &'a [String],
}

/// A template that is ready for an operation.
pub(super) struct Prepared {
    pub template: Template,
    /// The text of the template.
    pub body: String,
    /// The text before the transforms, if it has any.
    pub original: Option<String>,
    pub parameters: Vec<TemplateParameter>,
    pub dynamic: dynamic_references::ResolvedReferences,
}

impl Preparation<'_> {
    /// # Errors
    /// A fault of the template or of the parameters, with hidden values masked.
    pub(super) async fn run(
        &self,
        body: String,
        given: &[ParameterInput],
        previous: Option<&[TemplateParameter]>,
    ) -> Result<Prepared, Fault> {
        let mut resolved = Vec::new();
        let prepared = self.prepare(body, given, previous, &mut resolved).await;
        prepared.map_err(|fault| mask_fault(fault, &resolved))
    }

    /// `resolved` gets the parameters as soon as they have values.
    async fn prepare(
        &self,
        body: String,
        given: &[ParameterInput],
        previous: Option<&[TemplateParameter]>,
        resolved: &mut Vec<TemplateParameter>,
    ) -> Result<Prepared, Fault> {
        let source = UnexpandedTemplate::parse(&body)?;
        source.check_transforms()?;
        let (template, parameters, original) = if source.is_extended() {
            let head = source.head()?;
            let parameters = parameters::values(self.sandbox, &head, given, previous).await?;
            resolved.clone_from(&parameters);
            let template = extensions::expand(source, &self.scope(&head, &parameters))?;
            template_check::check_template(&template)?;
            (template, parameters, Some(body.clone()))
        } else {
            let template = source.into_template()?;
            template_check::check_template(&template)?;
            let parameters = parameters::values(self.sandbox, &template, given, previous).await?;
            resolved.clone_from(&parameters);
            (template, parameters, None)
        };
        template_check::check_known_types(&template)?;
        let mut scope = self.scope(&template, &parameters);
        rule_assertions::check(self.sandbox, &template, &mut scope, &parameters).await?;
        scope.resources = template.resources().keys().map(|name| (name.clone(), ResourceValues::Unknown)).collect();
        template_check::check_active_resources(&template, &scope)?;
        value_check::check(&template, &mut scope)?;
        output_check::check(&template, &scope)?;
        template_check::check_served_types(&template)?;
        let dynamic = dynamic_references::look_up(self.sandbox, &template, &scope).await?;
        scope.check_size().map_err(invalid)?;
        let body = if original.is_some() { template.text() } else { body };
        Ok(Prepared { template, body, original, parameters, dynamic })
    }

    /// The scope before there are resources.
    fn scope<'a>(&'a self, template: &'a Template, parameters: &[TemplateParameter]) -> EvaluationScope<'a> {
        let stack_id = self.stack.map_or(UNKNOWN, |stack| stack.id.as_str());
        let parameters = parameters::scope(template, parameters);
        EvaluationScope {
            notification_arns: self.notification_arns.to_vec(),
            ..EvaluationScope::new(template, &self.sandbox.config, self.stack_name, stack_id, parameters)
        }
    }
}
