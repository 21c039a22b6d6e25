//! Synthesises the template of a stack from the spec. Ids, names, order and defaults are the CDK's.

use super::look_ups::{Environment, LookUp, LookUps};
use super::spec::Spec;
use super::template::Template;

mod platform;
mod policy;
mod principal;
mod service;
mod stack_builder;

pub(super) use platform::{EXPORTS as PLATFORM_EXPORTS, GROUP_EXPORTS as PLATFORM_GROUP_EXPORTS};
pub use platform::{PlatformIds, platform_ids};
pub(super) use policy::{MAX_MANAGED_POLICY, oversized_statements};

/// Why a template cannot be synthesised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SynthError {
    /// The spec has no such stack.
    #[error("there is no stack `{name}` in the project")]
    UnknownStack { name: String },
    #[error("{}", missing_look_up(.0))]
    MissingLookUp(LookUp),
    /// The VPC has no subnet of the required kind.
    #[error("the VPC `{vpc}` has no {} subnets", if *.public { "public" } else { "private or public" })]
    NoSubnets {
        /// The VPC's Name tag.
        vpc: String,
        /// Whether public subnets are required.
        public: bool,
    },
    /// The platform's network is too small for its subnets.
    #[error("the network {cidr} has no room for {subnets} subnets: AWS's smallest is a /28")]
    NetworkTooSmall {
        /// The VPC's addresses.
        cidr: String,
        /// The number of the platform's subnets.
        subnets: u8,
    },
}

fn missing_look_up(look_up: &LookUp) -> String {
    match look_up {
        LookUp::Vpc(name) => format!("the VPC `{name}` has not been looked up"),
        LookUp::AvailabilityZones => "the availability zones have not been looked up".to_owned(),
    }
}

/// The names of the template parameters of the stack `name`; `None` if the template cannot be synthesised. They do not depend on
/// look-ups, so placeholders are used instead of AWS's answers.
pub fn declared_parameters(spec: &Spec, name: &str) -> Option<Vec<String>> {
    let environment = Environment { account: "123456789012".to_owned(), region: "us-east-1".to_owned() };
    let mut look_ups = LookUps::default();
    while let Some(missing) = look_ups.missing(spec, name) {
        match missing {
            LookUp::Vpc(vpc) => look_ups.set_known_after(&vpc, name),
            LookUp::AvailabilityZones => look_ups.set_zones(["a", "b", "c"].map(str::to_owned).into()),
        }
    }
    let template = synth(spec, name, &environment, &look_ups).ok()?;
    Some(template.section("Parameters").map(|(name, _)| name.to_owned()).collect())
}

/// Synthesises the template of the stack `name`.
///
/// # Errors
/// If the spec has no such stack, if a look-up is [missing](LookUps::missing), or if the subnets do not suffice.
pub fn synth(spec: &Spec, name: &str, environment: &Environment, look_ups: &LookUps) -> Result<Template, SynthError> {
    if let Some(missing) = look_ups.missing(spec, name) {
        return Err(SynthError::MissingLookUp(missing));
    }
    if let Some(platform) = spec.platform.stack.as_ref().filter(|stack| stack.name == name) {
        return platform::synth(platform, spec.cdk, &environment.region, look_ups.zones().unwrap_or_default());
    }
    match spec.service_of_stack(name) {
        Some((_, service)) => service::synth(spec, service, environment, look_ups),
        None => Err(SynthError::UnknownStack { name: name.to_owned() }),
    }
}
