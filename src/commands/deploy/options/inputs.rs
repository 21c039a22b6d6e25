//! The flags that change what is deployed: images, parameters and tags.

use std::collections::BTreeMap;

use clap::Args;

use super::value_parsers::{image, pair, parameter};
use crate::error::CliError;
use crate::ops::StackInputs;
use crate::project::Project;
use crate::stack::{ProjectStack, Spec, declared_parameters, is_cdk_parameter, stack_named, tags_error};

/// The flags of `deploy` and `diff` that override or complete `ecsws.toml`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct InputOptions {
    /// Override the image of a service
    #[arg(long = "image", value_name = "SERVICE=IMAGE", value_parser = image)]
    pub images: Vec<(String, String)>,
    /// Set a template parameter; the others keep their values
    #[arg(long = "parameters", value_name = "[STACK:]KEY=VALUE", value_parser = parameter)]
    pub parameters: Vec<Parameter>,
    /// Tag the stacks, in addition to the tags in ecsws.toml
    #[arg(long = "tags", value_name = "KEY=VALUE", value_parser = pair)]
    pub tags: Vec<(String, String)>,
}

/// A template's parameter, for one stack or for each that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub stack: Option<String>,
    pub key: String,
    pub value: String,
}

impl InputOptions {
    /// Checks the inputs for these stacks: parameters that no template has, images of other services, and tags that CloudFormation rejects.
    pub(crate) fn check(&self, spec: &Spec, stacks: &[ProjectStack]) -> Result<(), CliError> {
        for stack in stacks.iter().filter(|_| !self.tags.is_empty()) {
            let tags = self.tags_of(stack);
            if let Some(mistake) = tags_error(tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))) {
                return Err(CliError::usage(format!("--tags: {mistake}")));
            }
        }
        for (index, (key, image)) in self.images.iter().enumerate() {
            let other = self.images[..index].iter().find(|(earlier, other)| earlier == key && other != image);
            if let Some((_, other)) = other {
                return Err(CliError::usage(format!("--image gives service `{key}` two images: {other} and {image}")));
            }
            let stack = spec.services.get(key).map(|service| &service.stack);
            if stack.is_some_and(|stack| !stacks.iter().any(|chosen| chosen.name == *stack)) {
                let message = format!("--image is for service `{key}`, whose stack is not among those that are named");
                return Err(CliError::usage(message).hint("name its stack too, or leave --image out"));
            }
        }
        self.parameters.iter().try_for_each(|parameter| check_parameter(parameter, spec, stacks))
    }

    /// The parameters given for a stack, by key; those for it alone win.
    pub(crate) fn parameters_of(&self, stack: &str) -> BTreeMap<&str, &str> {
        let given_for = |stack: Option<&str>| {
            let matching = self.parameters.iter().filter(move |given| given.stack.as_deref() == stack);
            matching.map(|given| (given.key.as_str(), given.value.as_str())).collect::<Vec<_>>()
        };
        given_for(None).into_iter().chain(given_for(Some(stack))).collect()
    }

    /// The tags of a stack: those of the file, and those given.
    pub(crate) fn tags_of(&self, stack: &ProjectStack) -> Vec<(String, String)> {
        let mut tags = stack.tags.clone();
        tags.extend(self.tags.iter().cloned());
        tags.into_iter().collect()
    }

    /// Replaces service keys by stack names in the parameters.
    pub(crate) fn resolve_stacks(&mut self, spec: &Spec) {
        for stack in self.parameters.iter_mut().filter_map(|parameter| parameter.stack.as_mut()) {
            if let Some(name) = stack_named(spec, stack) {
                name.clone_into(stack);
            }
        }
    }

    /// The inputs of one stack.
    pub(crate) fn stack_inputs<'a>(&'a self, stack: &'a ProjectStack) -> StackInputs<'a> {
        let own = self.parameters.iter().filter(|given| given.stack.as_ref() == Some(&stack.name));
        StackInputs {
            stack,
            tags: self.tags_of(stack),
            parameters: self.parameters_of(&stack.name),
            required_parameters: own.map(|given| given.key.as_str()).collect(),
        }
    }

    /// Overrides the images of the project.
    pub(crate) fn set_images(&self, project: &mut Project) -> Result<(), CliError> {
        self.images.iter().try_for_each(|(key, image)| project.set_image(key, image))
    }
}

/// Checks that a parameter is in the template of its stack or, without a stack, in any of the templates.
fn check_parameter(given: &Parameter, spec: &Spec, stacks: &[ProjectStack]) -> Result<(), CliError> {
    let Parameter { stack, key, .. } = given;
    let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
    let targets = match stack {
        Some(stack) if !names.contains(&stack.as_str()) => {
            return Err(CliError::usage(format!("--parameters is for stack `{stack}`, which is not deployed here"))
                .hint(format!("the stacks are {}", names.join(", "))));
        }
        Some(stack) => vec![stack.as_str()],
        None => names,
    };
    let declared: Vec<Option<Vec<String>>> = targets.iter().map(|stack| declared_parameters(spec, stack)).collect();
    let is_known =
        is_cdk_parameter(key) || declared.iter().any(|names| names.as_ref().is_none_or(|names| names.contains(key)));
    if is_known {
        return Ok(());
    }
    let error = CliError::usage(format!("the template of {} has no parameter `{key}`", targets.join(" or of ")));
    let known: Vec<String> = declared.into_iter().flatten().flatten().collect();
    Err(if known.is_empty() { error } else { error.hint(format!("its parameters are {}", known.join(", "))) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_may_name_its_stack() {
        let parsed = |stack: Option<&str>, key: &str, value: &str| {
            Ok(Parameter { stack: stack.map(str::to_owned), key: key.to_owned(), value: value.to_owned() })
        };
        assert_eq!(parameter("Size=3"), parsed(None, "Size", "3"));
        assert_eq!(parameter("web:Url=a=b:c"), parsed(Some("web"), "Url", "a=b:c"));
        for wrong in ["Size", "=3", ":Size=3", "web:=3", ""] {
            assert!(parameter(wrong).is_err(), "{wrong}");
        }
        let options = InputOptions {
            parameters: ["web:Size=2", "Size=1"].into_iter().filter_map(|text| parameter(text).ok()).collect(),
            ..InputOptions::default()
        };
        assert_eq!(options.parameters_of("web"), BTreeMap::from([("Size", "2")]));
        assert_eq!(options.parameters_of("api"), BTreeMap::from([("Size", "1")]));
    }
}
