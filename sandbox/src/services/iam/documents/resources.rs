//! The ARNs that a policy is about.

use super::syntax::Statement;

/// Source: "Amazon Resource Names" in the IAM user guide, and AWS's ISO and European partitions.
const PARTITIONS: &[&str] =
    &["*", "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

/// The resources of S3 that are in a region, as the service authorization reference lists them.
const REGIONAL_IN_S3: &[&str] = &["accesspoint", "job/", "storage-lens", "async-request/", "access-grants/"];

/// What IAM has under an account.
const IN_IAM: &[&str] = &[
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// What is wrong with the first of the resources that is wrong. Of one statement's resources, the order is the alphabet's.
pub(super) fn first_wrong(statements: &[Statement<'_>]) -> Option<String> {
    statements.iter().find_map(|statement| {
        let mut resources: Vec<&str> = statement.resources().collect();
        resources.sort_unstable();
        resources.into_iter().find_map(wrong)
    })
}

fn wrong(resource: &str) -> Option<String> {
    if resource == "*" {
        return None;
    }
    let mut parts = resource.splitn(6, ':');
    let (scheme, partition) = (parts.next().unwrap_or_default(), parts.next());
    let partition = partition.filter(|partition| scheme == "arn" || !PARTITIONS.contains(partition));
    let Some(partition) = partition else {
        return Some(format!("Resource {resource} must be in ARN format or \"*\"."));
    };
    let [vendor, region, account, rest] = [(); 4].map(|()| parts.next());
    if !PARTITIONS.contains(&partition) {
        let [vendor, region, account, rest] = [vendor, region, account, rest].map(|part| part.unwrap_or("*"));
        let shown = format!("arn:{partition}:{vendor}:{region}:{account}:{rest}");
        return Some(format!("Partition \"{partition}\" is not valid for resource \"{shown}\"."));
    }
    let Some(vendor) = vendor.filter(|vendor| !vendor.contains(['*', '?'])) else {
        return Some("Resource vendor must be fully qualified and cannot contain regexes.".to_owned());
    };
    let (in_region, rest) = (region.is_some_and(|region| !region.is_empty()), rest.unwrap_or_default());
    match vendor {
        "s3" if in_region && !REGIONAL_IN_S3.iter().any(|begin| rest.starts_with(begin)) => {
            Some(format!("Resource {resource} can not contain region information."))
        }
        "iam" if in_region => Some(format!("IAM resource {resource} cannot contain region information.")),
        "iam" if rest != "*" && !IN_IAM.iter().any(|begin| rest.starts_with(begin)) => {
            let known = IN_IAM.join(", ");
            Some(format!("IAM resource path must either be \"*\" or start with {known}."))
        }
        _ => None,
    }
}

/// Whether the old parser takes every resource: a vendor, and no part left out at the end once one was left empty.
pub(super) fn old_parser_takes(statements: &[Statement<'_>]) -> bool {
    statements.iter().flat_map(Statement::resources).all(|resource| {
        let has_vendor = resource.split(':').nth(2).is_some_and(|vendor| !vendor.is_empty());
        resource == "*" || has_vendor && (resource.matches(':').count() >= 5 || !resource.contains("::"))
    })
}
