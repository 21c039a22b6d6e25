//! The resource kinds of instances, security groups and addresses.

use super::{DEFAULT, ResourceKind, Selector};

/// An elastic IP address.
pub(crate) const ADDRESS: ResourceKind = ResourceKind {
    operation: "DescribeAddresses",
    type_name: "elastic-ip",
    prefix: "eipalloc-",
    label: "allocation ID",
    not_found: "InvalidAllocationID.NotFound",
    ids: "AllocationId",
    selectors: &[Selector {
        member: "PublicIp",
        path: "publicIp",
        not_found: "InvalidAddress.NotFound",
        message: "Address '{}' not found.",
    }],
    set: "addressesSet",
    shows_empty_tags: false,
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
    ..DEFAULT
};

/// A security group.
pub(crate) const SECURITY_GROUP: ResourceKind = ResourceKind {
    operation: "DescribeSecurityGroups",
    type_name: "security-group",
    prefix: "sg-",
    label: "security group",
    not_found: "InvalidGroup.NotFound",
    malformed: Some("InvalidGroupId.Malformed"),
    ids: "GroupId",
    set: "securityGroupInfo",
    shows_empty_tags: false,
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
    ..DEFAULT
};

/// A rule of a security group, stored in the group's record.
pub(crate) const SECURITY_GROUP_RULE: ResourceKind = ResourceKind {
    operation: "DescribeSecurityGroupRules",
    prefix: "sgr-",
    type_name: "security-group-rule",
    label: "security group rule ID",
    not_found: "InvalidSecurityGroupRuleId.NotFound",
    ids: "SecurityGroupRuleId",
    set: "securityGroupRuleSet",
    filters: &[("group-id", "groupId"), ("security-group-rule-id", "securityGroupRuleId")],
    ..DEFAULT
};

pub(crate) const INSTANCE: ResourceKind = ResourceKind {
    operation: "DescribeInstances",
    type_name: "instance",
    prefix: "i-",
    label: "instance ID",
    not_found: "InvalidInstanceID.NotFound",
    malformed: Some("InvalidInstanceID.Malformed"),
    ids: "InstanceId",
    pages_with_ids: false,
    set: "instancesSet",
    shows_empty_tags: false,
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
    ..DEFAULT
};
