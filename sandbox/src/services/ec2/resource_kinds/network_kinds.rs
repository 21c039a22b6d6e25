//! The resource kinds of networks.

use super::{DEFAULT, ResourceKind};

pub(crate) const VPC: ResourceKind = ResourceKind {
    operation: "DescribeVpcs",
    type_name: "vpc",
    prefix: "vpc-",
    label: "vpc ID",
    not_found: "InvalidVpcID.NotFound",
    ids: "VpcId",
    set: "vpcSet",
    shows_empty_tags: false,
    filters: &[
        ("vpc-id", "vpcId"),
        ("cidr", "cidrBlock"),
        ("cidr-block", "cidrBlock"),
        ("cidrBlock", "cidrBlock"),
        ("cidr-block-association.association-id", "cidrBlockAssociationSet/associationId"),
        ("cidr-block-association.cidr-block", "cidrBlockAssociationSet/cidrBlock"),
        ("cidr-block-association.state", "cidrBlockAssociationSet/cidrBlockState/state"),
        ("state", "state"),
        ("is-default", "isDefault"),
        ("isDefault", "isDefault"),
        ("owner-id", "ownerId"),
        ("dhcp-options-id", "dhcpOptionsId"),
    ],
    ..DEFAULT
};

pub(crate) const SUBNET: ResourceKind = ResourceKind {
    operation: "DescribeSubnets",
    type_name: "subnet",
    prefix: "subnet-",
    label: "subnet ID",
    not_found: "InvalidSubnetID.NotFound",
    ids: "SubnetId",
    set: "subnetSet",
    shows_empty_tags: false,
    filters: &[
        ("subnet-id", "subnetId"),
        ("vpc-id", "vpcId"),
        ("availability-zone", "availabilityZone"),
        ("availabilityZone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("cidr", "cidrBlock"),
        ("cidr-block", "cidrBlock"),
        ("cidrBlock", "cidrBlock"),
        ("available-ip-address-count", "availableIpAddressCount"),
        ("enable-dns64", "enableDns64"),
        ("ipv6-native", "ipv6Native"),
        ("subnet-arn", "subnetArn"),
        ("private-dns-name-options-on-launch.hostname-type", "privateDnsNameOptionsOnLaunch/hostnameType"),
        ("map-public-ip-on-launch", "mapPublicIpOnLaunch"),
        ("default-for-az", "defaultForAz"),
        ("defaultForAz", "defaultForAz"),
        ("state", "state"),
        ("owner-id", "ownerId"),
    ],
    ..DEFAULT
};

pub(crate) const ROUTE_TABLE: ResourceKind = ResourceKind {
    operation: "DescribeRouteTables",
    type_name: "route-table",
    prefix: "rtb-",
    label: "routeTable ID",
    not_found: "InvalidRouteTableID.NotFound",
    ids: "RouteTableId",
    set: "routeTableSet",
    filters: &[
        ("route-table-id", "routeTableId"),
        ("vpc-id", "vpcId"),
        ("association.main", "associationSet/main"),
        ("association.subnet-id", "associationSet/subnetId"),
        ("association.route-table-id", "associationSet/routeTableId"),
        ("association.route-table-association-id", "associationSet/routeTableAssociationId"),
        ("route.destination-cidr-block", "routeSet/destinationCidrBlock"),
        ("route.gateway-id", "routeSet/gatewayId"),
        ("route.nat-gateway-id", "routeSet/natGatewayId"),
        ("route.origin", "routeSet/origin"),
        ("route.state", "routeSet/state"),
        ("owner-id", "ownerId"),
    ],
    ..DEFAULT
};

pub(crate) const INTERNET_GATEWAY: ResourceKind = ResourceKind {
    operation: "DescribeInternetGateways",
    type_name: "internet-gateway",
    prefix: "igw-",
    label: "internetGateway ID",
    not_found: "InvalidInternetGatewayID.NotFound",
    ids: "InternetGatewayId",
    set: "internetGatewaySet",
    filters: &[
        ("internet-gateway-id", "internetGatewayId"),
        ("attachment.vpc-id", "attachmentSet/vpcId"),
        ("attachment.state", "attachmentSet/state"),
        ("owner-id", "ownerId"),
    ],
    ..DEFAULT
};

pub(crate) const NAT_GATEWAY: ResourceKind = ResourceKind {
    operation: "DescribeNatGateways",
    type_name: "natgateway",
    prefix: "nat-",
    label: "NatGateway ID",
    not_found: "NatGatewayNotFound",
    ids: "NatGatewayId",
    set: "natGatewaySet",
    filters: &[("nat-gateway-id", "natGatewayId"), ("vpc-id", "vpcId"), ("subnet-id", "subnetId"), ("state", "state")],
    ..DEFAULT
};

/// A virtual private gateway. None can be created, so every list is empty.
pub(crate) const VPN_GATEWAY: ResourceKind = ResourceKind {
    operation: "DescribeVpnGateways",
    type_name: "vpn-gateway",
    prefix: "vgw-",
    label: "vpnGateway ID",
    not_found: "InvalidVpnGatewayID.NotFound",
    ids: "VpnGatewayId",
    set: "vpnGatewaySet",
    filters: &[
        ("vpn-gateway-id", "vpnGatewayId"),
        ("attachment.vpc-id", "attachments/vpcId"),
        ("attachment.state", "attachments/state"),
        ("amazon-side-asn", "amazonSideAsn"),
        ("availability-zone", "availabilityZone"),
        ("state", "state"),
        ("type", "type"),
    ],
    ..DEFAULT
};
