//! IPv4 networks, as far as a VPC needs them.

use std::fmt;
use std::net::Ipv4Addr;

use toml::de::DeValue;

use crate::diagnostic::Diagnostic;
use crate::stack::check;
use crate::stack::reader::Validated;

/// An IPv4 network in CIDR notation; its address is the network's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: u32,
    prefix: u8,
}

/// The prefix lengths of VPCs that AWS accepts and that have room for the platform's subnets.
const PREFIXES: std::ops::RangeInclusive<u8> = 16..=27;
/// The prefix length of the smallest subnet that AWS accepts.
const MAX_SUBNET_PREFIX: u8 = 28;

impl Cidr {
    /// Divides the network into at least `count` subnets of equal size and returns the first `count`; `None` if they are too small for AWS.
    pub fn subnets(self, count: u8) -> Option<Vec<Self>> {
        let bits = u8::try_from(count.next_power_of_two().trailing_zeros()).ok()?;
        let prefix = self.prefix + bits;
        let subnet = |at: u8| Self { address: self.address + (u32::from(at) << (32 - u32::from(prefix))), prefix };
        (prefix <= MAX_SUBNET_PREFIX).then(|| (0..count).map(subnet).collect())
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", Ipv4Addr::from(self.address), self.prefix)
    }
}

/// The rule for a VPC's network.
pub(super) fn vpc_cidr(value: &DeValue<'_>) -> Validated<Cidr> {
    let text = check::string(value)?;
    let parsed = text.split_once('/').and_then(|(address, prefix)| {
        let address: Ipv4Addr = address.parse().ok()?;
        Some((u32::from(address), prefix.parse::<u8>().ok().filter(|prefix| *prefix <= 32)?))
    });
    let Some((address, prefix)) = parsed else {
        let hint = "write an address and a prefix length, like \"10.0.0.0/24\"";
        return Err(Diagnostic::new(format!("is {}, which is not a network", check::quoted(&text))).hint(hint));
    };
    if !PREFIXES.contains(&prefix) {
        let hint = format!("a VPC with room for the subnets is /{} to /{}", PREFIXES.start(), PREFIXES.end());
        return Err(Diagnostic::new(format!("is {}", check::quoted(&text))).hint(hint));
    }
    let network = Cidr { address: address & (u32::MAX << (32 - u32::from(prefix))), prefix };
    if network.address != address {
        let hint = format!("the network's address is \"{network}\"");
        return Err(Diagnostic::new(format!("is {}, an address within a network", check::quoted(&text))).hint(hint));
    }
    Ok(network)
}

/// The workshop's network, the default.
pub(super) const WORKSHOP: Cidr = Cidr { address: 0x0a00_0000, prefix: 24 };
