//! Limits that every request must respect before its signature is checked: host, headers, sizes, time and encoding.
//!
//! A request that is refused by its head has not been read any further. Browsers are always refused: no web page has a reason to call
//! the sandbox, and no response carries a header that would let one read it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt as _;

use crate::Fault;

/// The largest body that is read: above every served operation's own limit (a log batch is 1 MiB).
const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// The longest path and query string.
const MAX_URI_BYTES: usize = 32 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of the body of a refused request is read and dropped.
const MAX_DRAINED_BYTES: usize = 64 * 1024 * 1024;
/// How long it is read, so that a client that reads only after sending everything gets to the refusal.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// The only compression of bodies that is served.
const GZIP: &str = "gzip";

/// Headers that browsers add by themselves and no AWS client sends.
const BROWSER_HEADERS: &[&str] = &["origin", "sec-fetch-site", "access-control-request-method"];

/// Refuses a request by its head.
pub(super) fn check_head(parts: &Parts, headers: &BTreeMap<String, String>, hosts: &[String]) -> Result<(), Fault> {
    let is_own_authority =
        parts.uri.authority().is_none_or(|authority| hosts.iter().any(|host| host == authority.as_str()));
    if !is_own_authority || !headers.get("host").is_some_and(|host| hosts.contains(host)) {
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
    if let Some(encoding) = encoding(headers).filter(|encoding| *encoding != GZIP) {
        return Err(unsupported_encoding(encoding));
    }
    let stated = headers.get("content-length").and_then(|length| length.parse::<usize>().ok());
    if stated.is_some_and(|length| length > MAX_BODY_BYTES) {
        return Err(too_large());
    }
    Ok(())
}

/// Reads a body, as far as the limits of size and time allow.
pub(super) async fn read_body(mut body: Body) -> Result<Bytes, Fault> {
    match tokio::time::timeout(BODY_TIMEOUT, read_all(&mut body)).await {
        Ok(Err(fault)) => {
            drain(body).await;
            Err(fault)
        }
        Ok(result) => result,
        Err(_) => Err(Fault::new(408, "RequestTimeout", "The request's body did not arrive in time")),
    }
}

async fn read_all(body: &mut Body) -> Result<Bytes, Fault> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            let message = "The request's body is incomplete, or not in HTTP's chunked encoding";
            Fault::client("MalformedHttpRequestException", message)
        })?;
        let data = frame.into_data().unwrap_or_default();
        if bytes.len() + data.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

/// Reads the body of a refused request and drops it.
pub(super) async fn drain(mut body: Body) {
    let all = async {
        let mut remaining = MAX_DRAINED_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match remaining.checked_sub(bytes) {
                Some(rest) => remaining = rest,
                None => return,
            }
        }
    };
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, all).await;
}

/// How a body is compressed.
pub(super) fn encoding(headers: &BTreeMap<String, String>) -> Option<&str> {
    headers.get("content-encoding").map(String::as_str).filter(|encoding| *encoding != "identity")
}

/// The fault for a compression that the operation does not accept.
pub(super) fn unsupported_encoding(encoding: &str) -> Fault {
    let message = format!("The Content-Encoding {encoding} is not served for this operation");
    Fault::new(415, "UnsupportedMediaType", message)
}

/// Decompresses a body, and refuses one that becomes larger than [`MAX_BODY_BYTES`].
pub(super) fn decompress(body: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut decompressed = Vec::new();
    let limit = u64::try_from(MAX_BODY_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let read = MultiGzDecoder::new(body).take(limit).read_to_end(&mut decompressed);
    match read {
        Ok(bytes) if bytes > MAX_BODY_BYTES => Err(too_large()),
        Ok(_) => Ok(decompressed),
        Err(_) => Err(Fault::client("SerializationException", "The request's body is not in the form of gzip")),
    }
}

fn too_large() -> Fault {
    Fault::new(413, "RequestEntityTooLarge", format!("The request body is larger than {MAX_BODY_BYTES} bytes"))
}
