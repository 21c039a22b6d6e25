//! The nouns of networks.

use super::{Noun, PLAIN};

/// A virtual private cloud.
pub const VPC: Noun = Noun {
    operation: "DescribeVpcs",
    kind: "vpc",
    prefix: "vpc-",
    word: "vpc ID",
    not_found: "InvalidVpcID.NotFound",
    ids: "VpcId",
    set: "vpcSet",
    tells_no_tags: false,
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
    ..PLAIN
};

/// A subnet.
pub const SUBNET: Noun = Noun {
    operation: "DescribeSubnets",
    kind: "subnet",
    prefix: "subnet-",
    word: "subnet ID",
    not_found: "InvalidSubnetID.NotFound",
    ids: "SubnetId",
    set: "subnetSet",
    tells_no_tags: false,
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
    ..PLAIN
};

/// A route table.
pub const ROUTE_TABLE: Noun = Noun {
    operation: "DescribeRouteTables",
    kind: "route-table",
    prefix: "rtb-",
    word: "routeTable ID",
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
    ..PLAIN
};

/// An internet gateway.
pub const INTERNET_GATEWAY: Noun = Noun {
    operation: "DescribeInternetGateways",
    kind: "internet-gateway",
    prefix: "igw-",
    word: "internetGateway ID",
    not_found: "InvalidInternetGatewayID.NotFound",
    ids: "InternetGatewayId",
    set: "internetGatewaySet",
    filters: &[
        ("internet-gateway-id", "internetGatewayId"),
        ("attachment.vpc-id", "attachmentSet/vpcId"),
        ("attachment.state", "attachmentSet/state"),
        ("owner-id", "ownerId"),
    ],
    ..PLAIN
};

/// A NAT gateway.
pub const NAT_GATEWAY: Noun = Noun {
    operation: "DescribeNatGateways",
    kind: "natgateway",
    prefix: "nat-",
    word: "NatGateway ID",
    not_found: "NatGatewayNotFound",
    ids: "NatGatewayId",
    set: "natGatewaySet",
    filters: &[("nat-gateway-id", "natGatewayId"), ("vpc-id", "vpcId"), ("subnet-id", "subnetId"), ("state", "state")],
    ..PLAIN
};

/// A virtual private gateway: nothing here makes one, so that every answer is that there is none.
pub const VPN_GATEWAY: Noun = Noun {
    operation: "DescribeVpnGateways",
    kind: "vpn-gateway",
    prefix: "vgw-",
    word: "vpnGateway ID",
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
    ..PLAIN
};
