//! The table of EC2's nouns: how each is named in requests, answers and faults, and which filters it has.

/// One kind of record.
#[derive(Debug)]
pub struct Noun {
    /// What its ids begin with, the dash included.
    pub prefix: &'static str,
    /// The word for it in faults.
    pub word: &'static str,
    /// The fault's code when there is none of an id.
    pub not_found: &'static str,
    /// The parameter of Describe that lists ids.
    pub ids: &'static str,
    /// The member of the answer that lists records.
    pub set: &'static str,
    /// Its filters: a name, and the path of the member that it looks at.
    pub filters: &'static [(&'static str, &'static str)],
}

/// A virtual private cloud.
pub const VPC: Noun = Noun {
    prefix: "vpc-",
    word: "vpc ID",
    not_found: "InvalidVpcID.NotFound",
    ids: "VpcId",
    set: "vpcSet",
    filters: &[
        ("vpc-id", "vpcId"),
        ("cidr", "cidrBlock"),
        ("cidr-block-association.cidr-block", "cidrBlockAssociationSet/cidrBlock"),
        ("state", "state"),
        ("is-default", "isDefault"),
        ("isDefault", "isDefault"),
        ("owner-id", "ownerId"),
        ("dhcp-options-id", "dhcpOptionsId"),
    ],
};

/// A subnet.
pub const SUBNET: Noun = Noun {
    prefix: "subnet-",
    word: "subnet ID",
    not_found: "InvalidSubnetID.NotFound",
    ids: "SubnetId",
    set: "subnetSet",
    filters: &[
        ("subnet-id", "subnetId"),
        ("vpc-id", "vpcId"),
        ("availability-zone", "availabilityZone"),
        ("availabilityZone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("cidr-block", "cidrBlock"),
        ("cidrBlock", "cidrBlock"),
        ("map-public-ip-on-launch", "mapPublicIpOnLaunch"),
        ("default-for-az", "defaultForAz"),
        ("state", "state"),
        ("owner-id", "ownerId"),
    ],
};

/// A route table.
pub const ROUTE_TABLE: Noun = Noun {
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
        ("owner-id", "ownerId"),
    ],
};

/// An internet gateway.
pub const INTERNET_GATEWAY: Noun = Noun {
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
};

/// A NAT gateway.
pub const NAT_GATEWAY: Noun = Noun {
    prefix: "nat-",
    word: "NatGateway ID",
    not_found: "NatGatewayNotFound",
    ids: "NatGatewayId",
    set: "natGatewaySet",
    filters: &[("nat-gateway-id", "natGatewayId"), ("vpc-id", "vpcId"), ("subnet-id", "subnetId"), ("state", "state")],
};

/// A virtual private gateway: nothing here makes one, so that every answer is that there is none.
pub const VPN_GATEWAY: Noun = Noun {
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
};

/// An elastic IP address.
pub const ADDRESS: Noun = Noun {
    prefix: "eipalloc-",
    word: "allocation ID",
    not_found: "InvalidAllocationID.NotFound",
    ids: "AllocationId",
    set: "addressesSet",
    filters: &[
        ("allocation-id", "allocationId"),
        ("association-id", "associationId"),
        ("public-ip", "publicIp"),
        ("domain", "domain"),
    ],
};

/// A security group.
pub const SECURITY_GROUP: Noun = Noun {
    prefix: "sg-",
    word: "security group",
    not_found: "InvalidGroup.NotFound",
    ids: "GroupId",
    set: "securityGroupInfo",
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
        ("ip-permission.cidr", "ipPermissions/ipRanges/cidrIp"),
    ],
};

/// An instance.
pub const INSTANCE: Noun = Noun {
    prefix: "i-",
    word: "instance ID",
    not_found: "InvalidInstanceID.NotFound",
    ids: "InstanceId",
    set: "instancesSet",
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
        ("instance.group-id", "groupSet/groupId"),
        ("iam-instance-profile.arn", "iamInstanceProfile/arn"),
    ],
};

/// Every noun whose records carry tags, for `DescribeTags`: the id's prefix and the word for the resource's type.
pub const TAGGED: &[(&str, &str)] = &[
    ("vpc-", "vpc"),
    ("subnet-", "subnet"),
    ("rtb-", "route-table"),
    ("igw-", "internet-gateway"),
    ("nat-", "natgateway"),
    ("eipalloc-", "elastic-ip"),
    ("sg-", "security-group"),
    ("i-", "instance"),
];
