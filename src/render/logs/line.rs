//! One line per event: time, source, task and message.

use std::borrow::Cow;
use std::io::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::{AnsiColors, OwoColorize as _, Style};

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
    /// The text of the second that was formatted last: consecutive events are often of the same second.
    last_second: Option<(i64, String, String)>,
}

impl LineFormat {
    pub(super) fn new(options: LineOptions, zone: TimeZone, is_coloured: bool, is_terminal: bool) -> Self {
        Self {
            options,
            zone,
            is_terminal,
            is_coloured,
            is_cleaned: is_terminal && !options.raw_control,
            last_second: None,
        }
    }

    /// Appends the line of an event.
    pub(super) fn push(&mut self, line: &mut Vec<u8>, ShownEvent { event, source, is_late }: &ShownEvent<'_>) {
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
            let end = name.char_indices().nth(SHORT_ID_LENGTH).map_or(name.len(), |(end, _)| end);
            // Names of streams that are not of a task may have different ends.
            let name = if event.stream.contains('/') { &name[..end] } else { name };
            let color = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            self.push_word(line, name, Style::new().color(COLORS[color % COLORS.len()]));
        }
        if *is_late {
            self.push_word(line, "(late)", Style::new().dimmed());
        }
        self.push_message(line, event.message);
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
            None if self.is_coloured => (Cow::Borrowed(message), Level::in_text(message)),
            None => (Cow::Borrowed(message), None),
        };
        let text = self.cleaned(&text, true);
        // The further lines of a multi-line event are indented, so that they cannot be mistaken for other events.
        let text = if self.is_cleaned && text.contains('\n') { text.replace('\n', "\n    ").into() } else { text };
        match level.map(Level::style).filter(|_| self.is_coloured) {
            Some(style) => drop(write!(line, "{}", text.style(style))),
            None => line.extend_from_slice(text.as_bytes()),
        }
        line.push(b'\n');
    }

    fn cleaned<'a>(&self, text: &'a str, keep_newlines: bool) -> Cow<'a, str> {
        if self.is_cleaned { clean(text, keep_newlines) } else { Cow::Borrowed(text) }
    }
}
