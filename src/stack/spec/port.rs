//! Ports of containers.

use std::fmt;

use toml::de::DeValue;

use crate::diagnostic::Diagnostic;
use crate::stack::check;
use crate::stack::reader::Validated;

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

/// A port: a number for TCP, or a number and a protocol such as `"53/udp"`.
pub(super) fn read(value: &DeValue<'_>) -> Validated<Port> {
    let DeValue::String(text) = value else {
        let number = check::integer("a port", 1..=65535)(value)?;
        let number = u16::try_from(number).map_err(|_| Diagnostic::new(format!("is {number}")))?;
        return Ok(Port { number, protocol: Protocol::Tcp });
    };
    let parsed = text.split_once('/').and_then(|(number, protocol)| {
        let digits = number.bytes().all(|digit| digit.is_ascii_digit());
        let number = number.parse().ok().filter(|number| digits && *number > 0)?;
        let protocol = PROTOCOLS.iter().find(|known| known.name() == protocol)?;
        Some(Port { number, protocol: *protocol })
    });
    parsed.ok_or_else(|| {
        Diagnostic::new(format!("is {}, which is not a port", check::quoted(text)))
            .hint("a port is a number from 1 to 65535, without quotes, or a UDP port like \"53/udp\"")
    })
}

/// The protocols of ports.
const PROTOCOLS: &[Protocol] = &[Protocol::Tcp, Protocol::Udp];
