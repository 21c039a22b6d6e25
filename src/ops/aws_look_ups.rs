//! Look-ups of VPCs and availability zones in AWS.

use super::Result;
use crate::aws::Aws;
use crate::model;
use crate::stack::{Environment, Subnets, SynthError, VpcContext};

/// Why a template could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// Something has to be looked up, and there are no clients.
    #[error("cannot look up {0} without access to AWS")]
    NoClients(String),
    /// No zone of the region is open to the account.
    #[error("{0} has no availability zone that is open to this account")]
    NoZones(String),
    /// No VPC has the name.
    #[error("there is no VPC with the Name tag `{name}` in account {}, {}", environment.account, environment.region)]
    NoVpc {
        name: String,
        /// The account and region.
        environment: Environment,
    },
    /// More than one VPC has the name.
    #[error("{} VPCs have the Name tag `{name}`: {}", ids.len(), ids.join(", "))]
    SeveralVpcs { name: String, ids: Vec<String> },
    /// The subnets are those of the project's own platform, which is not deployed.
    #[error("stack {platform} is not deployed, and {stack} needs its subnets")]
    PlatformNotDeployed {
        platform: String,
        /// The stack that needs it.
        stack: String,
    },
    /// The spec cannot be synthesised.
    #[error(transparent)]
    Synth(#[from] SynthError),
}

/// The availability zones that are open to the account.
pub(super) async fn availability_zones(aws: &Aws) -> Result<Vec<String>> {
    let zones = aws.availability_zones().await?;
    if zones.is_empty() { Err(LookUpError::NoZones(aws.region().to_owned()).into()) } else { Ok(zones) }
}

/// The one VPC with this Name tag.
pub(super) async fn vpc(aws: &Aws, name: &str, environment: &Environment) -> Result<VpcContext> {
    let ids = aws.vpc_ids(name).await?;
    match ids.as_slice() {
        [id] => Ok(with_subnet_kinds(aws.vpc(id).await?)),
        [] => Err(LookUpError::NoVpc { name: name.to_owned(), environment: environment.clone() }.into()),
        _ => Err(LookUpError::SeveralVpcs { name: name.to_owned(), ids }.into()),
    }
}

/// cdk's two kinds of subnets: by cdk's own tag, or else by whether there is a route to an internet gateway. Isolated subnets are neither.
fn with_subnet_kinds(vpc: model::Vpc) -> VpcContext {
    let mut subnets = Subnets::default();
    for subnet in vpc.subnets {
        match subnet.cdk_type.as_deref() {
            Some("Public") => subnets.public.push(subnet.id),
            Some("Private") => subnets.private.push(subnet.id),
            Some("Isolated") => {}
            _ if subnet.public => subnets.public.push(subnet.id),
            _ => subnets.private.push(subnet.id),
        }
    }
    VpcContext { id: vpc.id, subnets }
}
