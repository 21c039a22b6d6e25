//! What a synth has to be told about the account, because it cannot ask: the look-ups, and which of them a stack needs.

use std::collections::BTreeMap;

use super::spec::Spec;

/// Where a stack goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Twelve digits.
    pub account: String,
    /// Such as `us-east-1`.
    pub region: String,
}

/// A VPC that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// Its id.
    pub id: String,
    /// Its subnets' ids.
    pub subnets: Subnets,
}

/// Subnet ids, in the order of availability zones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subnets {
    /// With a route to an internet gateway.
    pub public: Vec<String>,
    /// The others.
    pub private: Vec<String>,
}

/// One question to the account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lookup {
    /// The VPC with this Name tag.
    Vpc(String),
    /// The region's availability zones.
    AvailabilityZones,
}

/// The answers, for one account and region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookups {
    subnets: BTreeMap<String, Subnets>,
    zones: Option<Vec<String>>,
}

impl Lookups {
    /// The answer for a VPC's Name tag.
    pub fn set_vpc(&mut self, name: &str, vpc: Vpc) {
        self.subnets.insert(name.to_owned(), vpc.subnets);
    }

    /// The VPC will be made by `stack`, which is not deployed yet: `known after STACK` stands in the ids' place.
    pub fn set_known_after(&mut self, vpc: &str, stack: &str) {
        let unknown = vec![format!("known after {stack}")];
        self.subnets.insert(vpc.to_owned(), Subnets { public: unknown.clone(), private: unknown });
    }

    /// The region's availability zones.
    pub fn set_zones(&mut self, names: Vec<String>) {
        self.zones = Some(names);
    }

    /// What the stack `name` needs and these answers lack.
    pub fn missing(&self, spec: &Spec, name: &str) -> Option<Lookup> {
        if spec.platform.stack.as_ref().is_some_and(|stack| stack.name == name) {
            return self.zones().is_none().then_some(Lookup::AvailabilityZones);
        }
        let known = spec.platform.subnets.is_some() || self.subnets.contains_key(&spec.platform.vpc);
        (!known).then(|| Lookup::Vpc(spec.platform.vpc.clone()))
    }

    pub(super) fn subnets(&self, vpc: &str) -> Option<&Subnets> {
        self.subnets.get(vpc)
    }

    pub(super) fn zones(&self) -> Option<&[String]> {
        self.zones.as_deref().filter(|names| !names.is_empty())
    }
}
