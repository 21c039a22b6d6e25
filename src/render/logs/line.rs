//! One line per event: time, source, task and message.

use std::borrow::Cow;
use std::io::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::{AnsiColors, OwoColorize as _, Style};
use serde_json::Value;
use tailspin::Highlighter;

use super::ShownEvent;
use super::structured::{Level, Structured};
use crate::render::clean;

const COLORS: [AnsiColors; 6] = [
    AnsiColors::Cyan,
    AnsiColors::Green,
    AnsiColors::Yellow,
    AnsiColors::Magenta,
    AnsiColors::Blue,
    AnsiColors::BrightRed,
];

/// Length of the printed prefix of a task's id; enough to distinguish tasks.
const SHORT_ID_LENGTH: usize = 8;
/// Length of a task's id, in hexadecimal digits.
const TASK_ID_LENGTH: usize = 32;

/// What a line shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineOptions {
    pub timestamp: bool,
    pub ingestion_time: bool,
    /// The service or log group, if there are several.
    pub source: bool,
    /// The task, or the name of a stream that is not of a task.
    pub stream: bool,
    /// Messages as they were written: JSON is not rearranged.
    pub raw: bool,
    /// Control characters are written to a terminal too.
    pub raw_control: bool,
}

/// Formats lines for stdout.
#[derive(Debug)]
pub(crate) struct LineFormat {
    options: LineOptions,
    zone: TimeZone,
    is_terminal: bool,
    is_coloured: bool,
    is_cleaned: bool,
    /// Colours numbers, addresses and the like in messages.
    highlighter: Option<Highlighter>,
    /// The text of the second that was formatted last: consecutive events are often of the same second.
    last_second: Option<(i64, String, String)>,
}

impl LineFormat {
    pub(super) fn new(options: LineOptions, zone: TimeZone, is_coloured: bool, is_terminal: bool) -> Self {
        let is_cleaned = is_terminal && !options.raw_control;
        let is_highlighted = is_coloured && is_cleaned && !options.raw;
        let highlighter = is_highlighted.then(Highlighter::default);
        Self { options, zone, is_terminal, is_coloured, is_cleaned, highlighter, last_second: None }
    }

    /// Appends the line of an event.
    pub(super) fn push(&mut self, line: &mut Vec<u8>, ShownEvent { event, result, source, is_late }: &ShownEvent<'_>) {
        if self.options.timestamp {
            self.push_time(line, event.timestamp);
        }
        if self.options.ingestion_time {
            self.push_time(line, event.ingestion_time);
        }
        if let Some(source) = source.filter(|_| self.options.source) {
            self.push_word(line, source, Style::new().bold());
        }
        if self.options.stream {
            let name = event.stream.rsplit('/').next().unwrap_or_default();
            let is_task = name.len() == TASK_ID_LENGTH && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            let name = if is_task { &name[..SHORT_ID_LENGTH] } else { event.stream };
            let color = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            self.push_word(line, name, Style::new().color(COLORS[color % COLORS.len()]));
        }
        if *is_late && !self.options.raw {
            self.push_word(line, "(late)", Style::new().dimmed());
        }
        match result {
            Some(Value::String(text)) => self.push_message(line, text),
            Some(value) => self.push_message(line, &value.to_string()),
            None => self.push_message(line, event.message),
        }
    }

    fn push_time(&mut self, line: &mut Vec<u8>, millis: i64) {
        let second = millis.div_euclid(1000);
        if self.last_second.as_ref().is_none_or(|(last, ..)| *last != second) {
            let time = Timestamp::from_second(second).unwrap_or_default().to_zoned(self.zone.clone());
            let offset = time.strftime("%:z").to_string();
            self.last_second = Some((second, time.strftime("%Y-%m-%dT%H:%M:%S").to_string(), offset));
        }
        let Some((_, time, offset)) = &self.last_second else { return };
        let millis = millis.rem_euclid(1000);
        let style = Style::new().dimmed();
        // Writing to memory does not fail.
        let _ = if self.is_coloured {
            write!(line, "{} ", format_args!("{time}.{millis:03}{offset}").style(style))
        } else {
            write!(line, "{time}.{millis:03}{offset} ")
        };
    }

    fn push_word(&self, line: &mut Vec<u8>, word: &str, style: Style) {
        let word = self.cleaned(word, false);
        let _ = if self.is_coloured { write!(line, "{} ", word.style(style)) } else { write!(line, "{word} ") };
    }

