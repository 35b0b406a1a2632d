//! Tables for people: columns as wide as what is in them.

use std::fmt::Display;

use anstyle::Style;

use crate::terminal::{BOLD, Untrusted};

/// Rows below headings, two spaces apart.
pub(crate) struct Table<const N: usize> {
    rows: Vec<[Cell; N]>,
}

/// A text of one line, which is shown as untrusted, and its style.
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn plain(text: impl Display) -> Cell {
        Cell::styled(text, Style::new())
    }

    pub(crate) fn styled(text: impl Display, style: Style) -> Cell {
        Cell { text: Untrusted(&text.to_string()).to_string(), style }
    }
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(headings: [&str; N]) -> Table<N> {
        Table { rows: vec![headings.map(|heading| Cell::styled(heading, BOLD))] }
    }

    pub(crate) fn row(&mut self, cells: [Cell; N]) {
        self.rows.push(cells);
    }

    pub(crate) fn draw(&self) -> String {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.text.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            let mut pending = 0_usize;
            for (width, cell) in widths.iter().zip(row) {
                if cell.text.is_empty() {
                    pending = pending.saturating_add(*width).saturating_add(2);
                    continue;
                }
                let style = cell.style;
                line += &format!("{:pending$}{style}{}{style:#}", "", cell.text);
                // Nothing follows the last cell that has a text, not even blanks.
                pending = width.saturating_sub(cell.text.chars().count()).saturating_add(2);
            }
            text += &line;
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_cells_stay_on_their_line() {
        let mut table = Table::new(["A", "LONGER"]);
        table.row([Cell::plain("expense-bot"), Cell::plain(7)]);
        table.row([Cell::plain("a\u{1b}[2J\nb"), Cell::plain("x")]);
        table.row([Cell::plain(""), Cell::plain("")]);
        let drawn = anstream::adapter::strip_str(&table.draw()).to_string();
        let lines: Vec<_> = drawn.lines().collect();
        assert_eq!((lines.len(), lines[3]), (4, ""));
        assert!(lines[1].starts_with("expense-bot  ") && lines[1].ends_with("  7"), "{drawn}");
        assert!(!drawn.contains('\u{1b}'));
    }
}
