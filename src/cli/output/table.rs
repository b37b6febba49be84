//! Columns that line up, whatever the script.

use console::measure_text_width;

/// Rows of cells; the last column is not padded.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Adds a row. Styled cells are fine: escapes have no width.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The rows as lines, columns two spaces apart.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell)).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
        self.rows.iter().map(move |row| {
            let last = row.len().saturating_sub(1);
            let cells = row.iter().zip(&widths).enumerate().map(|(i, (cell, width))| match i == last {
                true => cell.clone(),
                false => format!("{cell}{}", " ".repeat(width - measure_text_width(cell) + 2)),
            });
            cells.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_and_styles_line_up() {
        let mut table = Table::default();
        table.row(["1".into(), "\u{1b}[32mstrong\u{1b}[0m".into(), "a.jpg".into()]);
        table.row(["10".into(), "写真".into(), "b.jpg".into()]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines, ["1   \u{1b}[32mstrong\u{1b}[0m  a.jpg", "10  写真    b.jpg"]);
    }
}
