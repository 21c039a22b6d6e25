//! Sets, inserts and removes single keys of a TOML text. All other bytes stay unchanged: comments, alignment, line endings, a byte order mark.

use std::ops::Range;

use super::toml_layout::{Block, BlockKind, Layout, Pair};

const BOM: char = '\u{feff}';

/// A TOML text under edit. Paths are lists of key names from the root.
#[derive(Debug)]
pub(super) struct TomlEditor {
    bom: bool,
    text: String,
}

impl TomlEditor {
    pub(super) fn new(text: &str) -> Self {
        let (bom, text) = text.strip_prefix(BOM).map_or((false, text), |text| (true, text));
        Self { bom, text: text.to_owned() }
    }

    pub(super) fn into_text(self) -> String {
        if self.bom { format!("{BOM}{}", self.text) } else { self.text }
    }

    fn layout(&self) -> Result<Layout, String> {
        Layout::parse(&self.text)
    }

    /// The value at a path, as written.
    pub(super) fn value(&self, path: &[&str]) -> Result<Option<String>, String> {
        Ok(self.layout()?.entry(path).map(|entry| self.text[entry.value.clone()].to_owned()))
    }

    /// Whether something is defined at a path or below it.
    pub(super) fn has(&self, path: &[&str]) -> Result<bool, String> {
        let layout = self.layout()?;
        let defines = |block: &Block| starts_with(block.path(), path);
        Ok(layout.blocks.iter().any(defines)
            || layout.entries.iter().any(|entry| starts_with(layout.path(entry), path)))
    }

    /// Replaces the value at a path, or inserts the key into its table, after the last of the keys `after` or at the end.
    pub(super) fn set(&mut self, path: &[&str], value: &str, after: &[&str]) -> Result<(), String> {
        let layout = self.layout()?;
        if let Some(entry) = layout.entry(path) {
            self.apply(vec![(entry.value.clone(), value.to_owned())]);
            return Ok(());
        }
        let Some((key, table)) = path.split_last() else { return Ok(()) };
        let Some(block_index) = block_index(&layout, table) else {
            return self.insert_section(&layout, table, &[], &[format!("{key} = {value}")]);
        };
        let members: Vec<&Pair> =
            layout.entries_in(block_index).filter(|entry| starts_with(layout.path(entry), table)).collect();
        let is_preferred =
            |entry: &&&Pair| layout.path(entry).nth(table.len()).is_some_and(|name| after.contains(&name));
        let neighbour = members.iter().rfind(is_preferred).or(members.last()).copied();
        let block = &layout.blocks[block_index];
        let dotted = neighbour.and_then(|entry| entry.keys.get(table.len().checked_sub(block.path.len() + 1)?));
        let prefix = match (dotted, neighbour) {
            (Some(last), Some(entry)) => format!("{}.", &self.text[entry.start()..last.span.end]),
            _ => String::new(),
        };
        let key = format!("{prefix}{key}");
        let patches = match block.kind {
            BlockKind::Inline => self.inline_insertion(block, neighbour, &format!("{key} = {value}")),
            BlockKind::Root | BlockKind::Header | BlockKind::ArrayHeader => {
                let peers: Vec<&Pair> = layout.entries_in(neighbour.map_or(0, |entry| entry.block)).collect();
                vec![self.line_insertion(block, neighbour, &peers, &key, value)]
            }
        };
        self.apply(patches);
        Ok(())
    }

    /// Inserts a table that does not exist yet: as a section if its parent has a header, otherwise as an inline table.
    pub(super) fn insert_table(&mut self, path: &[&str], pairs: &[(&str, String)]) -> Result<(), String> {
        let lines: Vec<String> = pairs.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        let layout = self.layout()?;
        match path.split_last() {
            Some((key, parent)) if header_of(&layout, parent).is_some() => {
                self.insert_section(&layout, parent, &[key], &lines)
            }
            _ => self.set(path, &format!("{{ {} }}", lines.join(", ")), &[]),
        }
    }

    /// Removes a key and its value, and the comment after it on the same line, which is returned. Comments above it stay.
    pub(super) fn remove(&mut self, path: &[&str]) -> Result<Option<String>, String> {
        let layout = self.layout()?;
        let Some(entry) = layout.entry(path) else { return Ok(None) };
        let (patches, after_value) = if layout.blocks[entry.block].kind == BlockKind::Inline {
            let before = layout.entries_in(entry.block).filter(|other| other.start() < entry.start()).last();
            self.inline_removal(entry, before)
        } else {
            self.line_removal(entry)
        };
        let comment = self.text[after_value].split_once('#').map(|(_, comment)| format!("#{}", comment.trim_end()));
        self.apply(patches);
        Ok(comment)
    }

