//! A progress bar that also works where there is no terminal: there it prints a line now and then.

use crate::output::Output;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// Shows how far a long job is.
pub struct Progress {
    bar: ProgressBar,
    what: String,
    lines: bool,
    started: Instant,
    last_line: Instant,
    output: Output,
}

impl Progress {
    /// Starts a bar for `total` steps.
    pub fn new(output: &Output, what: &str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), output.draw_target());
        let style = ProgressStyle::with_template(
            "{prefix:<12} {bar:28} {pos}/{len}  {elapsed} of about {duration}  {msg}",
        )
        .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_prefix(what.to_owned());
        let now = Instant::now();
        Self {
            bar,
            what: what.to_owned(),
            lines: output.wants_lines(),
            started: now,
            last_line: now,
            output: *output,
        }
    }

    /// Moves the bar and says something beside it.
    pub fn set(&mut self, done: u64, message: impl Into<String>) {
        let message = message.into();
        self.bar.set_position(done);
        if self.lines && self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            let total = self.bar.length().unwrap_or(0);
            let elapsed = self.started.elapsed().as_secs_f64();
            let left = if done > 0 && total >= done {
                format!(
                    ", about {:.0} s left",
                    elapsed / done as f64 * (total - done) as f64
                )
            } else {
                String::new()
            };
            self.output.note(&format!(
                "{}: {done} of {total} after {elapsed:.0} s{left}  {message}",
                self.what
            ));
        }
        self.bar.set_message(message);
    }

    /// Returns how many steps are done.
    pub fn done(&self) -> u64 {
        self.bar.position()
    }

    /// Returns how many steps there are.
    pub fn total(&self) -> u64 {
        self.bar.length().unwrap_or(0)
    }

    /// Changes how many steps there are.
    pub fn set_total(&self, total: u64) {
        self.bar.set_length(total);
    }

    /// Ends the bar with a closing remark.
    pub fn finish(self, message: &str) {
        self.bar.finish_and_clear();
        self.output.note(&format!(
            "{}: {message} ({:.0} s)",
            self.what,
            self.started.elapsed().as_secs_f64()
        ));
    }
}
