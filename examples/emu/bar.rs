//! A progress bar for a provisioning run.

use std::fmt::Write;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use scim_provision::{Phase, Progress};

/// Shows one bar for each phase on standard error, and nothing if that is not a terminal.
pub(crate) struct Bar {
    title: String,
    bar: Mutex<Option<ProgressBar>>,
}

impl Bar {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), bar: Mutex::new(None) }
    }

    fn with(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        // The lock may be poisoned by a thread that panicked while drawing. The bar can still be used.
        act(&mut self.bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Progress for Bar {
    fn begin(&self, phase: Phase, total: usize) {
        let style =
            ProgressStyle::with_template("{prefix:>12} {bar:32} {pos:>5}/{len:<5} {msg} {rate} {eta}")
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
                    // A rate that cannot be written must not be a failure.
                    let _ = out.write_str(&rate(state.per_sec()));
                });
        let bar = ProgressBar::new(total as u64).with_style(style);
        bar.set_prefix(self.title.clone());
        bar.set_message(phase.to_string());
        self.with(|slot| *slot = Some(bar));
    }

    fn step(&self, _: Phase) {
        self.with(|slot| {
            if let Some(bar) = slot {
                bar.inc(1);
            }
        });
    }

    fn done(&self, _: Phase) {
        self.with(|slot| {
            if let Some(bar) = slot.take() {
                bar.finish_and_clear();
            }
        });
    }
}

fn rate(per_second: f64) -> String {
    format!("{per_second:.0}/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_no_decimals() {
        assert_eq!([0.0, 0.4, 123.456, 2_181.5].map(rate), ["0/s", "0/s", "123/s", "2182/s"]);
    }
}
