//! Section names as the SDK's parser accepts them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::ProfileSection;

/// Keys whose value is the name of another section.
const REFERENCES: &[&str] = &["source_profile", "sso_session", "services"];

pub(super) fn write_section(text: &mut String, kind: &str, name: &str, section: &ProfileSection) {
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

/// The characters that the SDK does not accept in section names.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'/').remove(b'.').remove(b'@').remove(b':').remove(b'+');

/// Encodes a section name for the SDK, which accepts few characters other than letters and digits; others become `%XX`.
pub(in crate::aws) fn sdk_name(name: &str) -> String {
    utf8_percent_encode(name, ENCODED).to_string()
}

/// Decodes the section names in a message of the SDK, which [`sdk_name`] encoded.
pub(in crate::aws) fn decode_sdk_names(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
