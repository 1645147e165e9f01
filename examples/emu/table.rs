//! Reports as tables.

use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, Table};
use scim_provision::Report;

/// The requests and results of the runs, one row for each run.
#[derive(Default)]
pub(crate) struct Runs {
    rows: Vec<(String, [u64; COUNTS.len()], Duration)>,
}

/// The headers of the columns, which may have two lines.
const COUNTS: [&str; 11] = [
    "requests",
    "people\nadded",
    "changed",
    "suspended",
    "returned",
    "deleted",
    "groups\nadded",
    "members\nadded",
    "members\nremoved",
    "unchanged",
    "failed",
];

impl Runs {
    pub(crate) fn add(&mut self, title: &str, report: &Report) {
        let (users, groups) = (&report.users, &report.groups);
        let counts = [
            report.requests,
            users.created,
            users.updated + groups.updated + report.managers_set,
            users.suspended,
            users.reactivated,
            users.deleted + groups.deleted,
            groups.created,
            report.members_added,
            report.members_removed,
            users.unchanged + groups.unchanged,
            report.failures.len() as u64,
        ];
        self.rows.push((title.to_owned(), counts, report.elapsed));
    }

    /// Returns the runs as lines of at most `width` characters.
    ///
    /// A column that is 0 in every row is left out. If the others are too wide, the table continues below.
    pub(crate) fn fitted(&self, width: Option<usize>) -> String {
        let titles = column("run", self.rows.iter().map(|(title, ..)| title.clone()));
        let shown = (0..COUNTS.len()).filter(|at| self.rows.iter().any(|(_, counts, _)| counts[*at] > 0));
        let numbers =
            shown.map(|at| column(COUNTS[at], self.rows.iter().map(|(_, counts, _)| number(counts[at]))));
        let times = column("time", self.rows.iter().map(|(_, _, time)| seconds(*time)));
        let mut blocks: Vec<Vec<Vec<String>>> = Vec::new();
        for column in numbers.chain([times]) {
            match blocks.last_mut() {
                Some(block) if width.is_none_or(|width| breadth(&*block) + breadth([&column]) <= width) => {
                    block.push(column);
                }
                _ => blocks.push(vec![titles.clone(), column]),
            }
        }
        blocks.iter().map(|block| drawn(block)).collect::<Vec<_>>().join("\n\n")
    }
}

/// Returns the length of a line of standard output, or `None` if it is not a terminal and `COLUMNS` is not set.
pub(crate) fn line_width() -> Option<usize> {
    let terminal = Table::new().width().map(usize::from);
    terminal.or_else(|| std::env::var("COLUMNS").ok()?.parse().ok()).filter(|width| *width > 0)
}

/// Makes a column of a header and the cells below it.
fn column(header: &str, cells: impl Iterator<Item = String>) -> Vec<String> {
    std::iter::once(header.to_owned()).chain(cells).collect()
}

/// How many spaces follow each column.
const GAP: usize = 2;

/// Returns the width of these columns next to each other.
fn breadth<'a>(columns: impl IntoIterator<Item = &'a Vec<String>>) -> usize {
    let lines = |column: &'a Vec<String>| column.iter().flat_map(|cell| cell.lines());
    let widest = |column| lines(column).map(|line| line.chars().count()).max().unwrap_or_default();
    columns.into_iter().map(|column| widest(column) + GAP).sum()
}

fn drawn(columns: &[Vec<String>]) -> String {
    let mut table = plain();
    let rows = columns.first().map_or(0, Vec::len);
    for row in 0..rows {
        let cells = columns.iter().enumerate().map(|(at, column)| {
            let side = if at == 0 { CellAlignment::Left } else { CellAlignment::Right };
            Cell::new(&column[row]).set_alignment(side)
        });
        if row == 0 {
            table.set_header(cells)
        } else {
            table.add_row(cells)
        };
    }
    text(&mut table)
}

/// Writes names and values, one a line.
pub(crate) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut table = plain();
    for (name, value) in facts {
        table.add_row([Cell::new(name), Cell::new(value).set_alignment(CellAlignment::Right)]);
    }
    text(&mut table)
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table
}

fn text(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP as u16));
    }
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

fn number(number: u64) -> String {
    if number == 0 { "·".to_owned() } else { number.to_string() }
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A week in which every column but `failed` has values.
    fn week() -> Runs {
        let mut runs = Runs::default();
        for day in ["first run", "Monday", "Wednesday"] {
            let counts = [2_181, 1_000, 3, 1, 1, 2, 40, 3_554, 12, 1_040, 0];
            runs.rows.push((day.to_owned(), counts, Duration::from_millis(10_000)));
        }
        runs
    }

    #[test]
    fn it_fits_and_loses_nothing() {
        for width in [40, 80, 120, 200] {
            let text = week().fitted(Some(width));
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
            for word in
                ["2181", "1000", "3554", "1040", "suspended", "returned", "removed", "10.0 s", "Wednesday"]
            {
                assert!(text.contains(word), "{width}, {word}:\n{text}");
            }
            assert!(!text.contains("failed"), "a column of zeros");
        }
        let one_block = |width| week().fitted(width).lines().count() == 2 + 3;
        assert!(one_block(None) && one_block(Some(120)) && !one_block(Some(80)));
    }

    #[test]
    fn a_failure_is_shown() {
        let mut runs = week();
        runs.rows[1].1[10] = 7;
        assert!(runs.fitted(Some(80)).contains("failed"));
    }
}
