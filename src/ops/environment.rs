//! The account and region that the clients reach, checked against `[target]` of `ecsws.toml`.

use super::{OpsError, Result};
use crate::aws::Aws;
use crate::model::Stack;
use crate::stack::Environment;
use crate::stack::spec::Target;

/// The account, which STS returns, and region that the clients reach.
pub(crate) async fn caller_environment(aws: &Aws) -> Result<Environment> {
    Ok(Environment { account: aws.identity().await?.account, region: aws.region().to_owned() })
}

/// Fails if the clients reach another region than `[target]`'s.
pub(crate) fn check_region(aws: &Aws, target: &Target) -> Result<()> {
    check_target("region", target.region.as_ref(), aws.region())
}

/// The account and region that the clients reach. The account is the one in the ARN of one of `stacks`; STS is called if there are none.
///
/// # Errors
/// If `[target]` has another account or region.
pub(crate) async fn target_environment(aws: &Aws, target: &Target, stacks: &[Option<Stack>]) -> Result<Environment> {
    check_region(aws, target)?;
    let account = stacks.iter().flatten().map(Stack::account).find(|account| !account.is_empty());
    let environment = match account {
        Some(account) => Environment { account: account.to_owned(), region: aws.region().to_owned() },
        None => caller_environment(aws).await?,
    };
    check_target("account", target.account.as_ref(), &environment.account)?;
    Ok(environment)
}

/// Fails if the clients reach another account or region than the one that a template is for: their answers must not be pinned for it.
pub(crate) async fn check_environment(aws: &Aws, target: &Target, expected: &Environment) -> Result<()> {
    let actual = target_environment(aws, target, &[]).await?;
    if actual == *expected { Ok(()) } else { Err(OpsError::WrongEnvironment { expected: expected.clone(), actual }) }
}

fn check_target(what: &'static str, expected: Option<&String>, actual: &str) -> Result<()> {
    match expected.filter(|expected| *expected != actual) {
        Some(expected) => Err(OpsError::WrongTarget { what, expected: expected.clone(), actual: actual.to_owned() }),
        None => Ok(()),
    }
}
