//! What a request may look like at all, before its signature or anything else of it counts.
//!
//! Nothing that is refused here has been read further than its head. Browsers are refused whatever they ask: pages have no
//! business here, and no answer ever carries a header that would let one read it.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use http_body_util::LengthLimitError;

use super::Fault;

/// The largest body that is read: above every served operation's own limit (a log batch is 1 MiB).
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// The longest path and query string.
const MAX_URI_BYTES: usize = 32 * 1024;
/// How long a body may take to arrive.
const BODY: Duration = Duration::from_secs(30);
/// How long a body that nobody wants is still read, so that its sender comes to reading the refusal.
const UNWANTED: Duration = Duration::from_secs(2);

/// Headers that browsers add by themselves and no AWS client sends.
const BROWSER_HEADERS: &[&str] = &["origin", "sec-fetch-site", "access-control-request-method"];

/// Refuses a request by its head.
pub fn check_head(parts: &Parts, headers: &BTreeMap<String, String>, hosts: &[String]) -> Result<(), Fault> {
    if !headers.get("host").is_some_and(|host| hosts.contains(host)) {
        return Err(Fault::new(403, "InvalidHost", "The Host header is not this sandbox's loopback address"));
    }
    if let Some(name) = BROWSER_HEADERS.iter().find(|name| headers.contains_key(**name)) {
        let message = format!("The sandbox does not answer browsers: the request has the header {name}");
        return Err(Fault::new(403, "AccessDenied", message));
    }
    let uri_bytes = parts.uri.path_and_query().map_or(0, |uri| uri.as_str().len());
    if uri_bytes > MAX_URI_BYTES {
        return Err(Fault::new(414, "RequestURITooLong", format!("The URI is longer than {MAX_URI_BYTES} bytes")));
    }
    if let Some(encoding) = headers.get("content-encoding").filter(|encoding| *encoding != "identity") {
        let message =
            format!("The sandbox reads bodies as they are and does not serve the Content-Encoding {encoding}");
        return Err(Fault::new(415, "UnsupportedMediaType", message));
    }
    let stated = headers.get("content-length").and_then(|length| length.parse::<usize>().ok());
    if stated.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    Ok(())
}

/// Reads a body.
pub async fn read_body(body: Body) -> Result<Bytes, Fault> {
    match tokio::time::timeout(BODY, axum::body::to_bytes(body, MAX_BODY_BYTES)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.source().is_some_and(<dyn Error>::is::<LengthLimitError>) => Err(too_large()),
        Ok(Err(_)) => {
            let message = "The request's body is broken off, or its chunks are not what HTTP asks for";
            Err(Fault::client("MalformedHttpRequestException", message))
        }
        Err(_) => Err(Fault::new(408, "RequestTimeout", "The request's body did not arrive in time")),
    }
}

/// Reads a body that nobody wants, and keeps nothing of it.
pub async fn discard(body: Body) {
    use http_body_util::BodyExt as _;

    let mut body = std::pin::pin!(body);
    let all = async {
        let mut left = MAX_BODY_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    let _ = tokio::time::timeout(UNWANTED, all).await;
}

fn too_large() -> Fault {
    Fault::new(413, "RequestEntityTooLarge", format!("The request body is larger than {MAX_BODY_BYTES} bytes"))
}
