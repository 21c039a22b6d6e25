//! The project's stacks.

use indexmap::IndexMap;

use super::spec::{Platform, PlatformStack, Port, Reference, Service, Spec};
use super::synth::{PLATFORM_EXPORTS, PLATFORM_GROUP_EXPORTS};

/// One stack of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectStack {
    /// Its name in CloudFormation.
    pub name: String,
    /// What it is of.
    pub kind: StackKind,
    /// Its tags.
    pub tags: IndexMap<String, String>,
    /// The project's stacks that have to be there before it: those whose exports it imports, or whose VPC it runs in.
    pub needs: Vec<String>,
}

impl ProjectStack {
    /// The key of the service that it is for; `None` for the platform.
    pub fn service_key(&self) -> Option<&str> {
        match &self.kind {
            StackKind::Platform => None,
            StackKind::Service(key) => Some(key),
        }
    }
}

/// What a stack is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackKind {
    /// What services run on.
    Platform,
    /// The service with this key.
    Service(String),
}

/// The project's stacks in an order in which they can be deployed: the platform's first.
pub fn stacks(spec: &Spec) -> Vec<ProjectStack> {
    let stack = |name: &str, kind, needs| ProjectStack { name: name.to_owned(), kind, tags: spec.tags.clone(), needs };
    let own = spec.platform.stack.as_ref().map(|platform| &platform.name);
    let platform = own.iter().map(|name| stack(name, StackKind::Platform, Vec::new()));
    let services = spec.services.iter().map(|(key, service)| {
        let needs = own.filter(|_| uses_own_platform(&spec.platform, service)).cloned().into_iter().collect();
        stack(&service.stack, StackKind::Service(key.clone()), needs)
    });
    platform.chain(services).collect()
}

/// The name of the stack that `name` stands for: its own, or the key of the service that it is for. A stack's own name goes first.
pub fn stack_named<'a>(spec: &'a Spec, name: &str) -> Option<&'a str> {
    let platform = spec.platform.stack.as_ref().map(|platform| &platform.name);
    let mut names = platform.into_iter().chain(spec.services.values().map(|service| &service.stack));
    let by_key = || spec.services.get(name).map(|service| &service.stack);
    names.find(|own| *own == name).or_else(by_key).map(String::as_str)
}

/// Whether a service runs in the VPC of the project's own platform, or imports what that exports.
fn uses_own_platform(platform: &Platform, service: &Service) -> bool {
    platform.runs_in_own_vpc() || platform.imports_of(service).iter().any(|name| PLATFORM_EXPORTS.contains(name))
}

/// The names of what a platform stack exports.
pub fn platform_exports() -> &'static [&'static str] {
    &PLATFORM_EXPORTS
}

impl Platform {
    /// The exports that a service imports.
    pub fn imports_of(&self, service: &Service) -> Vec<&str> {
        let namespace = service.discovery.as_ref().map(|_| &self.namespace);
        let references = [Some(&self.cluster), Some(&self.security_group), namespace];
        references
            .into_iter()
            .flatten()
            .filter_map(|reference| match reference {
                Reference::Import(name) => Some(name.as_str()),
                Reference::Literal(_) => None,
            })
            .collect()
    }

    /// The open ports of the project's own security group, if it is the one that services use.
    pub(super) fn own_group_ports(&self) -> Option<&[Port]> {
        let stack = self.stack.as_ref()?;
        let is_own =
            matches!(&self.security_group, Reference::Import(name) if PLATFORM_GROUP_EXPORTS.contains(&name.as_str()));
        is_own.then_some(stack.ports.as_slice())
    }

    /// Whether services run in the VPC of the project's own platform.
    pub fn runs_in_own_vpc(&self) -> bool {
        let own = |stack: &PlatformStack| self.vpc.strip_suffix("/BaseVPC") == Some(&stack.name);
        self.subnets.is_none() && self.stack.as_ref().is_some_and(own)
    }
}
