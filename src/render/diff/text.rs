//! A diff as lines of styled text, laid out as `cdk diff` does. What a style looks like is the renderer's to say.

use super::edit_script::Edit;
use super::hunk::Hunk;
use super::table::table;
use super::{security_tables, tree};
use crate::stack::diff::{Change, Impact, NamedChange, ResourceChange, Section};
use crate::stack::{TemplateDiff, short_path};

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Nothing special.
    Plain,
    /// The name of a stack: bold.
    StackName,
    /// Nothing has changed: green.
    Unchanged,
    /// The title of a section: bold and underlined.
    Title,
    /// Something that is added: green.
    Addition,
    /// Something that is removed: red.
    Removal,
    /// The tag of something that changes: yellow.
    Update,
    /// Context and logical ids: grey.
    Dim,
    /// A line that is added: bold and green.
    AddedLine,
    /// A line that is removed: bold and red.
    RemovedLine,
    /// A type: cyan.
    Type,
    /// A key within a property: blue.
    Key,
    /// The header of a hunk: magenta.
    Hunk,
    /// Impact that may hurt: italic and yellow.
    Caution,
    /// Impact that does hurt: italic, bold and red.
    Danger,
    /// A note: yellow.
    Note,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// What it is.
    pub style: Style,
    /// Its text, without line breaks.
    pub text: String,
}

/// One line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(pub Vec<Segment>);

impl Line {
    /// A line of one piece.
    pub fn new(style: Style, text: impl Into<String>) -> Self {
        Self::default().with(style, text)
    }

    /// The line with one more piece.
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

/// What `cdk diff` says under the name of a stack; tables are made to fit into `columns`.
pub fn stack(name: &str, diff: &TemplateDiff, columns: Option<usize>) -> Vec<Line> {
    let mut lines = vec![Line::default().plain("Stack ").with(Style::StackName, name)];
    if diff.is_empty() {
        lines.push(Line::new(Style::Unchanged, "There were no differences"));
    }
    lines.extend(body(diff, columns));
    lines.push(Line::default());
    lines
}

/// What `cdk diff` says at the end.
pub fn footer(stacks_with_differences: usize) -> Vec<Line> {
    let sentence = format!("✨  Number of stacks with differences: {stacks_with_differences}");
    vec![Line::default(), Line::default().plain(sentence), Line::default()]
}

/// The changes of permissions and firewalls alone, for the question whether to go on.
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
    let of = |sections: &[(&'static Section, Vec<NamedChange>)]| {
        let lines = |(section, changes): &(&'static Section, Vec<NamedChange>)| {
            titled(section.title, changes.iter().map(|named| entry(section.entry, named)).collect())
        };
        sections.iter().flat_map(lines).collect::<Vec<_>>()
    };
    let resources = diff.resources.iter().flat_map(|change| resource(diff, change)).collect();
    let parts = [
        titled("Template", header),
        security(diff, columns),
        of(&diff.before_resources),
        titled("Resources", resources),
        of(&diff.after_resources),
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

/// The tag of a change.
pub(super) fn tag(line: Line, change: &Change) -> Line {
    match (&change.old, &change.new) {
        (Some(_), Some(_)) => line.with(Style::Update, "[~]"),
        (Some(_), None) => line.with(Style::Removal, "[-]"),
        (None, _) => line.with(Style::Addition, "[+]"),
    }
}

fn entry(kind: &str, NamedChange { name, change }: &NamedChange) -> Line {
    let line = tag(Line::default(), change).plain(" ").with(Style::Type, kind).plain(format!(" {name}: "));
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
    let kind = value.and_then(|value| value["Type"].as_str()).unwrap_or_default();
    let line = tag(Line::default(), change).plain(" ").with(Style::Type, kind).plain(" ");
    let line = match diff.paths.get(logical_id) {
        Some(path) => line.plain(format!("{} ", short_path(path))).with(Style::Dim, logical_id),
        None => line.plain(logical_id),
    };
    let line = match impact_words(*impact) {
        Some((style, words)) => line.plain(" ").with(style, words),
        None => line,
    };
    let mut lines = vec![line];
    let last = properties.len().saturating_sub(1);
    lines.extend(properties.iter().enumerate().flat_map(|(at, property)| tree::property(property, at == last)));
    lines
}

fn impact_words(impact: Impact) -> Option<(Style, &'static str)> {
    match impact {
        Impact::None | Impact::Update | Impact::Create => None,
        Impact::Orphan => Some((Style::Caution, "orphan")),
        Impact::MayReplace => Some((Style::Caution, "may be replaced")),
        Impact::Replace => Some((Style::Danger, "replace")),
        Impact::Destroy => Some((Style::Danger, "destroy")),
    }
}

/// The lines of a hunk, header first.
pub(super) fn hunk_lines(Hunk { header, lines }: Hunk) -> Vec<Line> {
    let header = Line::new(Style::Hunk, header);
    let lines = lines.into_iter().map(|(edit, text)| match edit {
        Edit::Keep => Line::new(Style::Dim, "[ ]").plain(format!(" {text}")),
        Edit::Add => Line::new(Style::AddedLine, format!("[+] {text}")),
        Edit::Remove => Line::new(Style::RemovedLine, format!("[-] {text}")),
    });
    std::iter::once(header).chain(lines).collect()
}
