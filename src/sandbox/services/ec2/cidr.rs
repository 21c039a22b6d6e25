//! IPv4 ranges.

use std::net::Ipv4Addr;

/// An IPv4 range such as `10.0.0.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    first: u32,
    bits: u32,
}

impl Cidr {
    /// Reads a range; `None` when it is none, or has bits beyond its mask.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (first, bits) =
            (u32::from(address.parse::<Ipv4Addr>().ok()?), bits.parse().ok().filter(|bits| *bits <= 32)?);
        let range = Self { first, bits };
        (first & !range.mask() == 0).then_some(range)
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - self.bits).unwrap_or(0)
    }

    /// Whether `other` lies inside.
    pub fn contains(self, other: Self) -> bool {
        other.bits >= self.bits && other.first & self.mask() == self.first
    }

    /// Whether the two share an address.
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other) || other.contains(self)
    }

    /// Whether EC2 takes a range of this size: /16 to /28.
    pub fn is_of_vpc_size(self) -> bool {
        (16..=28).contains(&self.bits)
    }

    /// How many addresses a subnet of this range has for use: EC2 keeps five for itself.
    pub fn usable(self) -> u32 {
        (1_u32 << (32 - self.bits)).saturating_sub(5)
    }

    /// The usable address of a number, counted from zero: EC2 keeps the first four for itself.
    pub fn host(self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from(self.first + 4 + number % self.usable().max(1))
    }
}
