//! Ports of containers.

use std::fmt;

/// A port of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// Its number, from 1.
    pub number: u16,
    /// Its transport protocol.
    pub protocol: Protocol,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    /// The name that ECS uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

impl Port {
    /// The port as written in `ecsws.toml`.
    pub(super) fn to_toml(self) -> String {
        match self.protocol {
            Protocol::Tcp => self.number.to_string(),
            Protocol::Udp => format!("\"{self}\""),
        }
    }
}

/// `80`, or `53/udp`.
impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.protocol {
            Protocol::Tcp => write!(formatter, "{}", self.number),
            Protocol::Udp => write!(formatter, "{}/{}", self.number, self.protocol.name()),
        }
    }
}
