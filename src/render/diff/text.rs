//! Lays out a diff like `cdk diff`, as lines of styled text. The caller maps styles to colours.

use super::edit_script::LineEdit;
use super::hunk::Hunk;
use super::table::table;
use super::{security_tables, tree};
use crate::stack::diff::{Change, Impact, NamedChange, ResourceChange, Section};
use crate::stack::{TemplateDiff, short_path};

/// The style of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Unstyled.
    Plain,
    /// A stack's name: bold.
    StackName,
    /// "No differences": green.
    Unchanged,
    /// A section's title: bold and underlined.
    Title,
    /// An addition: green.
    Addition,
    /// A removal: red.
    Removal,
    /// The tag of an update: yellow.
    Update,
    /// Context and logical ids: grey.
    Dim,
    /// An added line: bold and green.
    AddedLine,
    /// A removed line: bold and red.
    RemovedLine,
    /// A type: cyan.
    Type,
    /// A key within a property: blue.
    Key,
    /// The header of a hunk: magenta.
    Hunk,
    /// A possibly destructive impact: italic and yellow.
    Caution,
    /// A destructive impact: italic, bold and red.
    Danger,
    /// A note: yellow.
    Note,
}

/// A segment of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The colour and weight of the text.
    pub style: Style,
    /// Its text, without line breaks.
    pub text: String,
}

/// One line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(pub Vec<Segment>);

impl Line {
    /// A line of one segment.
    pub fn new(style: Style, text: impl Into<String>) -> Self {
        Self::default().with(style, text)
    }

    /// Appends a segment.
    #[must_use]
    pub fn with(mut self, style: Style, text: impl Into<String>) -> Self {
        self.0.push(Segment { style, text: text.into() });
        self
    }

    fn plain(self, text: impl Into<String>) -> Self {
        self.with(Style::Plain, text)
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|segment| formatter.write_str(&segment.text))
    }
}

/// The diff of a stack. Tables are fitted into `columns`.
pub fn stack(name: &str, diff: &TemplateDiff, columns: Option<usize>) -> Vec<Line> {
    let mut lines = vec![Line::default().plain("Stack ").with(Style::StackName, name)];
    if diff.is_empty() {
        lines.push(Line::new(Style::Unchanged, "There were no differences"));
    }
    lines.extend(body(diff, columns));
    lines.push(Line::default());
    lines
}

/// The summary after the diffs of all stacks.
pub fn footer(stacks_with_differences: usize) -> Vec<Line> {
    let sentence = format!("✨  Number of stacks with differences: {stacks_with_differences}");
    vec![Line::default(), Line::default().plain(sentence), Line::default()]
}

/// The changes to permissions and security groups, for the approval.
pub fn security(diff: &TemplateDiff, columns: Option<usize>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (title, rows) in security_tables::tables(&diff.security, &diff.paths) {
        lines.push(Line::new(Style::Title, title));
        lines.extend(table(&rows, columns));
    }
    if !lines.is_empty() {
        lines.push(Line::new(Style::Note, NOTE));
        lines.push(Line::default());
    }
    lines
}

const NOTE: &str =
    "(NOTE: There may be security-related changes not in this list. See https://github.com/aws/aws-cdk/issues/1299)";

fn body(diff: &TemplateDiff, columns: Option<usize>) -> Vec<Line> {
    let header = diff.header.iter().map(|named| entry(&named.name, named)).collect();
    let section_lines = |sections: &[(&'static Section, Vec<NamedChange>)]| {
        let lines = |(section, changes): &(&'static Section, Vec<NamedChange>)| {
            titled(section.title, changes.iter().map(|named| entry(section.entry, named)).collect())
        };
        sections.iter().flat_map(lines).collect::<Vec<_>>()
    };
    let resources = diff.resources.iter().flat_map(|change| resource(diff, change)).collect();
    let parts = [
        titled("Template", header),
        security(diff, columns),
        section_lines(&diff.before_resources),
        titled("Resources", resources),
        section_lines(&diff.after_resources),
    ];
    parts.concat()
}

fn titled(title: &str, mut lines: Vec<Line>) -> Vec<Line> {
    if !lines.is_empty() {
        lines.insert(0, Line::new(Style::Title, title));
        lines.push(Line::default());
    }
    lines
}

/// Appends the tag of a change.
pub(super) fn tag(line: Line, change: &Change) -> Line {
    match (&change.old, &change.new) {
        (Some(_), Some(_)) => line.with(Style::Update, "[~]"),
        (Some(_), None) => line.with(Style::Removal, "[-]"),
        (None, _) => line.with(Style::Addition, "[+]"),
    }
}

fn entry(entry_type: &str, NamedChange { name, change }: &NamedChange) -> Line {
    let line = tag(Line::default(), change).plain(" ").with(Style::Type, entry_type).plain(format!(" {name}: "));
    let line = match &change.old {
        Some(old) => line.with(Style::Removal, tree::compact(old)),
        None => line,
    };
    match &change.new {
        Some(new) if change.old.is_some() => line.plain(" to ").with(Style::Addition, tree::compact(new)),
        Some(new) => line.with(Style::Addition, tree::compact(new)),
        None => line,
    }
}

fn resource(diff: &TemplateDiff, resource: &ResourceChange) -> Vec<Line> {
    let ResourceChange { logical_id, change, properties, impact } = resource;
    let value = change.new.as_ref().or(change.old.as_ref());
    let resource_type = value.and_then(|value| value["Type"].as_str()).unwrap_or_default();
    let line = tag(Line::default(), change).plain(" ").with(Style::Type, resource_type).plain(" ");
    let line = match diff.paths.get(logical_id) {
        Some(path) => line.plain(format!("{} ", short_path(path))).with(Style::Dim, logical_id),
        None => line.plain(logical_id),
    };
    let line = match impact_text(*impact) {
        Some((style, text)) => line.plain(" ").with(style, text),
        None => line,
    };
    let mut lines = vec![line];
    let last = properties.len().saturating_sub(1);
    lines.extend(properties.iter().enumerate().flat_map(|(at, property)| tree::property(property, at == last)));
    lines
}

fn impact_text(impact: Impact) -> Option<(Style, &'static str)> {
    match impact {
        Impact::None | Impact::Update | Impact::Create => None,
        Impact::Orphan => Some((Style::Caution, "orphan")),
        Impact::MayReplace => Some((Style::Caution, "may be replaced")),
        Impact::Replace => Some((Style::Danger, "replace")),
        Impact::Destroy => Some((Style::Danger, "destroy")),
    }
}

/// The lines of a hunk, with its header.
pub(super) fn hunk_lines(Hunk { header, lines }: Hunk) -> Vec<Line> {
    let header = Line::new(Style::Hunk, header);
    let lines = lines.into_iter().map(|(edit, text)| match edit {
        LineEdit::Keep => Line::new(Style::Dim, "[ ]").plain(format!(" {text}")),
        LineEdit::Add => Line::new(Style::AddedLine, format!("[+] {text}")),
        LineEdit::Remove => Line::new(Style::RemovedLine, format!("[-] {text}")),
    });
    std::iter::once(header).chain(lines).collect()
}
