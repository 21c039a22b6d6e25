//! The stacks of a project and their dependencies.

use indexmap::IndexMap;

use super::spec::{Platform, PlatformStack, Port, Reference, Service, Spec};
use super::synth::{PLATFORM_EXPORTS, PLATFORM_GROUP_EXPORTS};

/// One stack of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectStack {
    /// Its name in CloudFormation.
    pub name: String,
    /// The platform or a service.
    pub kind: StackKind,
    /// Tags of the stack, which CloudFormation also sets on its resources.
    pub tags: IndexMap<String, String>,
    /// The project's stacks that it depends on: it imports their exports, or runs in their VPC.
    pub depends_on: Vec<String>,
}

impl ProjectStack {
    /// The key of its service; `None` for the platform.
    pub fn service_key(&self) -> Option<&str> {
        match &self.kind {
            StackKind::Platform => None,
            StackKind::Service(key) => Some(key),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StackKind {
    /// The platform that services run on.
    Platform,
    /// The service with this key.
    Service(String),
}

/// The project's stacks in deployment order: the platform first.
pub fn stacks(spec: &Spec) -> Vec<ProjectStack> {
    let stack = |name: &str, kind, depends_on| {
        let (name, tags) = (name.to_owned(), spec.tags.clone());
        ProjectStack { name, kind, tags, depends_on }
    };
    let own_platform = spec.platform.stack.as_ref().map(|platform| &platform.name);
    let platform = own_platform.iter().map(|name| stack(name, StackKind::Platform, Vec::new()));
    let services = spec.services.iter().map(|(key, service)| {
        let dependency = own_platform.filter(|_| uses_own_platform(&spec.platform, service));
        let depends_on = dependency.cloned().into_iter().collect();
        stack(&service.stack, StackKind::Service(key.clone()), depends_on)
    });
    platform.chain(services).collect()
}

/// Resolves a stack's name or a service key to the stack's name. Stack names take precedence.
pub fn stack_named<'a>(spec: &'a Spec, name: &str) -> Option<&'a str> {
    let platform = spec.platform.stack.as_ref().map(|platform| &platform.name);
    let mut names = platform.into_iter().chain(spec.services.values().map(|service| &service.stack));
    let by_key = || spec.services.get(name).map(|service| &service.stack);
    names.find(|stack| *stack == name).or_else(by_key).map(String::as_str)
}

/// Whether a service runs in the VPC of the project's platform, or imports its exports.
fn uses_own_platform(platform: &Platform, service: &Service) -> bool {
    platform.runs_in_own_vpc() || platform.imports_of(service).iter().any(|name| PLATFORM_EXPORTS.contains(name))
}

/// The export names of a platform stack.
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

    /// The open ports of the platform's security group, if services use it.
    pub(super) fn own_group_ports(&self) -> Option<&[Port]> {
        let stack = self.stack.as_ref()?;
        let is_own =
            matches!(&self.security_group, Reference::Import(name) if PLATFORM_GROUP_EXPORTS.contains(&name.as_str()));
        is_own.then_some(stack.ports.as_slice())
    }

    /// Whether services run in the VPC of the project's platform.
    pub fn runs_in_own_vpc(&self) -> bool {
        let owns_vpc = |stack: &PlatformStack| self.vpc.strip_suffix("/BaseVPC") == Some(&stack.name);
        self.subnets.is_none() && self.stack.as_ref().is_some_and(owns_vpc)
    }
}