    /// Applies replacements that are in order and do not overlap.
    fn apply(&mut self, patches: Vec<(Range<usize>, String)>) {
        for (range, text) in patches.into_iter().rev() {
            self.text.replace_range(range, &text);
        }
    }

    /// `peers` are the entries of the block.
    fn line_insertion(
        &self,
        block: &Block,
        neighbour: Option<&Pair>,
        peers: &[&Pair],
        key: &str,
        value: &str,
    ) -> (Range<usize>, String) {
        let Some(neighbour) = neighbour else {
            return self.lines_after(block.span.end, &[format!("{}{key} = {value}", self.indent(block.span.start))]);
        };
        let (width, column, equals) = self.key_widths(neighbour);
        let is_peer_aligned = |peer: &&Pair| {
            let (other_width, other_column, _) = self.key_widths(peer);
            column == other_column && width != other_width
        };
        let padding = match column - width {
            0 => 0,
            1 if !peers.iter().any(is_peer_aligned) => 1,
            _ => column.saturating_sub(key.chars().count()).max(1),
        };
        let (indent, gap) = (self.indent(neighbour.start()), &self.text[equals + 1..neighbour.value.start]);
        self.lines_after(neighbour.value.end, &[format!("{indent}{key}{}={gap}{value}", " ".repeat(padding))])
    }

    /// The width of an entry's key in characters, the column of its equals sign, and the equals sign's byte offset.
    fn key_widths(&self, entry: &Pair) -> (usize, usize, usize) {
        let keys = entry.key_span();
        let equals = self.text[keys.end..entry.value.start].find('=').map_or(keys.end, |at| keys.end + at);
        let width = |end: usize| self.text[keys.start..end].chars().count();
        (width(keys.end), width(equals), equals)
    }

    /// Inserts a section below `parent`, the path of a table that has a header or has tables with headers below it. `more` are the further
    /// keys of the new header.
    fn insert_section(
        &mut self,
        layout: &Layout,
        parent: &[&str],
        more: &[&str],
        lines: &[String],
    ) -> Result<(), String> {
        let below = |block: &&Block| starts_with(block.path(), parent) && !block.keys.is_empty();
        let (Some(first), Some(last)) = (layout.blocks.iter().find(below), layout.blocks.iter().rfind(below)) else {
            return Err(format!("there is no [{}]", parent.join(".")));
        };
        let first = header_of(layout, parent).unwrap_or(first);
        let name = &self.text[first.keys[0].span.start..first.keys[parent.len() - 1].span.end];
        let name = std::iter::once(name).chain(more.iter().copied()).collect::<Vec<_>>().join(".");
        let following = layout.blocks.iter().filter(|block| !block.keys.is_empty()).map(|block| block.span.start);
        let next = following.filter(|start| *start > last.span.start).min().unwrap_or(self.text.len());
        let ends = layout.entries.iter().filter(|entry| entry.start() < next).map(|entry| entry.value.end);
        let end = ends.max().unwrap_or_default().max(last.span.end);
        let indent = self.indent(first.span.start);
        let header = [String::new(), format!("{indent}[{name}]")].into_iter();
        let section: Vec<String> = header.chain(lines.iter().map(|line| format!("{indent}{line}"))).collect();
        let patch = self.lines_after(end, &section);
        self.apply(vec![patch]);
        Ok(())
    }

    /// The insertion of lines after the line of `at`. A text without a newline at its end does not get one.
    fn lines_after(&self, at: usize, lines: &[String]) -> (Range<usize>, String) {
        let end = self.line_end(at);
        let before = &self.text[..end];
        let style = if before.ends_with('\n') { before } else { self.text.split_inclusive('\n').next().unwrap_or("") };
        let newline = if style.ends_with("\r\n") { "\r\n" } else { "\n" };
        let lines = lines.join(newline);
        let lines = if before.ends_with('\n') { lines + newline } else { newline.to_owned() + &lines };
        (end..end, lines)
    }

