//! Endpoint URLs: validation, and output without user and password.

/// Whether this is an HTTP or HTTPS URL with a host.
pub(crate) fn is_endpoint_url(text: &str) -> bool {
    let url = text.parse::<http::Uri>();
    url.is_ok_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some())
}

/// A URL without `USER:PASSWORD@`, for output.
pub(crate) fn without_user_info(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_user_and_password() {
        for (url, shown) in [
            ("http://127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("https://me:p@ss@proxy.example:8443/aws", "https://proxy.example:8443/aws"),
            ("https://proxy.example/a@b", "https://proxy.example/a@b"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(without_user_info(url), shown);
        }
    }
}
