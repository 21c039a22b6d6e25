//! Makes the template of a stack from the spec. Ids, names, order and defaults are the CDK's.

use super::lookups::{Environment, Lookup, Lookups};
use super::spec::Spec;
use super::template::Template;

mod platform;
mod policy;
mod principal;
mod service;
mod stack;

pub(super) use platform::{EXPORTS as PLATFORM_EXPORTS, GROUP_EXPORTS as PLATFORM_GROUP_EXPORTS};
pub use platform::{PlatformIds, platform_ids};
pub(super) use policy::{MAX_MANAGED_POLICY, oversized_statements};

/// Why a template cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SynthError {
    /// The spec has no such stack.
    #[error("there is no stack `{name}` in the project")]
    UnknownStack {
        /// What was asked for.
        name: String,
        /// The project's stacks.
        stacks: Vec<String>,
    },
    /// A look-up has not been made.
    #[error("{}", unanswered(.0))]
    MissingLookup(Lookup),
    /// The VPC has no subnet of the kind that is needed.
    #[error("the VPC `{vpc}` has no {} subnets", if *.public { "public" } else { "private or public" })]
    NoSubnets {
        /// The VPC's Name tag.
        vpc: String,
        /// Whether public ones are needed.
        public: bool,
    },
    /// The platform's network cannot be cut into subnets that AWS accepts.
    #[error("the network {cidr} has no room for {subnets} subnets: AWS's smallest is a /28")]
    NetworkTooSmall {
        /// The VPC's addresses.
        cidr: String,
        /// How many subnets the platform makes.
        subnets: u8,
    },
}

fn unanswered(lookup: &Lookup) -> String {
    match lookup {
        Lookup::Vpc(name) => format!("the VPC `{name}` has not been looked up"),
        Lookup::AvailabilityZones => "the availability zones have not been looked up".to_owned(),
    }
}

/// The names of the parameters in the template of the stack `name`, which no look-up decides; `None` where the template cannot be
/// made.
pub fn declared_parameters(spec: &Spec, name: &str) -> Option<Vec<String>> {
    let environment = Environment { account: "123456789012".to_owned(), region: "us-east-1".to_owned() };
    let mut lookups = Lookups::default();
    while let Some(missing) = lookups.missing(spec, name) {
        match missing {
            Lookup::Vpc(vpc) => lookups.set_known_after(&vpc, name),
            Lookup::AvailabilityZones => lookups.set_zones(["a", "b", "c"].map(str::to_owned).into()),
        }
    }
    let template = synth(spec, name, &environment, &lookups).ok()?;
    Some(template.section("Parameters").map(|(name, _)| name.to_owned()).collect())
}

/// The template of the stack `name`.
///
/// # Errors
/// When the spec has no such stack, when a look-up is [missing](Lookups::missing), and when the answers do not suffice.
pub fn synth(spec: &Spec, name: &str, environment: &Environment, lookups: &Lookups) -> Result<Template, SynthError> {
    if let Some(missing) = lookups.missing(spec, name) {
        return Err(SynthError::MissingLookup(missing));
    }
    if let Some(platform) = spec.platform.stack.as_ref().filter(|stack| stack.name == name) {
        return platform::synth(platform, spec.cdk, &environment.region, lookups.zones().unwrap_or_default());
    }
    match spec.service_of_stack(name) {
        Some((_, service)) => service::synth(spec, service, environment, lookups),
        None => Err(SynthError::UnknownStack {
            name: name.to_owned(),
            stacks: super::stacks(spec).into_iter().map(|stack| stack.name).collect(),
        }),
    }
}
