//! Writes a spec as TOML in different styles.

use std::fmt::Write as _;
use std::slice;

use toml::{Table, Value};

/// Writes a table as TOML in one of its many forms, chosen by a generator of pseudo-random numbers (an LCG).
pub(super) struct Writer {
    state: u64,
    out: String,
    /// Tables to write under a header of their own, by path.
    sections: Vec<(Vec<String>, Table)>,
}

impl Writer {
    pub fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).expect("it has 31 bits") % bound
    }

    pub fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    pub fn newline(&mut self) -> &'static str {
        self.pick(&["\n", "\n", "\n", "\r\n"])
    }

    pub fn end_line(&mut self) {
        let comment = self.pick(&["", "", "", " # count = 7", "\t#, } ]", "   # how many"]);
        let newline = self.newline();
        let more = self.pick(&["", "", "", "# count = 8\n", "\n", "  \r\n", "#\r\n"]);
        self.out.extend([comment, newline, more]);
    }

    pub fn key(&mut self, key: &str) -> String {
        match self.below(6) {
            0 => format!("\"{key}\""),
            1 => format!("'{key}'"),
            _ => key.to_owned(),
        }
    }

    pub fn dotted(&mut self, path: &[String]) -> String {
        let mut text = String::new();
        for (at, key) in path.iter().enumerate() {
            let dot = if at == 0 { "" } else { self.pick(&[".", ".", " . ", ". "]) };
            text.push_str(dot);
            text.push_str(&self.key(key));
        }
        text
    }

    pub fn shuffled<'t>(&mut self, table: &'t Table) -> Vec<(&'t String, &'t Value)> {
        let mut entries: Vec<_> = table.iter().collect();
        for at in 1..entries.len() {
            let other = self.below(at + 1);
            entries.swap(at, other);
        }
        entries
    }

    /// The lines of a table in a frame; `prefix` is its dotted key there, `path` its name.
    pub fn lines(&mut self, path: &[String], prefix: &[String], table: &Table, indent: &str) {
        for (key, value) in self.shuffled(table) {
            let (path, prefix) = ([path, slice::from_ref(key)].concat(), [prefix, slice::from_ref(key)].concat());
            match value {
                Value::Table(table) if self.below(3) == 0 => self.lines(&path, &prefix, table, indent),
                Value::Table(table) if self.below(2) == 0 => self.sections.push((path, table.clone())),
                value => {
                    let key = self.dotted(&prefix);
                    let equals = self.pick(&[" = ", " = ", "=", "   = ", " =\t"]);
                    self.out.extend([indent, &key, equals]);
                    self.value(value, indent);
                    self.end_line();
                }
            }
        }
    }

    pub fn value(&mut self, value: &Value, indent: &str) {
        match value {
            Value::Table(table) => self.inline(table, indent),
            Value::Integer(number) if self.below(8) == 0 => drop(write!(self.out, "{number:#x}")),
            Value::String(text) => {
                let text = match self.below(3) {
                    0 => format!("'''{text}'''"),
                    1 => format!("\"\"\"\n{text}\"\"\""),
                    _ => value.to_string(),
                };
                self.out.push_str(&text);
            }
            value => {
                let text = value.to_string();
                let text = if self.below(2) == 0 { text.replace('[', "[ # count = 9, ]\n") } else { text };
                self.out.push_str(&text);
            }
        }
    }

    pub fn inline(&mut self, table: &Table, indent: &str) {
        let mut pairs = Vec::new();
        self.pairs(&[], table, &mut pairs);
        let many_lines = self.below(3) == 0;
        let deeper = format!("{indent}  ");
        self.out.push('{');
        for (at, (key, value)) in pairs.iter().enumerate() {
            if many_lines && self.below(4) > 0 {
                let comment = self.pick(&["", "", " # count = 2, }"]);
                let newline = self.newline();
                self.out.extend([comment, newline, &deeper]);
            } else {
                let gap = self.pick(&[" ", "", "  "]);
                self.out.push_str(gap);
            }
            let key = self.dotted(key);
            let equals = self.pick(&[" = ", "="]);
            self.out.extend([key.as_str(), equals]);
            self.value(value, &deeper);
            let comma = if at + 1 < pairs.len() { self.pick(&[",", ",", " ,"]) } else { self.pick(&["", "", ","]) };
            self.out.push_str(comma);
        }
        let newline = self.newline();
        let close = if many_lines { format!("{newline}{indent}}}") } else { self.pick(&[" }", "}"]).to_owned() };
        self.out.push_str(&close);
    }

    pub fn pairs(&mut self, prefix: &[String], table: &Table, pairs: &mut Vec<(Vec<String>, Value)>) {
        for (key, value) in self.shuffled(table) {
            let path = [prefix, slice::from_ref(key)].concat();
            match value {
                Value::Table(table) if self.below(3) == 0 => self.pairs(&path, table, pairs),
                value => pairs.push((path, value.clone())),
            }
        }
    }

    pub fn document(seed: u64, table: &Table) -> String {
        let mut writer = Self { state: seed, out: String::new(), sections: Vec::new() };
        let bom = writer.pick(&["", "", "\u{feff}"]);
        writer.out.push_str(bom);
        writer.lines(&[], &[], table, "");
        while !writer.sections.is_empty() {
            let at = writer.below(writer.sections.len());
            let (path, table) = writer.sections.swap_remove(at);
            let indent = writer.pick(&["", "", "  "]);
            // A table that has only other tables needs no header.
            if !table.values().all(Value::is_table) || writer.below(2) == 0 {
                let (open, close) = (writer.pick(&["[", "[ "]), writer.pick(&["]", " ]"]));
                let name = writer.dotted(&path);
                writer.out.extend([indent, open, &name, close]);
                writer.end_line();
                writer.lines(&path, &[], &table, indent);
            } else {
                for (key, value) in table {
                    let Value::Table(table) = value else { unreachable!("all are tables") };
                    writer.sections.push(([path.as_slice(), &[key]].concat(), table));
                }
            }
        }
        let end = if writer.below(4) == 0 { writer.out.trim_end().len() } else { writer.out.len() };
        writer.out.truncate(end);
        writer.out
    }
}