    fn push_message(&self, line: &mut Vec<u8>, message: &str) {
        let message = message.strip_suffix('\n').unwrap_or(message);
        let message = message.strip_suffix('\r').filter(|_| self.is_cleaned).unwrap_or(message);
        // A pipe gets what was written.
        let is_shown_raw = self.options.raw || !self.is_terminal;
        let structured = if is_shown_raw { None } else { Structured::parse(message) };
        let (text, level) = match &structured {
            Some(structured) => (Cow::Owned(structured.to_string()), structured.level),
            None if self.is_coloured && !self.options.raw => (Cow::Borrowed(message), Level::in_text(message)),
            None => (Cow::Borrowed(message), None),
        };
        let text = self.cleaned(&text, true);
        // The further lines of a multi-line event are indented, so that they cannot be mistaken for other events.
        let text = if self.is_cleaned && !self.options.raw && text.contains('\n') {
            text.replace('\n', "\n    ").into()
        } else {
            text
        };
        match (level.and_then(Level::style).filter(|_| self.is_coloured), &self.highlighter) {
            (Some(style), _) => drop(write!(line, "{}", text.style(style))),
            (None, Some(highlighter)) => line.extend_from_slice(highlighter.apply(&text).as_bytes()),
            (None, None) => line.extend_from_slice(text.as_bytes()),
        }
        line.push(b'\n');
    }

    fn cleaned<'a>(&self, text: &'a str, keep_newlines: bool) -> Cow<'a, str> {
        if self.is_cleaned { clean(text, keep_newlines) } else { Cow::Borrowed(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LogEvent;

    const ALL: LineOptions = LineOptions {
        timestamp: true,
        ingestion_time: false,
        source: true,
        stream: true,
        raw: false,
        raw_control: false,
    };
    const MESSAGE_ONLY: LineOptions = LineOptions { timestamp: false, source: false, stream: false, ..ALL };

    fn line(options: LineOptions, is_terminal: bool, is_late: bool, message: &str) -> String {
        let event = LogEvent {
            id: "1",
            stream: "web/app/0123456789abcdef0123456789abcdef",
            timestamp: 1_770_000_000_007,
            ingestion_time: 1_770_000_001_000,
            message,
        };
        let mut line = Vec::new();
        let mut format = LineFormat::new(options, TimeZone::UTC, false, is_terminal);
        format.push(&mut line, &ShownEvent { event, result: None, source: Some("web"), is_late });
        String::from_utf8(line).expect("text")
    }

    #[test]
    fn a_line_has_time_source_task_and_message() {
        assert_eq!(line(ALL, true, false, "hello"), "2026-02-02T02:40:00.007+00:00 web 01234567 hello\n");
        assert_eq!(
            line(LineOptions { ingestion_time: true, source: false, ..ALL }, false, true, "hello\n"),
            "2026-02-02T02:40:00.007+00:00 2026-02-02T02:40:01.000+00:00 01234567 (late) hello\n"
        );
    }

    #[test]
    fn a_terminal_shows_levels_or_highlights_in_colour() {
        let coloured = |message| {
            let event = LogEvent { id: "1", stream: "s", timestamp: 0, ingestion_time: 0, message };
            let mut line = Vec::new();
            let shown = ShownEvent { event, result: None, source: None, is_late: false };
            LineFormat::new(MESSAGE_ONLY, TimeZone::UTC, true, true).push(&mut line, &shown);
            String::from_utf8(line).expect("text")
        };
        assert_eq!(coloured("ERROR no connection to 10.0.0.1"), "\x1b[31mERROR no connection to 10.0.0.1\x1b[0m\n");
        let highlighted = coloured("took 120 of\x1b[2J 1 ms");
        assert!(highlighted.contains("\x1b[36m120\x1b[0m") && highlighted.contains("␛[2J"), "{highlighted:?}");
    }

    #[test]
    fn control_characters_reach_a_pipe_and_not_a_terminal() {
        let hostile = "\x1b]0;owned\x07 \u{9b}31m\r\n2026-01-01 forged";
        assert_eq!(line(MESSAGE_ONLY, false, false, hostile), format!("{hostile}\n"));
        assert_eq!(line(MESSAGE_ONLY, true, false, hostile), "␛]0;owned␇ \u{fffd}31m␍\n    2026-01-01 forged\n");
        let raw_control = LineOptions { raw_control: true, ..MESSAGE_ONLY };
        assert_eq!(line(raw_control, true, false, hostile), format!("{hostile}\n"));
        // An escape sequence in a JSON string becomes one when it is parsed.
        assert_eq!(line(MESSAGE_ONLY, true, false, r#"{"msg":"\u001b[2J"}"#), "␛[2J\n");
    }

    #[test]
    fn json_is_rearranged_on_a_terminal_only() {
        let message = r#"{"level":"error","msg":"no connection","port":1}"#;
        assert_eq!(line(MESSAGE_ONLY, true, false, message), "ERROR no connection port=1\n");
        assert_eq!(line(MESSAGE_ONLY, false, false, message), format!("{message}\n"));
        assert_eq!(line(LineOptions { raw: true, ..MESSAGE_ONLY }, true, true, message), format!("{message}\n"));
    }
}
