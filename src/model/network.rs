//! VPCs and subnets.

/// A VPC with its subnets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpc {
    /// `vpc-…`.
    pub id: String,
    /// Its subnets, by availability zone and then by id.
    pub subnets: Vec<Subnet>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// `subnet-…`.
    pub id: String,
    pub zone: String,
    /// The `aws-cdk:subnet-type` tag.
    pub cdk_type: Option<String>,
    /// Whether its route table has a route to an internet gateway.
    pub public: bool,
}
