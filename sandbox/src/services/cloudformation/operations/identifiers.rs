//! By which properties a resource of a type is known when it is imported: the primary identifiers of the types' schemas.

const IDENTIFIERS: &[(&str, &[&str])] = &[
    ("AWS::ApplicationAutoScaling::ScalableTarget", &["ResourceId", "ScalableDimension", "ServiceNamespace"]),
    ("AWS::ApplicationAutoScaling::ScalingPolicy", &["Arn", "ScalableDimension"]),
    ("AWS::CloudWatch::Alarm", &["AlarmName"]),
    ("AWS::EC2::EIP", &["PublicIp", "AllocationId"]),
    ("AWS::EC2::Instance", &["InstanceId"]),
    ("AWS::EC2::InternetGateway", &["InternetGatewayId"]),
    ("AWS::EC2::NatGateway", &["NatGatewayId"]),
    ("AWS::EC2::Route", &["RouteTableId", "CidrBlock"]),
    ("AWS::EC2::RouteTable", &["RouteTableId"]),
    ("AWS::EC2::SecurityGroup", &["Id"]),
    ("AWS::EC2::SecurityGroupEgress", &["Id"]),
    ("AWS::EC2::SecurityGroupIngress", &["Id"]),
    ("AWS::EC2::Subnet", &["SubnetId"]),
    ("AWS::EC2::SubnetRouteTableAssociation", &["Id"]),
    ("AWS::EC2::VPC", &["VpcId"]),
    ("AWS::EC2::VPCGatewayAttachment", &["AttachmentType", "VpcId"]),
    ("AWS::ECS::Cluster", &["ClusterName"]),
    ("AWS::ECS::ClusterCapacityProviderAssociations", &["Cluster"]),
    ("AWS::ECS::Service", &["ServiceArn", "Cluster"]),
    ("AWS::ECS::TaskDefinition", &["TaskDefinitionArn"]),
    ("AWS::IAM::InstanceProfile", &["InstanceProfileName"]),
    ("AWS::IAM::ManagedPolicy", &["PolicyArn"]),
    ("AWS::IAM::Role", &["RoleName"]),
    ("AWS::IAM::RolePolicy", &["PolicyName", "RoleName"]),
    ("AWS::Logs::LogGroup", &["LogGroupName"]),
    ("AWS::Logs::LogStream", &["LogGroupName", "LogStreamName"]),
    ("AWS::SSM::Parameter", &["Name"]),
    ("AWS::SecretsManager::Secret", &["Id"]),
    ("AWS::ServiceDiscovery::Service", &["Id"]),
];

/// The properties of a type; `None` for types that cannot be imported, or that are not known here.
pub fn of(kind: &str) -> Option<&'static [&'static str]> {
    IDENTIFIERS.iter().find(|(name, _)| *name == kind).map(|(_, properties)| *properties)
}
