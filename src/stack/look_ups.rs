//! Look-ups: the values that synth needs from an AWS account.

use std::collections::BTreeMap;

use super::spec::Spec;

/// The account and region of a stack, as in the CDK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    pub account: String,
    /// The region, such as `us-east-1`.
    pub region: String,
}

/// The result of a VPC look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcContext {
    pub id: String,
    /// Its subnets' ids.
    pub subnets: Subnets,
}

/// Subnet ids, in the order of availability zones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subnets {
    /// Subnets with a route to an internet gateway.
    pub public: Vec<String>,
    /// All other subnets.
    pub private: Vec<String>,
}

/// One look-up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LookUp {
    /// The VPC with this Name tag.
    Vpc(String),
    /// The region's availability zones.
    AvailabilityZones,
}

/// The results of look-ups in one environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookUps {
    subnets: BTreeMap<String, Subnets>,
    zones: Option<Vec<String>>,
}

impl LookUps {
    /// Sets the VPC with this Name tag.
    pub fn set_vpc(&mut self, name: &str, vpc: VpcContext) {
        self.subnets.insert(name.to_owned(), vpc.subnets);
    }

    /// Sets a placeholder for a VPC that `stack` will create: `known after STACK` in place of ids.
    pub fn set_known_after(&mut self, vpc: &str, stack: &str) {
        let unknown = vec![format!("known after {stack}")];
        self.subnets.insert(vpc.to_owned(), Subnets { public: unknown.clone(), private: unknown });
    }

    /// Sets the region's availability zones.
    pub fn set_zones(&mut self, names: Vec<String>) {
        self.zones = Some(names);
    }

    /// A look-up that the stack `name` needs and that is not set.
    pub fn missing(&self, spec: &Spec, name: &str) -> Option<LookUp> {
        if spec.platform.stack.as_ref().is_some_and(|stack| stack.name == name) {
            return self.zones().is_none().then_some(LookUp::AvailabilityZones);
        }
        let known = spec.platform.subnets.is_some() || self.subnets.contains_key(&spec.platform.vpc);
        (!known).then(|| LookUp::Vpc(spec.platform.vpc.clone()))
    }

    pub(super) fn subnets(&self, vpc: &str) -> Option<&Subnets> {
        self.subnets.get(vpc)
    }

    pub(super) fn zones(&self) -> Option<&[String]> {
        self.zones.as_deref().filter(|names| !names.is_empty())
    }
}
