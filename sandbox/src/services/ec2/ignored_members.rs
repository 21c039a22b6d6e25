//! Request members that are accepted because their value is the sandbox's only behaviour. Any other member that is not
//! served is refused by name.

use serde_json::Value;

use crate::Fault;

/// An operation, the path of a member, and its only accepted value.
const WITHOUT_EFFECT: &[(&str, &str, &str)] = &[
    ("AllocateAddress", "Domain", "vpc"),
    ("AllocateAddress", "PublicIpv4Pool", "amazon"),
    ("CreateNatGateway", "ConnectivityType", "public"),
    ("CreateNatGateway", "AvailabilityMode", "zonal"),
    ("CreateSubnet", "Ipv6Native", "false"),
    ("CreateVpc", "AmazonProvidedIpv6CidrBlock", "false"),
    ("DescribeAvailabilityZones", "AllAvailabilityZones", "false"),
    ("DescribeInstances", "IncludeManagedResources", "false"),
    ("ModifySubnetAttribute", "AssignIpv6AddressOnCreation/Value", "false"),
    ("ModifySubnetAttribute", "MapCustomerOwnedIpOnLaunch/Value", "false"),
    ("ModifySubnetAttribute", "EnableDns64/Value", "false"),
    ("ModifySubnetAttribute", "EnableResourceNameDnsARecordOnLaunch/Value", "false"),
    ("ModifySubnetAttribute", "EnableResourceNameDnsAAAARecordOnLaunch/Value", "false"),
    ("ModifySubnetAttribute", "PrivateDnsHostnameTypeOnLaunch", "ip-name"),
    ("ModifyVpcAttribute", "EnableNetworkAddressUsageMetrics/Value", "false"),
    ("RunInstances", "CreditSpecification/CpuCredits", "standard"),
    ("RunInstances", "DisableApiStop", "false"),
    ("RunInstances", "DisableApiTermination", "false"),
    ("RunInstances", "EbsOptimized", "false"),
    ("RunInstances", "EnclaveOptions/Enabled", "false"),
    ("RunInstances", "HibernationOptions/Configured", "false"),
    ("RunInstances", "InstanceInitiatedShutdownBehavior", "stop"),
    ("RunInstances", "Ipv6AddressCount", "0"),
    ("RunInstances", "Monitoring/Enabled", "false"),
    ("RunInstances", "Placement/Tenancy", "default"),
    ("TerminateInstances", "Force", "false"),
    ("TerminateInstances", "SkipOsShutdown", "false"),
];

/// Returns the fault of dry runs, and removes members without effect from an input.
pub(super) fn remove_ignored_members(operation: &str, input: &mut Value) -> Result<(), Fault> {
    if input.get("DryRun").is_some_and(|dry_run| *dry_run == true) {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(Fault::new(412, "DryRunOperation", message));
    }
    strip(operation, input);
    Ok(())
}

fn strip(operation: &str, input: &mut Value) {
    if let Some(members) = input.as_object_mut() {
        members.remove("DryRun");
    }
    for (_, path, value) in WITHOUT_EFFECT.iter().filter(|(of, ..)| *of == operation) {
        take(input, path, value);
    }
}

fn take(input: &mut Value, path: &str, value: &str) {
    let Some(members) = input.as_object_mut() else { return };
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let Some(member) = members.get_mut(first) else { return };
    let without_effect = match member {
        Value::Object(_) => {
            take(member, rest, value);
            member.as_object().is_some_and(serde_json::Map::is_empty)
        }
        Value::String(text) => text == value,
        other => serde_json::from_str::<Value>(value).is_ok_and(|value| value == *other),
    };
    if without_effect {
        members.remove(first);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::strip;

    #[test]
    fn members_without_effect_are_removed() {
        let mut input = json!({ "EbsOptimized": false, "Placement": { "Tenancy": "default" }, "DisableApiStop": true });
        strip("RunInstances", &mut input);
        assert_eq!(input, json!({ "DisableApiStop": true }));
        let mut input = json!({ "Placement": { "Tenancy": "default", "GroupName": "a" } });
        strip("RunInstances", &mut input);
        assert_eq!(input, json!({ "Placement": { "GroupName": "a" } }));
    }
}
