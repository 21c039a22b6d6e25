//! From the text of a template and the parameters of a request to what a stack is made of: read, transformed, checked
//! whole, its parameters valued, its conditions known, checked again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::model::{Definition, Parameter, Stack};
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

/// The parameters' values: those of a request, or what they were found to be.
enum Values<'a> {
    Given(&'a [Given], Option<&'a [Parameter]>),
    Known(Vec<Parameter>),
}

impl Values<'_> {
    async fn of(&mut self, sandbox: &Arc<Sandbox>, template: &Template) -> Result<Vec<Parameter>, Fault> {
        let parameters = match self {
            Self::Given(given, previous) => parameters::values(sandbox, template, given, *previous).await?,
            Self::Known(parameters) => return Ok(parameters.clone()),
        };
        *self = Self::Known(parameters.clone());
        Ok(parameters)
    }
}

impl Preparation<'_> {
    /// # Errors
    /// A fault of the template or of the parameters, without the values of parameters that are not to be shown.
    pub async fn run(&self, body: String, given: &[Given], previous: Option<&[Parameter]>) -> Result<Prepared, Fault> {
        let mut values = Values::Given(given, previous);
        let prepared = self.prepare(body.clone(), &mut values).await;
        let (Err(fault), Values::Known(parameters)) = (&prepared, values) else { return prepared };
        let hidden = Definition { parameters, ..Definition::default() };
        if hidden.hidden_parameters().is_empty() {
            return prepared;
        }
        // The fault is the one that asterisks in place of the values have, if they have one. Functions can take parts of a value, so
        // otherwise whatever the text has in common with one is masked.
        match self.prepare(body, &mut Values::Known(hidden.with_masks())).await {
            Err(of_masks) => Err(of_masks),
            Ok(_) => Err(Fault { message: hidden.without_parts(&fault.message), ..fault.clone() }),
        }
    }

    async fn prepare(&self, body: String, values: &mut Values<'_>) -> Result<Prepared, Fault> {
        let source = Source::read(&body)?;
        source.check_transforms()?;
        let (template, parameters, original) = if source.is_extended() {
            let head = source.head()?;
            let parameters = values.of(self.sandbox, &head).await?;
            let template = extensions::expand(source, &self.scope(&head, &parameters))?;
            check::whole(&template)?;
            (template, parameters, Some(body.clone()))
        } else {
            let template = source.into_template()?;
            check::whole(&template)?;
            let parameters = values.of(self.sandbox, &template).await?;
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
