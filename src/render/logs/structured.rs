//! Messages that are JSON objects: shown as level, message and the other members.

use std::fmt;

use owo_colors::Style;
use serde_json::{Map, Value};

/// The names of the members, in the order in which they are looked for.
const LEVEL_NAMES: [&str; 4] = ["level", "severity", "lvl", "levelname"];
const MESSAGE_NAMES: [&str; 3] = ["message", "msg", "event"];

/// The severity of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Error,
    Warning,
    Info,
    Debug,
}

/// The words of levels, in lower case.
const LEVELS: [(&str, Level); 13] = [
    ("error", Level::Error),
    ("err", Level::Error),
    ("fatal", Level::Error),
    ("critical", Level::Error),
    ("panic", Level::Error),
    ("alert", Level::Error),
    ("warn", Level::Warning),
    ("warning", Level::Warning),
    ("info", Level::Info),
    ("notice", Level::Info),
    ("information", Level::Info),
    ("debug", Level::Debug),
    ("trace", Level::Debug),
];

/// The words of a plain line among which its level is looked for.
const SEARCHED_WORDS: usize = 6;

impl Level {
    fn of_word(word: &str) -> Option<Self> {
        LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, level)| *level)
    }

    /// The level of a plain line or of logfmt (`level=error`), if one of its first words is one. Lower case without `level=` is
    /// prose.
    pub(super) fn in_text(text: &str) -> Option<Self> {
        text.split([' ', '\t', '[', ']', ':', '|', ',']).filter(|word| !word.is_empty()).take(SEARCHED_WORDS).find_map(
            |word| match word.split_once('=') {
                Some((name, level)) if LEVEL_NAMES.contains(&name) => Self::of_word(level.trim_matches('"')),
                None if word.chars().all(|character| character.is_ascii_uppercase()) => Self::of_word(word),
                _ => None,
            },
        )
    }

    /// The style of the whole message, if the level has one.
    pub(super) fn style(self) -> Option<Style> {
        match self {
            Self::Error => Some(Style::new().red()),
            Self::Warning => Some(Style::new().yellow()),
            Self::Info => None,
            Self::Debug => Some(Style::new().dimmed()),
        }
    }
}

/// A message that is a JSON object. `Display` is "LEVEL message name=value …".
#[derive(Debug)]
pub(super) struct Structured {
    pub(super) level: Option<Level>,
    level_text: Option<String>,
    message: Option<String>,
    others: Map<String, Value>,
}

impl Structured {
    /// Parses a message; `None` if it is not a JSON object with a level or a message.
    pub(super) fn parse(message: &str) -> Option<Self> {
        if !message.trim_start().starts_with('{') {
            return None;
        }
        let mut others: Map<String, Value> = serde_json::from_str(message).ok()?;
        let mut take = |names: &[&str]| {
            let name = names.iter().find(|name| others.get(**name).is_some_and(Value::is_string))?;
            match others.shift_remove(*name)? {
                Value::String(text) => Some(text),
                _ => None,
            }
        };
        let (level_text, message) = (take(&LEVEL_NAMES), take(&MESSAGE_NAMES));
        if level_text.is_none() && message.is_none() {
            return None;
        }
        Some(Self { level: level_text.as_deref().and_then(Level::of_word), level_text, message, others })
    }
}

impl fmt::Display for Structured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level_text.iter().map(|level| level.to_uppercase());
        let others = self.others.iter().map(|(name, value)| match value {
            Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '=']) => format!("{name}={text}"),
            value => format!("{name}={value}"),
        });
        let words: Vec<String> = level.chain(self.message.clone()).chain(others).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_object_is_shown_as_level_message_and_members() {
        let shown = |message| Structured::parse(message).map(|structured| structured.to_string());
        assert_eq!(
            shown(
                r#"{"ts":1,"level":"warn","msg":"slow query","took_ms":120,"table":"users","q":"a b","at":{"line":3}}"#
            )
            .as_deref(),
            Some(r#"WARN slow query ts=1 took_ms=120 table=users q="a b" at={"line":3}"#)
        );
        for other in [r#"{"a":1}"#, "[1]", "{not json", "plain", r#"{"level":30,"a":2}"#] {
            assert_eq!(shown(other), None, "{other}");
        }
    }

    #[test]
    fn the_level_of_a_plain_line_is_one_of_its_first_words() {
        for (text, level) in [
            ("2026-01-01 12:00:00 ERROR no connection", Some(Level::Error)),
            ("[WARN] disk", Some(Level::Warning)),
            ("time=1 level=error msg=x", Some(Level::Error)),
            ("INFO: started", Some(Level::Info)),
            ("there was an error", None),
            ("one two three four five six ERROR", None),
        ] {
            assert_eq!(Level::in_text(text), level, "{text}");
        }
    }
}
