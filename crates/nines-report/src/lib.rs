//! One project's numbers, intervals, plots and lineage as a single HTML file that needs nothing else,
//! and the same as JSON.
//!
//! - [`report`]: what a report says, as plain data that the caller fills.
//! - [`html`]: the page. It loads nothing, runs no script, and may be printed.
//! - [`json`]: the same numbers for machines.
//!
//! Nothing is computed here: numbers are shown as they are given, each with its interval, and an
//! interval is never rounded inwards. Plots are drawn by this crate as SVG inside the page.

mod markup;
mod number;
mod page;
mod plot;
pub mod report;
mod section;
mod svg;

use report::Report;

/// Writes a report as one HTML file.
///
/// The page is well-formed XML after its first line, holds a policy that forbids every resource but
/// its own style sheet, and escapes all text of the report. A number that is not finite is shown as
/// `unbounded` or `–`; it never reaches a plot.
pub fn html(report: &Report) -> String {
    page::page(report)
}

/// Writes a report as JSON, indented.
///
/// An infinite number is `"inf"` or `"-inf"`, and one that is not a number is `null`; the result
/// reads back as a [`Report`].
pub fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report)
        .expect("a report has only string keys and writes to memory");
    text.push('\n');
    text
}
