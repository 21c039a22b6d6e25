//! Section names as the SDK's parser accepts them.

use super::Section;

/// Keys whose value is the name of another section.
const REFERENCES: &[&str] = &["source_profile", "sso_session", "services"];

pub(super) fn write_section(text: &mut String, kind: &str, name: &str, section: &Section) {
    text.extend(["[", kind, " ", &sdk_name(name), "]\n"]);
    for (key, value) in section {
        let mut lines = value.lines();
        let first = lines.next().unwrap_or_default();
        let first = if REFERENCES.contains(&key.as_str()) { sdk_name(first) } else { first.to_owned() };
        text.extend([key, " = ", &first, "\n"]);
        for line in lines.filter(|line| !line.is_empty()) {
            text.extend(["  ", line, "\n"]);
        }
    }
}

/// Encodes a section name for the SDK, which accepts few characters besides letters and digits; others become `%XX`.
pub(in crate::aws) fn sdk_name(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.@:+".contains(&byte);
    let mut encoded = String::new();
    for byte in name.bytes() {
        if is_plain(byte) {
            encoded.push(byte.into());
        } else {
            encoded.extend(["%", &hex::encode_upper([byte])]);
        }
    }
    encoded
}

/// Decodes the section names in a message of the SDK, which [`sdk_name`] encoded.
pub(in crate::aws) fn decode_sdk_names(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        match part.get(..2).and_then(|digits| hex::decode(digits).ok()) {
            Some(byte) => bytes.extend(byte.into_iter().chain(part[2..].bytes())),
            None => bytes.extend(std::iter::once(b'%').chain(part.bytes())),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
