//! The arithmetic of AWS Signature Version 4: the `Authorization` header, the canonical request and the keyed hashes.
//!
//! Source: "Create a signed AWS API request" in the IAM user guide.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use jiff::civil::DateTime;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use super::AuthError;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The ASCII characters that are percent-encoded in names and values of a query, in addition to all non-ASCII characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The ASCII characters that are percent-encoded in paths.
const RESERVED_IN_PATHS: &AsciiSet = &RESERVED.remove(b'/');

/// The parts of a request that are signed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedRequest<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path as it was sent.
    pub path: &'a str,
    /// The query string as it was sent, without the question mark.
    pub query: &'a str,
    /// The headers: names in lower case, several values of one name joined with commas.
    pub headers: &'a BTreeMap<String, String>,
    pub body: &'a [u8],
}

impl<'a> SignedRequest<'a> {
    /// A header's value; `name` in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// The `Authorization` header, and the `X-Amz-Date` header that belongs to it.
#[derive(Debug)]
pub(crate) struct Authorization<'a> {
    pub access_key: &'a str,
    /// The day of the scope, `20260102`.
    pub date: &'a str,
    pub region: &'a str,
    pub service: &'a str,
    /// The signed headers, as they were sent: separated by semicolons.
    pub signed_headers: &'a str,
    /// The signature, in hexadecimal.
    pub signature: &'a str,
    /// The `X-Amz-Date` header, `20260102T030405Z`.
    pub amz_date: &'a str,
}

impl<'a> Authorization<'a> {
    /// Parses the headers, all of whose parts are required.
    pub(crate) fn parse(request: &SignedRequest<'a>) -> Result<Self, AuthError> {
        let header = request.header("authorization").ok_or(AuthError::Unsigned)?;
        let parts = header.strip_prefix(ALGORITHM).ok_or_else(|| unsupported(header))?;
        let part = |name: &str| {
            let value = parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
            value.ok_or_else(|| AuthError::Incomplete(format!("Authorization header requires '{name}' parameter.")))
        };
        let credential = part("Credential")?;
        let (signed_headers, signature) = (part("SignedHeaders")?, part("Signature")?);
        // More parts belong to a second header, and another parser could use that one.
        if parts.split(',').count() != 3 {
            let words =
                "Authorization header must have the parameters 'Credential', 'SignedHeaders' and 'Signature', once.";
            return Err(AuthError::Incomplete(words.into()));
        }
        let [access_key, date, region, service, "aws4_request"] = *credential.split('/').collect::<Vec<_>>() else {
            return Err(AuthError::Incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
            )));
        };
        let amz_date = request.header("x-amz-date").ok_or_else(|| {
            AuthError::Incomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".into(),
            )
        })?;
        Ok(Self { access_key, date, region, service, signed_headers, signature, amz_date })
    }

    /// Whether a header is signed.
    pub(crate) fn signs(&self, name: &str) -> bool {
        self.signed_headers.split(';').any(|signed| signed == name)
    }

    /// When the request was signed.
    pub(crate) fn time(&self) -> Result<Timestamp, AuthError> {
        DateTime::strptime("%Y%m%dT%H%M%SZ", self.amz_date)
            .and_then(|time| jiff::tz::TimeZone::UTC.to_timestamp(time))
            .map_err(|_| AuthError::Incomplete("Date must be in ISO-8601 'basic format'.".into()))
    }

    pub(crate) fn header(&self, signature: &str) -> String {
        let (key, scope, headers) = (self.access_key, self.scope(), self.signed_headers);
        format!("{ALGORITHM} Credential={key}/{scope}, SignedHeaders={headers}, Signature={signature}")
    }

    fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

fn unsupported(header: &str) -> AuthError {
    let algorithm = header.split(' ').next().unwrap_or_default();
    AuthError::Incomplete(format!("Unsupported AWS 'algorithm': '{algorithm}'."))
}

/// The signature of a request with this authorization, in hexadecimal.
pub(crate) fn signature(request: &SignedRequest<'_>, authorization: &Authorization<'_>, secret: &str) -> String {
    let canonical = canonical_request(request, authorization.signed_headers);
    let hash = sha256_hex(canonical.as_bytes());
    let to_sign = format!("{ALGORITHM}\n{}\n{}\n{hash}", authorization.amz_date, authorization.scope());
    let date_key = hmac(format!("AWS4{secret}").as_bytes(), authorization.date);
    let region_key = hmac(&date_key, authorization.region);
    let service_key = hmac(&region_key, authorization.service);
    hex::encode(hmac(&hmac(&service_key, "aws4_request"), &to_sign))
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn canonical_request(request: &SignedRequest<'_>, signed_headers: &str) -> String {
    let mut headers = String::new();
    for name in signed_headers.split(';') {
        let value = request.header(name).unwrap_or_default();
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(headers, "{name}:{value}");
    }
    let path = utf8_percent_encode(request.path, RESERVED_IN_PATHS);
    let (method, query) = (request.method, canonical_query(request.query));
    format!("{method}\n{path}\n{query}\n{headers}\n{signed_headers}\n{}", sha256_hex(request.body))
}

fn canonical_query(query: &str) -> String {
    let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let mut pairs: Vec<_> =
        form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (encode(&name), encode(&value))).collect();
    // By name, then by value: sorted as texts, `X.10=` would come before `X.1=`.
    pairs.sort_unstable();
    let texts: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    texts.join("&")
}
