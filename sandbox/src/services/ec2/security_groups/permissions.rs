//! Permissions in requests: protocols, ports and sources, checked with EC2's messages.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Fault;
use crate::services::ec2::cidr::Cidr;
use crate::services::ec2::records::invalid_parameter;

/// Names of protocols by number. EC2 uses the number of all others.
const PROTOCOL_NAMES: &[(&str, &str)] = &[("1", "icmp"), ("6", "tcp"), ("17", "udp"), ("58", "icmpv6")];

const DESCRIPTION: &str = "Invalid rule description. Valid descriptions are strings less than 256 characters from the \
                           following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*";

/// Rules for one protocol and port range.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Permission {
    pub ip_protocol: Option<String>,
    pub from_port: Option<i64>,
    pub to_port: Option<i64>,
    #[serde(default)]
    pub ip_ranges: Vec<IpRange>,
    #[serde(default)]
    pub groups: Vec<UserIdGroupPair>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct IpRange {
    pub cidr_ip: String,
    pub description: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UserIdGroupPair {
    #[serde(rename = "GroupId")]
    id: String,
    user_id: Option<String>,
    description: Option<String>,
}

impl Permission {
    /// The permission's rules, in the form of responses: one for each source.
    pub(super) fn rules(&self, owner: &str) -> Result<Vec<Value>, Fault> {
        let protocol = protocol(self.ip_protocol.as_deref())?;
        let (from, to) = ports(&protocol, self.from_port, self.to_port)?;
        let rule = |ranges: Value, groups: Value| {
            json!({
                "ipProtocol": protocol,
                "fromPort": from,
                "toPort": to,
                "ipRanges": ranges,
                "groups": groups,
                "ipv6Ranges": [],
                "prefixListIds": [],
            })
        };
        let mut rules = Vec::new();
        for IpRange { cidr_ip, description } in &self.ip_ranges {
            let malformed = || invalid_parameter(format!("CIDR block {cidr_ip} is malformed"));
            let range = Cidr::parse(cidr_ip).ok_or_else(malformed)?.to_string();
            check_description(description.as_deref())?;
            rules.push(rule(json!([{ "cidrIp": range, "description": description }]), json!([])));
        }
        for UserIdGroupPair { id, user_id, description } in &self.groups {
            if user_id.as_ref().is_some_and(|user| user != owner) {
                return Err(Fault::not_implemented("security groups of other accounts"));
            }
            check_description(description.as_deref())?;
            let pair = json!({ "userId": owner, "groupId": id, "description": description });
            rules.push(rule(json!([]), json!([pair])));
        }
        if rules.is_empty() {
            return Err(Fault::client("MissingParameter", "The request must contain the parameter ipRanges or groups"));
        }
        Ok(rules)
    }
}

/// A protocol, as EC2 shows it.
fn protocol(given: Option<&str>) -> Result<String, Fault> {
    let Some(given) = given else {
        return Err(invalid_parameter(
            "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.".to_owned(),
        ));
    };
    let lower = given.to_lowercase();
    let protocol = PROTOCOL_NAMES.iter().find(|(number, name)| lower == *number || lower == *name);
    match protocol {
        Some((_, name)) => Ok((*name).to_owned()),
        None if lower == "-1" || lower.parse::<u8>().is_ok() => Ok(lower),
        None => Err(invalid_parameter(format!("Invalid value '{given}' for IP protocol. Unknown protocol."))),
    }
}

type PortRange = (Option<i64>, Option<i64>);

/// The port range of a rule, or the type and code of ICMP. It is ignored for other protocols.
fn ports(protocol: &str, from: Option<i64>, to: Option<i64>) -> Result<PortRange, Fault> {
    match (protocol, from, to) {
        ("tcp" | "udp", Some(from), Some(to)) => {
            if let Some(port) = [from, to].into_iter().find(|port| !(0..=65_535).contains(port)) {
                return Err(invalid_parameter(format!("TCP/UDP port ({port}) out of range")));
            }
            if from > to {
                return Err(invalid_parameter(format!("Invalid TCP/UDP port range ({from}:{to})")));
            }
        }
        ("tcp" | "udp", ..) => {
            let message = "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.";
            return Err(invalid_parameter(message));
        }
        ("icmp" | "icmpv6", Some(from), Some(to)) => {
            for (word, number) in [("type", from), ("code", to)] {
                if !(-1..=255).contains(&number) {
                    return Err(invalid_parameter(format!("ICMP {word} ({number}) out of range")));
                }
            }
        }
        ("icmpv6", None, None) => return Ok((Some(-1), Some(-1))),
        ("icmp" | "icmpv6", ..) => {
            let message = "Invalid value for portRange. Must specify both from and to ports with ICMP.";
            return Err(invalid_parameter(message));
        }
        _ => return Ok((None, None)),
    }
    Ok((from, to))
}

fn check_description(description: Option<&str>) -> Result<(), Fault> {
    let is_valid = |text: &str| {
        text.len() < 256
            && text
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || "._-:/()#,@[]+=&;{}!$* ".contains(character))
    };
    if description.is_none_or(is_valid) { Ok(()) } else { Err(invalid_parameter(DESCRIPTION)) }
}
