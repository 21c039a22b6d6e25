//! Tests of the configuration.

use super::*;

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn section(pairs: &[(&str, &str)]) -> ProfileSection {
    variables(pairs).into_iter().collect()
}

#[test]
fn the_users_retry_settings_replace_the_default() {
    let retries_with = |environment: &[(&str, &str)], profile: &[(&str, &str)]| {
        retries(&variables(environment), "dev", Some(&section(profile))).map_err(|error| error.message)
    };
    let default = RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF);
    assert_eq!(retries_with(&[], &[]), Ok(default));
    let two = RetryConfig::standard().with_max_attempts(2);
    assert_eq!(retries_with(&[("AWS_MAX_ATTEMPTS", "2")], &[("max_attempts", "9")]), Ok(two.clone()));
    assert_eq!(retries_with(&[], &[("max_attempts", "2"), ("retry_mode", "legacy")]), Ok(two));
    assert_eq!(retries_with(&[("AWS_RETRY_MODE", "adaptive")], &[]), Ok(RetryConfig::adaptive()));
    assert_eq!(retries_with(&[("AWS_RETRY_MODE", "standard")], &[]), Ok(RetryConfig::standard()));
    for (environment, profile, message) in [
        (("AWS_MAX_ATTEMPTS", "0"), ("x", "y"), "AWS_MAX_ATTEMPTS must be a whole number, 1 or more, not `0`"),
        (("AWS_RETRY_MODE", "x"), ("x", "y"), "AWS_RETRY_MODE must be standard, adaptive or legacy, not `x`"),
        (
            ("x", "y"),
            ("max_attempts", "-1"),
            "max_attempts of profile `dev` must be a whole number, 1 or more, not `-1`",
        ),
    ] {
        assert_eq!(retries_with(&[environment], &[profile]), Err(message.to_owned()));
    }
}

#[test]
fn values_that_the_sdk_would_ignore_are_rejected() {
    let check_with = |environment: &[(&str, &str)], profile: &[(&str, &str)]| {
        reject_ignored_settings(&variables(environment), "dev", Some(&section(profile))).map_err(|error| error.message)
    };
    let valid = [("AWS_USE_FIPS_ENDPOINT", "True"), ("AWS_ENDPOINT_URL_EC2", "http://localhost:1")];
    assert_eq!(check_with(&valid, &[("use_dualstack_endpoint", "false"), ("endpoint_url", "https://a/b")]), Ok(()));
    for (environment, profile, message) in [
        (("AWS_USE_FIPS_ENDPOINT", "1"), ("x", "y"), "AWS_USE_FIPS_ENDPOINT must be true or false, not `1`"),
        (
            ("x", "y"),
            ("use_fips_endpoint", "yes"),
            "use_fips_endpoint of profile `dev` must be true or false, not `yes`",
        ),
        (("AWS_ENDPOINT_URL", "banana"), ("x", "y"), "AWS_ENDPOINT_URL must be http://HOST:PORT or https://HOST"),
        (("AWS_ENDPOINT_URL_STS", "h:1"), ("x", "y"), "AWS_ENDPOINT_URL_STS must be http://HOST:PORT or https://HOST"),
    ] {
        assert_eq!(check_with(&[environment], &[profile]), Err(message.to_owned()));
    }
}

#[test]
fn debug_output_of_a_connection_has_no_secrets() {
    let keys = StaticKeys { access_key_id: "AKID".to_owned(), secret_access_key: "hidden".to_owned() };
    let connection = Connection {
        static_keys: Some(keys),
        endpoint_url: Some("http://me:hidden@localhost".to_owned()),
        variables: variables(&[("AWS_SECRET_ACCESS_KEY", "hidden")]),
        ..Connection::default()
    };
    let text = format!("{connection:?}");
    assert!(text.contains("AKID") && !text.contains("hidden"), "{text}");
}
