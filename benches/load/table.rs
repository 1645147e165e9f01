//! The table that is printed: each figure with what it is compared with, and with what is wanted.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Line {
    what: String,
    measured: String,
    beside: String,
    ratio: Option<f64>,
    wanted: Option<Wanted>,
    p99: String,
    core: String,
}

/// What a ratio should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// At least the first; the second is the aim.
    Least(f64, f64),
    /// At most the first; the second is the aim.
    Most(f64, f64),
}

impl Wanted {
    fn bounds(self) -> (f64, f64) {
        match self {
            Self::Least(bound, aim) | Self::Most(bound, aim) => (bound, aim),
        }
    }

    fn holds(self, ratio: f64, bound: f64) -> bool {
        match self {
            Self::Least(..) => ratio >= bound,
            Self::Most(..) => ratio <= bound,
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Least(..) => "≥",
            Self::Most(..) => "≤",
        }
    }
}

impl Line {
    pub(crate) fn new(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            measured: measured.into(),
            beside: String::new(),
            ratio: None,
            wanted: None,
            p99: String::new(),
            core: String::new(),
        }
    }

    pub(crate) fn p99(mut self, p99: Duration) -> Self {
        self.p99 = format!("{:.1} ms", p99.as_secs_f64() * 1e3);
        self
    }

    /// Adds the CPU time for one request, of the engine and of the server it is compared with.
    pub(crate) fn core(mut self, engine: Option<Duration>, beside: Option<Duration>) -> Self {
        if let (Some(engine), Some(beside)) = (engine, beside) {
            let [engine, beside] = [engine, beside].map(|time| time.as_secs_f64() * 1e6);
            self.core = format!("{engine:.0} / {beside:.0} µs");
        }
        self
    }

    pub(crate) fn beside(mut self, beside: impl Into<String>, ratio: f64) -> Self {
        (self.beside, self.ratio) = (beside.into(), Some(ratio));
        self
    }

    pub(crate) fn wanted(mut self, wanted: Wanted) -> Self {
        self.wanted = Some(wanted);
        self
    }

    /// Returns whether the line misses its floor.
    pub(crate) fn fails(&self) -> bool {
        let (Some(ratio), Some(wanted)) = (self.ratio, self.wanted) else { return false };
        !wanted.holds(ratio, wanted.bounds().0)
    }

    fn cells(&self) -> [String; 9] {
        let number = |number: f64| {
            if number >= 10.0 { format!("{number:.0}") } else { format!("{number:.3}") }
        };
        let ratio = self.ratio.map(number).unwrap_or_default();
        let (bound, aim, holds) = match (self.wanted, self.ratio) {
            (Some(wanted), Some(ratio)) => {
                let (bound, aim) = wanted.bounds();
                let text = |value| format!("{} {value}", wanted.sign());
                let holds = match (wanted.holds(ratio, bound), wanted.holds(ratio, aim)) {
                    (true, true) => "✓ aim",
                    (true, false) => "✓",
                    _ => "✗",
                };
                (text(bound), text(aim), holds.to_owned())
            }
            _ => Default::default(),
        };
        let [what, measured, beside] = [&self.what, &self.measured, &self.beside].map(String::clone);
        [what, measured, beside, ratio, bound, aim, holds, self.p99.clone(), self.core.clone()]
    }
}

/// Makes the table of all lines, as Markdown.
pub(crate) fn table(lines: &[Line]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["", "measured", "beside", "ratio", "floor", "aim", "holds", "p99", "on the core"]);
    for line in lines {
        table.add_row(line.cells());
    }
    for column in 1..4 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
