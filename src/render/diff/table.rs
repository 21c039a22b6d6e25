//! Lays out tables with borders, as wide as their content but not wider than the terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr};

use super::text::{Line, Style};

/// A row. Its cells may have several lines.
pub(super) struct Row {
    pub style: Style,
    pub cells: Vec<String>,
}

/// The minimum width of a table, in columns.
const MIN_COLUMNS: usize = 40;

/// The lines of a table. The first row is the header; a rule separates rows with different second columns.
pub(super) fn table(rows: &[Row], columns: Option<usize>) -> Vec<Line> {
    let widths = fitted(&widths(rows), columns);
    let mut lines = vec![rule(&widths, ['┌', '┬', '┐'])];
    for (at, row) in rows.iter().enumerate() {
        if at == 1 || at > 1 && row.cells[1] != rows[at - 1].cells[1] {
            lines.push(rule(&widths, ['├', '┼', '┤']));
        }
        lines.extend(row_lines(row, &widths));
    }
    lines.push(rule(&widths, ['└', '┴', '┘']));
    lines
}

fn widths(rows: &[Row]) -> Vec<usize> {
    let count = rows.first().map_or(0, |row| row.cells.len());
    let width = |cell: &String| cell.lines().map(UnicodeWidthStr::width).max().unwrap_or_default().max(1);
    (0..count).map(|column| rows.iter().map(|row| width(&row.cells[column])).max().unwrap_or(1)).collect()
}

/// Reduces column widths to the terminal's width. Columns below a fair share keep their width; the others share the rest.
fn fitted(natural: &[usize], columns: Option<usize>) -> Vec<usize> {
    let Some(columns) = columns else { return natural.to_vec() };
    let room = columns.max(MIN_COLUMNS).saturating_sub(2 + 3 * natural.len());
    if natural.iter().sum::<usize>() <= room {
        return natural.to_vec();
    }
    let fair = room / natural.len();
    let small: usize = natural.iter().filter(|width| **width < fair).sum();
    let large = natural.iter().filter(|width| **width >= fair).count().max(1);
    let share = ((room.saturating_sub(small)) / large).max(1);
    natural.iter().map(|width| if *width < fair { *width } else { share.min(*width) }).collect()
}

fn rule(widths: &[usize], [left, joint, right]: [char; 3]) -> Line {
    let dashes: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
    Line::new(Style::Dim, format!("{left}{}{right}", dashes.join(&joint.to_string())))
}

fn row_lines(row: &Row, widths: &[usize]) -> Vec<Line> {
    let cells: Vec<Vec<String>> = row.cells.iter().zip(widths).map(|(cell, width)| wrapped(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |at: usize| {
        let start = Line::new(Style::Dim, "│");
        cells.iter().zip(widths).fold(start, |line, (cell, width)| {
            let text = cell.get(at).map_or("", String::as_str);
            let padding = " ".repeat(width.saturating_sub(text.width()) + 1);
            line.with(Style::Plain, " ").with(row.style, text).with(Style::Plain, padding).with(Style::Dim, "│")
        })
    };
    (0..height).map(line).collect()
}

/// The lines of a cell, wrapped at `width`.
fn wrapped(cell: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for text in cell.split('\n') {
        let mut line = String::new();
        for letter in text.chars() {
            if line.width() + letter.width().unwrap_or_default() > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
        lines.push(line);
    }
    lines
}
