//! The positions of the tables, keys and values of a TOML text, so that one of them can be edited without touching any other byte.
//!
//! Arrays are opaque: values inside them have no path.

use std::ops::Range;

use toml_parser::parser::{Event, EventKind, parse_document};
use toml_parser::{ParseError, Source};

/// Positions in a text, in bytes.
#[derive(Debug)]
pub(super) struct Layout {
    /// The root table first, then the others as they open.
    pub blocks: Vec<Block>,
    /// Key-value pairs, by position.
    pub entries: Vec<Pair>,
}

/// A table that key-value pairs are written in directly: the root, the lines below a header, or the braces of an inline table.
#[derive(Debug)]
pub(super) struct Block {
    pub kind: BlockKind,
    pub path: Vec<String>,
    /// The header's own keys, empty for other blocks.
    pub keys: Vec<Key>,
    /// The header's brackets, or the whole inline table. Empty for the root.
    pub span: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockKind {
    Root,
    /// `[table]`
    Header,
    /// `[[table]]`
    ArrayHeader,
    /// `{ … }`
    Inline,
}

impl Block {
    /// The table's name, as an iterator.
    pub(super) fn path(&self) -> impl Iterator<Item = &str> {
        self.path.iter().map(String::as_str)
    }
}

/// One part of a dotted key.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub name: String,
    /// With its quotes.
    pub span: Range<usize>,
}

/// A key-value pair.
#[derive(Debug)]
pub(super) struct Pair {
    /// The index of the block it is written in.
    pub block: usize,
    /// The key as written there, never empty.
    pub keys: Vec<Key>,
    pub value: Range<usize>,
}

impl Pair {
    pub(super) fn start(&self) -> usize {
        self.keys[0].span.start
    }

    /// The span of the dotted key.
    pub(super) fn key_span(&self) -> Range<usize> {
        self.start()..self.keys[self.keys.len() - 1].span.end
    }
}

impl Layout {
    /// Parses a TOML text without a byte order mark.
    ///
    /// # Errors
    /// The parser's first error.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let source = Source::new(text);
        let tokens = source.lex().into_vec();
        let (mut events, mut errors) = (Vec::<Event>::new(), Vec::<ParseError>::new());
        parse_document(&tokens, &mut |event| events.push(event), &mut errors);
        if let Some(error) = errors.first() {
            return Err(error.description().to_owned());
        }
        let root = Block { kind: BlockKind::Root, path: Vec::new(), keys: Vec::new(), span: 0..0 };
        let mut reader = Reader {
            source,
            layout: Self { blocks: vec![root], entries: Vec::new() },
            body: 0,
            header: 0,
            inline: Vec::new(),
            keys: Vec::new(),
            pending: Vec::new(),
            array_depth: 0,
        };
        for event in &events {
            reader.on_event(event);
        }
        let mut layout = reader.layout;
        layout.entries.sort_by_key(Pair::start);
        Ok(layout)
    }

    /// The names from the root to an entry.
    pub(super) fn path<'a>(&'a self, entry: &'a Pair) -> impl Iterator<Item = &'a str> {
        let keys = entry.keys.iter().map(|key| key.name.as_str());
        self.blocks[entry.block].path.iter().map(String::as_str).chain(keys)
    }

    /// The entry of this path.
    pub(super) fn entry(&self, path: &[&str]) -> Option<&Pair> {
        self.entries.iter().find(|entry| self.path(entry).eq(path.iter().copied()))
    }

    /// The entries that are written in a block, by position.
    pub(super) fn entries_in(&self, block_index: usize) -> impl Iterator<Item = &Pair> {
        self.entries.iter().filter(move |entry| entry.block == block_index)
    }
}

struct Reader<'t> {
    source: Source<'t>,
    layout: Layout,
    /// The block of the current lines.
    body: usize,
    /// The start of the current header.
    header: usize,
    /// Open inline tables, innermost last.
    inline: Vec<usize>,
    /// The keys read since the last pair or header.
    keys: Vec<Key>,
    /// Pairs whose value has not ended, outermost first.
    pending: Vec<Pair>,
    array_depth: usize,
}

impl Reader<'_> {
    fn on_event(&mut self, event: &Event) {
        let span = event.span().start()..event.span().end();
        match event.kind() {
            EventKind::ArrayOpen => {
                if self.array_depth == 0
                    && let Some(entry) = self.pending.last_mut()
                {
                    entry.value = span;
                }
                self.array_depth += 1;
            }
            EventKind::ArrayClose => {
                self.array_depth = self.array_depth.saturating_sub(1);
                if self.array_depth == 0 {
                    let start = self.pending.last().map_or(span.start, |entry| entry.value.start);
                    self.end_value(start..span.end);
                }
            }
            _ if self.array_depth > 0 => {}
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => self.header = span.start,
            EventKind::StdTableClose => self.end_header(BlockKind::Header, span.end),
            EventKind::ArrayTableClose => self.end_header(BlockKind::ArrayHeader, span.end),
            EventKind::SimpleKey => self.key(event, span),
            EventKind::KeyValSep => {
                let (block, keys) = (self.block_index(), std::mem::take(&mut self.keys));
                self.pending.push(Pair { block, keys, value: span });
            }
            EventKind::Scalar => self.end_value(span),
            EventKind::InlineTableOpen => {
                let path = match self.pending.last() {
                    Some(entry) => self.layout.path(entry).map(ToOwned::to_owned).collect(),
                    None => Vec::new(),
                };
                self.inline.push(self.layout.blocks.len());
                self.layout.blocks.push(Block { kind: BlockKind::Inline, path, keys: Vec::new(), span });
            }
            EventKind::InlineTableClose => {
                if let Some(block_index) = self.inline.pop() {
                    self.layout.blocks[block_index].span.end = span.end;
                    self.end_value(self.layout.blocks[block_index].span.clone());
                }
            }
            EventKind::KeySep
            | EventKind::ValueSep
            | EventKind::Whitespace
            | EventKind::Comment
            | EventKind::Newline
            | EventKind::Error => {}
        }
    }

    fn block_index(&self) -> usize {
        self.inline.last().copied().unwrap_or(self.body)
    }

    fn key(&mut self, event: &Event, span: Range<usize>) {
        let mut name = String::new();
        if let Some(raw) = self.source.get(event) {
            raw.decode_key(&mut name, &mut ());
        }
        self.keys.push(Key { name, span });
    }

    fn end_header(&mut self, kind: BlockKind, end: usize) {
        let keys = std::mem::take(&mut self.keys);
        let path = keys.iter().map(|key| key.name.clone()).collect();
        self.body = self.layout.blocks.len();
        self.layout.blocks.push(Block { kind, path, keys, span: self.header..end });
    }

    fn end_value(&mut self, value: Range<usize>) {
        self.layout.entries.extend(self.pending.pop().map(|entry| Pair { value, ..entry }));
    }
}
