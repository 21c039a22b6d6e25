//! The project's stacks.

use indexmap::IndexMap;

use super::spec::Spec;

/// One stack of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectStack {
    /// Its name in CloudFormation.
    pub name: String,
    /// What it is of.
    pub kind: StackKind,
    /// Its tags.
    pub tags: IndexMap<String, String>,
}

/// What a stack is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackKind {
    /// What services run on.
    Platform,
    /// The service with this key.
    Service(String),
}

/// The project's stacks in the order in which they can be deployed: the platform's first.
pub fn stacks(spec: &Spec) -> Vec<ProjectStack> {
    let stack = |name: &str, kind| ProjectStack { name: name.to_owned(), kind, tags: spec.tags.clone() };
    let platform = spec.platform.stack.iter().map(|platform| stack(&platform.name, StackKind::Platform));
    let services = spec.services.iter().map(|(key, service)| stack(&service.stack, StackKind::Service(key.clone())));
    platform.chain(services).collect()
}
