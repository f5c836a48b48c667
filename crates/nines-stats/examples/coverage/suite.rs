//! The suite: every family of intervals, and what must hold of it.

pub mod anytime;
pub mod attacks;
pub mod chance;
pub mod choices;
pub mod leaks;
pub mod modes;
pub mod plan;
pub mod predictions;
pub mod proportions;
pub mod quality;
pub mod rankings;
pub mod raters;
pub mod table;
pub mod tally;
pub mod tiny;
pub mod trainings;
pub mod weights;
pub mod worst;

use plan::Plan;
use tally::Row;

/// One family of intervals, measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// What was simulated.
    pub words: &'static str,
    /// What came out.
    pub rows: Vec<Row>,
}

/// Measures a family.
pub type Measure = fn(&Plan) -> Section;

/// All families, in the order of the page.
pub const FAMILIES: [(&str, Measure); 14] = [
    ("proportions", proportions::measure),
    ("leaks", leaks::measure),
    ("weights", weights::measure),
    ("predictions", predictions::measure),
    ("anytime", anytime::measure),
    ("tiny probabilities", tiny::measure),
    ("quality", quality::measure),
    ("attacks", attacks::measure),
    ("modes", modes::measure),
    ("raters", raters::measure),
    ("rankings", rankings::measure),
    ("trainings", trainings::measure),
    ("choices", choices::measure),
    ("small worlds", worst::measure),
];

/// How often a suite without any fault reports one, at most.
pub const FALSE_ALARM: f64 = 1e-3;

/// What the rules say of all rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// How many coverages were compared with a figure.
    pub checks: usize,
    /// What covers too seldom, or should break and does not.
    pub faults: Vec<String>,
}

/// Checks every row against its rule. All checks together raise a false alarm with probability at most
/// [`FALSE_ALARM`], by Bonferroni's inequality over exact binomial tests.
pub fn audit(sections: &[Section]) -> Audit {
    let rows = || sections.iter().flat_map(|s| &s.rows);
    let checks: usize = rows().map(Row::checks).sum();
    let level = FALSE_ALARM / checks.max(1) as f64;
    Audit {
        checks,
        faults: rows().flat_map(|row| row.faults(level)).collect(),
    }
}
