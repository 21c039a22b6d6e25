//! IPv4 ranges.

use std::fmt;
use std::net::Ipv4Addr;

use crate::Fault;

/// An IPv4 range such as `10.0.0.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    first: u32,
    bits: u32,
}

impl Cidr {
    /// Parses a range. Host bits are cleared, as by EC2: `10.0.1.5/24` is `10.0.1.0/24`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let digits = (1..=2).contains(&bits.len()) && bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits = bits.parse().ok().filter(|bits| digits && *bits <= 32)?;
        let range = Self { first: u32::from(address.parse::<Ipv4Addr>().ok()?), bits };
        Some(Self { first: range.first & range.mask(), bits })
    }

    /// Parses the range in a parameter.
    pub(super) fn parse_parameter(parameter: &str, text: &str) -> Result<Self, Fault> {
        let malformed =
            || format!("Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block.");
        Self::parse(text).ok_or_else(|| Fault::client("InvalidParameterValue", malformed()))
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - self.bits).unwrap_or(0)
    }

    /// Whether `other` is part of this range.
    pub(super) fn contains(self, other: Self) -> bool {
        other.bits >= self.bits && other.first & self.mask() == self.first
    }

    /// Whether the ranges share an address.
    pub(super) fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Whether VPCs and subnets may have this size: /16 to /28.
    pub(super) fn is_of_vpc_size(self) -> bool {
        (16..=28).contains(&self.bits)
    }

    /// The number of usable addresses in a subnet: EC2 reserves five.
    pub(super) fn usable(self) -> u32 {
        (1_u32 << (32 - self.bits)).saturating_sub(5)
    }

    /// The usable address with an index from zero: EC2 reserves the first four.
    pub(super) fn host(self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.first + 4 + number % self.usable().max(1))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", Ipv4Addr::from(self.first), self.bits)
    }
}
