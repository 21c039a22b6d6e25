//! Resolves EC2's endpoint.

use aws_config::SdkConfig;
use aws_sdk_cloudformation::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_types::service_config::ServiceConfigKey;

use super::query::{SERVICE_ID, SERVICE_NAME};
use crate::url::without_user_info;

/// The URL that flags, environment or profile set for EC2 or for all services, or else AWS's endpoint.
pub(super) async fn endpoint_url(config: &SdkConfig, region: &str) -> std::result::Result<String, BoxError> {
    let key =
        ServiceConfigKey::builder().service_id(SERVICE_ID).env("AWS_ENDPOINT_URL").profile("endpoint_url").build()?;
    // As in the typed clients, the flag is for every service and takes precedence over all settings.
    let is_flag = config.get_origin("endpoint_url").is_client_config();
    let service_url = config.service_config().filter(|_| !is_flag).and_then(|settings| settings.load_config(key));
    let url = service_url.as_deref().or_else(|| config.endpoint_url()).map(without_user_info);
    let (fips, dual_stack) = (config.use_fips() == Some(true), config.use_dual_stack() == Some(true));
    resolve(region, url, fips, dual_stack).await
}

/// Resolves the endpoint by CloudFormation's rules, which differ from EC2's only in the host name. Source: the endpoint rule sets in
/// AWS's service models.
async fn resolve(
    region: &str,
    url: Option<String>,
    fips: bool,
    dual_stack: bool,
) -> std::result::Result<String, BoxError> {
    let params = Params::builder().region(region).use_fips(fips).use_dual_stack(dual_stack);
    let params = params.set_endpoint(url.clone()).build()?;
    let endpoint = ResolveEndpoint::resolve_endpoint(&DefaultResolver::new(), &params).await?;
    if url.is_some() {
        return Ok(endpoint.url().to_owned());
    }
    let rest = endpoint.url().strip_prefix("https://cloudformation");
    let rest = rest.ok_or_else(|| format!("{} is not an endpoint of AWS", endpoint.url()))?;
    Ok(format!("https://{SERVICE_NAME}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn endpoints_follow_the_partition_fips_and_dual_stack() {
        // As botocore 1.44.8 resolves them, from the rule sets of the services.
        for (region, fips, dual_stack, host) in [
            ("eu-west-1", false, false, "ec2.eu-west-1.amazonaws.com"),
            ("eu-west-1", true, false, "ec2-fips.eu-west-1.amazonaws.com"),
            ("eu-west-1", false, true, "ec2.eu-west-1.api.aws"),
            ("eu-west-1", true, true, "ec2-fips.eu-west-1.api.aws"),
            ("us-gov-west-1", true, false, "ec2.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", false, false, "ec2.cn-north-1.amazonaws.com.cn"),
            ("us-iso-east-1", false, false, "ec2.us-iso-east-1.c2s.ic.gov"),
            ("us-isob-east-1", false, false, "ec2.us-isob-east-1.sc2s.sgov.gov"),
            ("eu-isoe-west-1", false, false, "ec2.eu-isoe-west-1.cloud.adc-e.uk"),
            ("us-isof-south-1", false, false, "ec2.us-isof-south-1.csp.hci.ic.gov"),
            ("eusc-de-east-1", false, false, "ec2.eusc-de-east-1.amazonaws.eu"),
        ] {
            let resolved = resolve(region, None, fips, dual_stack).await.expect("the partition supports it");
            assert_eq!(resolved, format!("https://{host}"), "{region} {fips} {dual_stack}");
        }
        let custom = |fips| resolve("eu-west-1", Some("http://localhost:1/x".to_owned()), fips, false);
        assert_eq!(custom(false).await.ok().as_deref(), Some("http://localhost:1/x"));
        assert!(custom(true).await.is_err(), "no SDK sends FIPS calls to another endpoint");
    }
}
