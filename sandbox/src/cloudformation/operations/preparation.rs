//! From the text of a template and the parameters of a request to what a stack is made of: read, transformed, checked
//! whole, its parameters valued, its conditions known, checked again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::model::{Parameter, Stack, mask_fault};
use super::super::template::parameters::{self, Given};
use super::super::template::resolve::{Known, Progress, Scope};
use super::super::template::{Source, Template, check, dynamic, extensions, invalid, outputs, rules};
use crate::{Fault, Sandbox};

/// What a template is prepared for.
pub struct Preparation<'a> {
    pub sandbox: &'a Arc<Sandbox>,
    /// The stack that is updated.
    pub stack: Option<&'a Stack>,
    pub stack_name: &'a str,
    pub notification_arns: &'a [String],
}

/// A template that can be carried out.
pub struct Prepared {
    pub template: Template,
    /// Its text.
    pub body: String,
    /// Its text as it was given, when a transform made another of it.
    pub original: Option<String>,
    pub parameters: Vec<Parameter>,
    pub dynamic: dynamic::Values,
}

impl Preparation<'_> {
    /// # Errors
    /// A fault of the template or of the parameters, without the values of parameters that are not to be shown.
    pub async fn run(&self, body: String, given: &[Given], previous: Option<&[Parameter]>) -> Result<Prepared, Fault> {
        let mut known = Vec::new();
        let prepared = self.prepare(body, given, previous, &mut known).await;
        prepared.map_err(|fault| mask_fault(fault, &known))
    }

    /// `known` gets the parameters as soon as they have values.
    async fn prepare(
        &self,
        body: String,
        given: &[Given],
        previous: Option<&[Parameter]>,
        known: &mut Vec<Parameter>,
    ) -> Result<Prepared, Fault> {
        let source = Source::read(&body)?;
        source.check_transforms()?;
        let (template, parameters, original) = if source.is_extended() {
            let head = source.head()?;
            let parameters = parameters::values(self.sandbox, &head, given, previous).await?;
            known.clone_from(&parameters);
            let template = extensions::expand(source, &self.scope(&head, &parameters))?;
            check::whole(&template)?;
            (template, parameters, Some(body.clone()))
        } else {
            let template = source.into_template()?;
            check::whole(&template)?;
            let parameters = parameters::values(self.sandbox, &template, given, previous).await?;
            known.clone_from(&parameters);
            (template, parameters, None)
        };
        check::types(&template)?;
        let mut scope = self.scope(&template, &parameters);
        rules::check(self.sandbox, &template, &mut scope, &parameters).await?;
        scope.resources = template.resources().keys().map(|name| (name.clone(), Known::Later)).collect();
        check::live(&template, &scope)?;
        outputs::check(&template, &scope)?;
        let dynamic = dynamic::look_up(self.sandbox, &template, &scope).await?;
        scope.check_size().map_err(invalid)?;
        let body = if original.is_some() { template.text() } else { body };
        Ok(Prepared { template, body, original, parameters, dynamic })
    }

    /// What is known before there are resources.
    fn scope<'a>(&'a self, template: &'a Template, parameters: &[Parameter]) -> Scope<'a> {
        Scope {
            template,
            config: &self.sandbox.config,
            stack_name: self.stack_name,
            stack_id: self.stack.map_or("", |stack| stack.id.as_str()),
            parameters: parameters::scope(template, parameters),
            resources: BTreeMap::new(),
            exports: BTreeMap::new(),
            dynamic: dynamic::Values::default(),
            notification_arns: self.notification_arns.to_vec(),
            progress: Progress::default(),
        }
    }
}