    fn inline_insertion(&self, block: &Block, neighbour: Option<&Pair>, pair: &str) -> Vec<(Range<usize>, String)> {
        let Some(neighbour) = neighbour else {
            let inner = block.span.start + 1..block.span.end - 1;
            let is_blank = self.text[inner.clone()].chars().all(|c| c == ' ' || c == '\t');
            let range = if is_blank { inner } else { inner.start..inner.start };
            return vec![(range, format!(" {pair} "))];
        };
        let end = neighbour.value.end;
        let on_same_line = vec![(end..end, format!(", {pair}"))];
        let indent = self.indent(neighbour.start());
        if self.line_start(neighbour.start()) <= block.span.start || !indent.trim().is_empty() {
            return on_same_line;
        }
        // The neighbour is alone on its line, so the new pair gets its own line too, unless something follows on that line.
        let comma = self.text[end..].find(|c| c != ' ' && c != '\t').map(|at| end + at);
        let comma = comma.filter(|at| self.text[*at..].starts_with(','));
        let rest = self.text[comma.map_or(end, |comma| comma + 1)..self.line_end(end)].trim();
        let line = |pair: String| self.lines_after(end, &[format!("{indent}{pair}")]);
        match comma {
            _ if !(rest.is_empty() || rest.starts_with('#')) => on_same_line,
            Some(_) => vec![line(format!("{pair},"))],
            None if self.next_char(end).1 == Some(',') => on_same_line,
            None => vec![(end..end, ",".to_owned()), line(pair.to_owned())],
        }
    }

    /// The edits that remove an entry's line, and the range between its value and the line's end.
    fn line_removal(&self, entry: &Pair) -> (Vec<(Range<usize>, String)>, Range<usize>) {
        let (mut start, end) = (self.line_start(entry.start()), self.line_end(entry.value.end));
        if !self.text[..end].ends_with('\n') {
            let before = &self.text[..start];
            start = before.strip_suffix('\n').map_or(before, |text| text.strip_suffix('\r').unwrap_or(text)).len();
        }
        (vec![(start..end, String::new())], entry.value.end..end)
    }

    /// As [`Self::line_removal`], for an inline table. Also removes one of the two adjacent commas.
    fn inline_removal(&self, entry: &Pair, before: Option<&Pair>) -> (Vec<(Range<usize>, String)>, Range<usize>) {
        let (start, end) = (entry.start(), entry.value.end);
        let delete = |range: Range<usize>| (range, String::new());
        if let (comma, Some(',')) = self.next_char(end) {
            let after = comma + 1 + blanks(self.text[comma + 1..].chars());
            let is_alone =
                self.indent(start).trim().is_empty() && self.text[after..self.line_end(after)].trim().is_empty();
            let range = if is_alone {
                self.line_start(start)..self.line_end(after)
            } else if self.next_char(after).1 == Some('}') {
                start - blanks(self.text[..start].chars().rev())..comma + 1
            } else {
                start..after
            };
            return (vec![delete(range)], end..comma);
        }
        let Some(before) = before else { return (vec![delete(start..end)], end..end) };
        let between = &self.text[before.value.end..start];
        if between.contains('#') {
            let comma = self.next_char(before.value.end).0;
            let start = start - blanks(between.chars().rev());
            return (vec![delete(comma..comma + 1), delete(start..end)], end..end);
        }
        (vec![delete(before.value.end..end)], end..end)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// The position after the newline of the line.
    fn line_end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |newline| at + newline + 1)
    }

    /// The text before `at` in its line.
    fn indent(&self, at: usize) -> &str {
        &self.text[self.line_start(at)..at]
    }

    /// The position of the next character that is neither white space nor in a comment, and the character.
    fn next_char(&self, mut at: usize) -> (usize, Option<char>) {
        loop {
            let rest = self.text[at..].trim_start();
            at = self.text.len() - rest.len();
            match rest.chars().next() {
                Some('#') => at = self.line_end(at),
                next => return (at, next),
            }
        }
    }
}

fn blanks(chars: impl Iterator<Item = char>) -> usize {
    chars.take_while(|c| *c == ' ' || *c == '\t').count()
}

fn starts_with<'a>(mut path: impl Iterator<Item = &'a str>, prefix: &[&str]) -> bool {
    prefix.iter().all(|name| path.next() == Some(*name))
}

fn header_of<'l>(layout: &'l Layout, table: &[&str]) -> Option<&'l Block> {
    layout.blocks.iter().find(|block| block.kind == BlockKind::Header && block.path == table)
}

/// The index of the block that keys of a table are written in: its own, or that of its dotted keys.
fn block_index(layout: &Layout, table: &[&str]) -> Option<usize> {
    let own = |block: &Block| {
        matches!(block.kind, BlockKind::Header | BlockKind::Inline) && block.path().eq(table.iter().copied())
    };
    layout.blocks.iter().position(own).or_else(|| {
        let is_dotted = |entry: &&Pair| {
            let path: Vec<&str> = layout.path(entry).collect();
            path.len() > table.len() && path.starts_with(table) && layout.blocks[entry.block].path.len() < table.len()
        };
        layout.entries.iter().find(is_dotted).map(|entry| entry.block)
    })
}
