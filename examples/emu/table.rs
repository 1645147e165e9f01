//! Reports as tables.

use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Row, Table};
use scim_provision::Report;

/// One line per run: what was asked, and what came of it.
pub(crate) struct Runs(Table);

impl Runs {
    pub(crate) fn new() -> Self {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header([
            "run",
            "requests",
            "people +",
            "changed",
            "suspended",
            "returned",
            "deleted",
            "groups +",
            "members +",
            "members -",
            "unchanged",
            "failed",
            "time",
        ]);
        Self(table)
    }

    pub(crate) fn add(&mut self, title: &str, report: &Report) {
        let (users, groups) = (&report.users, &report.groups);
        let numbers = [
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
        let mut row = Row::from([title]);
        for number in numbers {
            let text = if number == 0 { "·".to_owned() } else { number.to_string() };
            row.add_cell(Cell::new(text).set_alignment(CellAlignment::Right));
        }
        row.add_cell(Cell::new(seconds(report.elapsed)).set_alignment(CellAlignment::Right));
        self.0.add_row(row);
    }
}

impl std::fmt::Display for Runs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Names and values, one to a line.
pub(crate) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    for (name, value) in facts {
        table.add_row([Cell::new(name), Cell::new(value).set_alignment(CellAlignment::Right)]);
    }
    table
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
