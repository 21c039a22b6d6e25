//! Filter patterns, which select log events.
//!
//! Source: "Filter pattern syntax" in the CloudWatch Logs user guide. A pattern has at most 1024 characters (according
//! to the API's model), its regular expressions are few, small and matched in linear time, and wildcards are allowed
//! only at the ends of a string. So the time per event is at most proportional to its length times the pattern's.

use std::fmt;

use crate::Fault;

mod comparison;
mod fields;
mod json_pattern;
mod scanner;
mod terms;

#[derive(Debug)]
pub(super) enum FilterPattern {
    /// Terms anywhere in the event.
    Terms(terms::Terms),
    /// `{ $.level = "ERROR" }`: members of a JSON event.
    Json(json_pattern::JsonCondition),
    /// `[ip, ..., status = 4*]`: fields of a space-delimited event.
    Fields(fields::Fields),
}

/// Why a pattern is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PatternError {
    /// AWS refuses it too; with AWS's message if that is known.
    Invalid(String),
    /// AWS may accept it, but the sandbox does not serve it.
    NotServed(&'static str),
}

impl PatternError {
    fn syntax(what: impl fmt::Display) -> Self {
        Self::Invalid(format!("Invalid filter pattern: {what}"))
    }
}

impl From<PatternError> for Fault {
    fn from(refusal: PatternError) -> Self {
        match refusal {
            PatternError::Invalid(message) => super::invalid_parameter(message),
            PatternError::NotServed(what) => Self::not_implemented(&format!("filter patterns with {what}")),
        }
    }
}

impl FilterPattern {
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        match text.as_bytes().first() {
            Some(b'{') => json_pattern::parse(text).map(Self::Json),
            Some(b'[') => fields::parse(text).map(Self::Fields),
            _ => terms::parse(text).map(Self::Terms),
        }
    }

    pub(super) fn matches(&self, message: &[u8]) -> bool {
        match self {
            Self::Terms(terms) => terms.matches(message),
            Self::Json(condition) => serde_json::from_slice(message).is_ok_and(|event| condition.matches(&event)),
            Self::Fields(fields) => fields.matches(&String::from_utf8_lossy(message)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FilterPattern, PatternError};

    fn matches(pattern: &str, message: &str) -> bool {
        let parsed = FilterPattern::parse(pattern).unwrap_or_else(|refusal| panic!("{pattern}: {refusal:?}"));
        parsed.matches(message.as_bytes())
    }

    /// The user guide's examples, and similar ones.
    #[test]
    fn members_of_json_are_compared() {
        let event = r#"{ "eventType": "UpdateTrail", "ip": "111.111.111.111", "list": ["value", "another value"], "n": 250.5,
            "objects": [{ "name": "a", "id": 1 }, { "name": "b", "id": 2 }], "none": null, "flag": true, "code": "404", "a.b": 1 }"#;
        for (pattern, expected) in [
            (r#"{ $.eventType = "UpdateTrail" }"#, true),
            ("{ $.eventType = Update* }", true),
            ("{ $.eventType = *Trail && $.flag IS TRUE }", true),
            ("{ $.eventType = Up*Trail }", false),
            ("{ $.eventType = * }", true),
            ("{ $.ip != 123.123.* }", true),
            (r#"{ $.list[0] = "value" }"#, true),
            (r#"{ $.list[1] = "value" }"#, false),
            ("{ $.list = 1 }", false),
            ("{ $.list != 1 }", false),
            ("{ $.missing != 1 }", false),
            ("{ $.objects[1].id = 2 }", true),
            ("{ $.none IS NULL }", true),
            ("{ $.missing IS NULL }", false),
            ("{ $.missing NOT EXISTS }", true),
            ("{ $.none NOT EXISTS }", false),
            ("{ $.flag IS FALSE }", false),
            ("{$.n>200&&$.n<=2.505e2}", true),
            ("{ $.n < +200 }", false),
            ("{ $.code = 404 }", true),
            ("{ $.code = 4* }", true),
            ("{ $.eventType > 5 }", false),
            ("{ $.n > 300 || $.n > 200 && $.flag IS FALSE }", false),
            ("{ ($.n > 300 || $.n > 200) && $.flag IS TRUE }", true),
            ("{ $.ip = %1{3}[.]% }", true),
            ("{ $.ip != %^9% }", true),
            ("{ $['a.b'] = 1 }", true),
        ] {
            assert_eq!(matches(pattern, event), expected, "{pattern}");
        }
        assert!(!matches("{ $.a = 1 }", "no JSON"));
    }

    #[test]
    fn fields_are_compared_by_their_place() {
        let event = r#"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;
        for (pattern, expected) in [
            ("[ip, user, username, timestamp, request, status_code, bytes]", true),
            ("[ip, user, username, timestamp, request, status_code]", false),
            ("[..., status_code, bytes]", true),
            ("[ip, user, ..., status_code = 4*, bytes > 1000]", true),
            ("[ip, user, ...]", true),
            ("[ip=127.*, ...]", true),
            ("[ip!=127.*, ...]", false),
            ("[..., request=*.html*, status_code=4*,]", true),
            ("[..., status_code = 4* && status_code != 404, bytes]", false),
            ("[..., status_code = 500 || status_code = 404, bytes]", true),
            ("[..., status_code = 4* && bytes > 2000, bytes]", false),
            (r#"[..., request = "GET /index.html HTTP/1.0", code, size]"#, true),
            ("[..., timestamp = %^10/Oct%, request, code, size]", true),
            ("[w1=!ERROR&&w1=!WARN, ...]", true),
        ] {
            assert_eq!(matches(pattern, event), expected, "{pattern}");
        }
    }

    #[test]
    fn invalid_patterns_are_refused() {
        for pattern in [
            "{",
            "{}",
            "{ $.a }",
            "{ $.a = }",
            "{ $.a = 1",
            "{ a = 1 }",
            "{ $.a > b }",
            "{ $.a = 1 && }",
            "{ ($.a = 1 }",
            "{ $.a = 1 } more",
            "{ $.a IS MAYBE }",
            "{ $.a = \"open }",
            "{ $.a = %(a)% }",
            "{ $.a = %a }",
            "[a, b",
            "[..., a, ...]",
            "[a > b]",
            "[a] b",
            "%[%",
            "%a!%",
            "\"open",
            "{ $.a = %a% && $.b = %b% && $.c = %c% }",
            "%(a+)+%",
            "%a{9999}%",
        ] {
            let refused = FilterPattern::parse(pattern);
            assert!(matches!(refused, Err(PatternError::Invalid(_))), "{pattern}: {refused:?}");
        }
        let deep = format!("{{ {}$.a = 1 {} }}", "(".repeat(500), ")".repeat(500));
        assert!(FilterPattern::parse(&deep).is_err());
        let wild = FilterPattern::parse("{ $.a[*].b = 1 }").expect_err("it is not served");
        assert!(matches!(wild, PatternError::NotServed(_)));
    }
}
