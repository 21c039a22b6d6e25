//! Endpoints of services without a typed client.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::config::endpoint as cloudformation;
use aws_sdk_ecs::config::endpoint as ecs;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_types::service_config::ServiceConfigKey;

use super::RawService;
use crate::hint::without_user_info;

/// Whose endpoint rules apply, compared with the endpoint rule sets in AWS's service models.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rules {
    /// FIPS hosts in `aws-us-gov` have the ordinary name.
    CloudFormation,
    /// FIPS hosts are named `-fips` everywhere.
    Ecs,
}

/// The endpoint of a service: the URL that flags, environment or profile set for it or for all services, or else AWS's endpoint.
pub(super) async fn endpoint_url(
    config: &SdkConfig,
    region: &str,
    service: &RawService,
) -> std::result::Result<String, BoxError> {
    let key =
        ServiceConfigKey::builder().service_id(service.id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build()?;
    // As in the typed clients, the flag is for every service and takes precedence over all settings.
    let is_flag = config.get_origin("endpoint_url").is_client_config();
    let of_service = config.service_config().filter(|_| !is_flag).and_then(|settings| settings.load_config(key));
    let url = of_service.as_deref().or_else(|| config.endpoint_url()).map(without_user_info);
    let (fips, dual_stack) = (config.use_fips() == Some(true), config.use_dual_stack() == Some(true));
    resolve(service, region, url, fips, dual_stack).await
}

/// The services with typed clients, by the ids of their models.
const TYPED: [&str; 6] =
    ["CloudFormation", "ECS", "CloudWatch Logs", "Application Auto Scaling", "ServiceDiscovery", "STS"];

/// The endpoints that environment or profile set for single services, joined by `or`: an error of a call names them. `None` if there are
/// none, or if a flag replaces them.
pub(in crate::aws) fn service_endpoints(config: &SdkConfig) -> Option<String> {
    let settings = config.service_config().filter(|_| !config.get_origin("endpoint_url").is_client_config())?;
    let url_of = |id| {
        let key = ServiceConfigKey::builder().service_id(id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
        settings.load_config(key.ok()?)
    };
    let urls: BTreeSet<String> = TYPED.into_iter().filter_map(url_of).map(|url| without_user_info(&url)).collect();
    (!urls.is_empty()).then(|| urls.into_iter().collect::<Vec<_>>().join(" or "))
}

/// The endpoint by the rules of a typed client's service.
async fn resolve(
    service: &RawService,
    region: &str,
    url: Option<String>,
    fips: bool,
    dual_stack: bool,
) -> std::result::Result<String, BoxError> {
    let (prefix, resolved) = match service.rules {
        Rules::CloudFormation => {
            use cloudformation::{DefaultResolver, Params, ResolveEndpoint};
            let params = Params::builder().region(region).use_fips(fips).use_dual_stack(dual_stack);
            let params = params.set_endpoint(url.clone()).build()?;
            let endpoint = ResolveEndpoint::resolve_endpoint(&DefaultResolver::new(), &params).await?;
            ("https://cloudformation", endpoint.url().to_owned())
        }
        Rules::Ecs => {
            use ecs::{DefaultResolver, Params, ResolveEndpoint};
            let params = Params::builder().region(region).use_fips(fips).use_dual_stack(dual_stack);
            let params = params.set_endpoint(url.clone()).build()?;
            let endpoint = ResolveEndpoint::resolve_endpoint(&DefaultResolver::new(), &params).await?;
            ("https://ecs", endpoint.url().to_owned())
        }
    };
    if url.is_some() {
        return Ok(resolved);
    }
    let rest = resolved.strip_prefix(prefix).ok_or_else(|| format!("{resolved} is not an endpoint of AWS"))?;
    if dual_stack && service.has_dual_stack_in_ordinary_hosts {
        let ordinary = Box::pin(resolve(service, region, None, fips, false)).await?;
        if ordinary.ends_with(".amazonaws.com") || (ordinary.ends_with(".amazonaws.com.cn") && !fips) {
            return Ok(ordinary);
        }
    }
    Ok(format!("https://{}{rest}", service.name))
}

#[cfg(test)]
mod tests {
    use super::super::{EC2, SECRETS_MANAGER, SSM};
    use super::*;

    #[tokio::test]
    async fn endpoints_are_those_of_the_partition_with_fips_and_dual_stack() {
        // As botocore 1.44.8 resolves them, from the rule sets of the services.
        for (service, region, fips, dual_stack, host) in [
            (&EC2, "eu-west-1", false, false, "ec2.eu-west-1.amazonaws.com"),
            (&EC2, "eu-west-1", true, false, "ec2-fips.eu-west-1.amazonaws.com"),
            (&EC2, "eu-west-1", false, true, "ec2.eu-west-1.api.aws"),
            (&EC2, "eu-west-1", true, true, "ec2-fips.eu-west-1.api.aws"),
            (&EC2, "us-gov-west-1", true, false, "ec2.us-gov-west-1.amazonaws.com"),
            (&EC2, "cn-north-1", false, false, "ec2.cn-north-1.amazonaws.com.cn"),
            (&EC2, "us-iso-east-1", false, false, "ec2.us-iso-east-1.c2s.ic.gov"),
            (&EC2, "us-isob-east-1", false, false, "ec2.us-isob-east-1.sc2s.sgov.gov"),
            (&EC2, "eu-isoe-west-1", false, false, "ec2.eu-isoe-west-1.cloud.adc-e.uk"),
            (&EC2, "us-isof-south-1", false, false, "ec2.us-isof-south-1.csp.hci.ic.gov"),
            (&EC2, "eusc-de-east-1", false, false, "ec2.eusc-de-east-1.amazonaws.eu"),
            (&SSM, "us-gov-west-1", true, false, "ssm.us-gov-west-1.amazonaws.com"),
            (&SECRETS_MANAGER, "us-gov-west-1", true, false, "secretsmanager-fips.us-gov-west-1.amazonaws.com"),
            (&SECRETS_MANAGER, "eu-west-1", false, true, "secretsmanager.eu-west-1.amazonaws.com"),
            (&SECRETS_MANAGER, "eu-west-1", true, true, "secretsmanager-fips.eu-west-1.amazonaws.com"),
            (&SECRETS_MANAGER, "cn-north-1", false, true, "secretsmanager.cn-north-1.amazonaws.com.cn"),
            (&SECRETS_MANAGER, "cn-north-1", true, true, "secretsmanager-fips.cn-north-1.api.amazonwebservices.com.cn"),
            (&SECRETS_MANAGER, "eusc-de-east-1", false, true, "secretsmanager.eusc-de-east-1.api.amazonwebservices.eu"),
        ] {
            let resolved = resolve(service, region, None, fips, dual_stack).await.expect("the partition supports it");
            assert_eq!(resolved, format!("https://{host}"), "{region} {fips} {dual_stack}");
        }
        let custom = |fips| resolve(&EC2, "eu-west-1", Some("http://localhost:1/x".to_owned()), fips, false);
        assert_eq!(custom(false).await.ok().as_deref(), Some("http://localhost:1/x"));
        assert!(custom(true).await.is_err(), "no SDK sends FIPS calls to another endpoint");
    }
}
