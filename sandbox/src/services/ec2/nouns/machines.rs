//! The nouns of machines and of what guards and names them.

use super::{Noun, PLAIN, Selector};

/// An elastic IP address.
pub const ADDRESS: Noun = Noun {
    operation: "DescribeAddresses",
    kind: "elastic-ip",
    prefix: "eipalloc-",
    word: "allocation ID",
    not_found: "InvalidAllocationID.NotFound",
    ids: "AllocationId",
    selectors: &[Selector {
        member: "PublicIp",
        path: "publicIp",
        not_found: "InvalidAddress.NotFound",
        sentence: "Address '{}' not found.",
    }],
    set: "addressesSet",
    tells_no_tags: false,
    filters: &[
        ("allocation-id", "allocationId"),
        ("association-id", "associationId"),
        ("public-ip", "publicIp"),
        ("domain", "domain"),
        ("network-border-group", "networkBorderGroup"),
        ("network-interface-id", "networkInterfaceId"),
        ("network-interface-owner-id", "networkInterfaceOwnerId"),
        ("private-ip-address", "privateIpAddress"),
    ],
    ..PLAIN
};

/// A security group.
pub const SECURITY_GROUP: Noun = Noun {
    operation: "DescribeSecurityGroups",
    kind: "security-group",
    prefix: "sg-",
    word: "security group",
    not_found: "InvalidGroup.NotFound",
    malformed: Some("InvalidGroupId.Malformed"),
    ids: "GroupId",
    set: "securityGroupInfo",
    tells_no_tags: false,
    filters: &[
        ("group-id", "groupId"),
        ("group-name", "groupName"),
        ("vpc-id", "vpcId"),
        ("description", "groupDescription"),
        ("owner-id", "ownerId"),
        ("ip-permission.from-port", "ipPermissions/fromPort"),
        ("ip-permission.to-port", "ipPermissions/toPort"),
        ("ip-permission.protocol", "ipPermissions/ipProtocol"),
        ("ip-permission.group-id", "ipPermissions/groups/groupId"),
        ("ip-permission.user-id", "ipPermissions/groups/userId"),
        ("ip-permission.cidr", "ipPermissions/ipRanges/cidrIp"),
        ("egress.ip-permission.from-port", "ipPermissionsEgress/fromPort"),
        ("egress.ip-permission.to-port", "ipPermissionsEgress/toPort"),
        ("egress.ip-permission.protocol", "ipPermissionsEgress/ipProtocol"),
        ("egress.ip-permission.group-id", "ipPermissionsEgress/groups/groupId"),
        ("egress.ip-permission.user-id", "ipPermissionsEgress/groups/userId"),
        ("egress.ip-permission.cidr", "ipPermissionsEgress/ipRanges/cidrIp"),
    ],
    ..PLAIN
};

/// A security group's rule; its group keeps it.
pub const SECURITY_GROUP_RULE: Noun = Noun {
    operation: "DescribeSecurityGroupRules",
    prefix: "sgr-",
    kind: "security-group-rule",
    word: "security group rule ID",
    not_found: "InvalidSecurityGroupRuleId.NotFound",
    ids: "SecurityGroupRuleId",
    set: "securityGroupRuleSet",
    filters: &[("group-id", "groupId"), ("security-group-rule-id", "securityGroupRuleId")],
    ..PLAIN
};

/// An instance.
pub const INSTANCE: Noun = Noun {
    operation: "DescribeInstances",
    kind: "instance",
    prefix: "i-",
    word: "instance ID",
    not_found: "InvalidInstanceID.NotFound",
    malformed: Some("InvalidInstanceID.Malformed"),
    ids: "InstanceId",
    pages_of_ids: false,
    set: "instancesSet",
    tells_no_tags: false,
    filters: &[
        ("instance-id", "instanceId"),
        ("vpc-id", "vpcId"),
        ("subnet-id", "subnetId"),
        ("instance-state-name", "instanceState/name"),
        ("instance-state-code", "instanceState/code"),
        ("instance-type", "instanceType"),
        ("image-id", "imageId"),
        ("availability-zone", "placement/availabilityZone"),
        ("private-ip-address", "privateIpAddress"),
        ("private-dns-name", "privateDnsName"),
        ("ip-address", "ipAddress"),
        ("dns-name", "dnsName"),
        ("owner-id", "reservation/ownerId"),
        ("reservation-id", "reservation/reservationId"),
        ("instance.group-id", "groupSet/groupId"),
        ("instance.group-name", "groupSet/groupName"),
        ("iam-instance-profile.arn", "iamInstanceProfile/arn"),
        ("iam-instance-profile.id", "iamInstanceProfile/id"),
        ("architecture", "architecture"),
        ("client-token", "clientToken"),
        ("ebs-optimized", "ebsOptimized"),
        ("hypervisor", "hypervisor"),
        ("launch-index", "amiLaunchIndex"),
        ("launch-time", "launchTime"),
        ("monitoring-state", "monitoring/state"),
        ("root-device-name", "rootDeviceName"),
        ("root-device-type", "rootDeviceType"),
        ("source-dest-check", "sourceDestCheck"),
        ("state-reason-code", "stateReason/code"),
        ("tenancy", "placement/tenancy"),
        ("virtualization-type", "virtualizationType"),
        ("network-interface.network-interface-id", "networkInterfaceSet/networkInterfaceId"),
        ("network-interface.subnet-id", "networkInterfaceSet/subnetId"),
        ("network-interface.vpc-id", "networkInterfaceSet/vpcId"),
        ("network-interface.private-dns-name", "networkInterfaceSet/privateDnsName"),
        ("network-interface.addresses.private-ip-address", "networkInterfaceSet/privateIpAddress"),
        ("network-interface.group-id", "networkInterfaceSet/groupSet/groupId"),
    ],
    ..PLAIN
};
