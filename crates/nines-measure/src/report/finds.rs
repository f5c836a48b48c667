//! What was found of each severity, and how near it comes to being accepted.

use nines_domain::label::Severity;

/// What was found of one severity.
#[derive(Debug, Clone, PartialEq)]
pub struct SeverityFinds {
    /// The severity.
    pub severity: Severity,
    /// How many were found.
    pub found: u64,
    /// How many of them are accepted.
    pub accepted: u64,
    /// Which of the catastrophes given has the lowest score.
    pub worst: usize,
    /// After so many catastrophes of this severity, the lowest score − threshold so far: wherever it fell,
    /// and at the end.
    pub growth: Vec<(u64, f64)>,
}

/// Sorts catastrophes by severity, the gravest first. They are given with their scores (logits) in the order in which they
/// were found, which is the effort; a score below `threshold` is accepted. What was found is no sample
/// of anything: nothing here is an estimate.
///
/// # Example
/// ```
/// use nines_domain::label::Severity::{Clear, Egregious};
/// use nines_measure::report::finds;
/// let found = finds(&[(Clear, 2.0), (Egregious, 3.0), (Clear, -1.0), (Clear, 4.0)], 0.0);
/// assert_eq!(found[1].growth, [(1, 2.0), (2, -1.0), (3, -1.0)]);
/// assert_eq!((found[0].found, found[1].accepted, found[1].worst), (1, 1, 2));
/// ```
pub fn finds(catastrophes: &[(Severity, f64)], threshold: f64) -> Vec<SeverityFinds> {
    [Severity::Egregious, Severity::Clear, Severity::Arguable]
        .into_iter()
        .filter_map(|severity| {
            let mut growth: Vec<(u64, f64)> = Vec::new();
            let (mut found, mut accepted) = (0, 0);
            let mut worst: Option<(usize, f64)> = None;
            for (index, &(_, score)) in catastrophes
                .iter()
                .enumerate()
                .filter(|(_, (of, _))| *of == severity)
            {
                found += 1;
                accepted += u64::from(score < threshold);
                if worst.is_none_or(|(_, lowest)| score < lowest) {
                    worst = Some((index, score));
                    growth.push((found, score - threshold));
                }
            }
            let (worst, lowest) = worst?;
            if growth.last().is_some_and(|(n, _)| *n < found) {
                growth.push((found, lowest - threshold));
            }
            Some(SeverityFinds {
                severity,
                found,
                accepted,
                worst,
                growth,
            })
        })
        .collect()
}
