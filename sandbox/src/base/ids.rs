//! Identifiers in AWS's formats.

use rand::RngExt as _;

/// `length` random lower-case hexadecimal digits: a task id has 32.
pub(crate) fn hex(length: usize) -> String {
    let mut rng = rand::rng();
    (0..length).map(|_| char::from_digit(rng.random_range(0..16), 16).unwrap_or('0')).collect()
}

/// An id such as `vpc-0a1b2c3d4e5f60718`: seventeen hexadecimal digits, the first of them zero.
pub(crate) fn resource(prefix: &str) -> String {
    format!("{prefix}-0{}", hex(16))
}

/// A random (version 4) UUID.
pub(crate) fn uuid() -> String {
    uuid_text(uuid_bytes())
}

/// A random UUID as bytes.
pub(crate) fn uuid_bytes() -> [u8; 16] {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    bytes
}

pub(crate) fn uuid_text(bytes: [u8; 16]) -> String {
    let digits = ::hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..])
}

/// `length` random characters from the digits and upper-case letters, as CloudFormation's generated names and IAM's ids have.
pub(crate) fn random_upper(length: usize) -> String {
    from_alphabet(length, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
}

/// `length` random characters from letters and digits, as CloudFormation appends to the names that it makes.
pub(crate) fn random_alphanumeric(length: usize) -> String {
    from_alphabet(length, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
}

/// `length` random characters from the digits and lower-case letters, as Cloud Map's ids have.
pub(crate) fn random_lower(length: usize) -> String {
    from_alphabet(length, b"abcdefghijklmnopqrstuvwxyz0123456789")
}

fn from_alphabet(length: usize, alphabet: &[u8]) -> String {
    let mut rng = rand::rng();
    (0..length).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect()
}
