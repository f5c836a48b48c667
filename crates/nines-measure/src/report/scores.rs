//! Histograms of scores, one for each finding.

use crate::leak::Finding;

/// The scores of one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredGroup {
    /// The finding.
    pub finding: Finding,
    /// How many in each bin.
    pub counts: Vec<u64>,
    /// How many are below the threshold.
    pub accepted: u64,
    /// How many in all.
    pub n: u64,
}

/// Scores in bins.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreHistogram {
    /// The bins' edges, rising; one more than there are bins. A bin holds its lower edge.
    pub edges: Vec<f64>,
    /// Those of safe, broad and strict that have any.
    pub groups: Vec<ScoredGroup>,
}

/// Counts scores (logits) in about `bins` bins of one width. With a threshold, one of the edges is the
/// threshold itself, so that no bin holds both what is accepted and what is not. Answers that nobody has
/// labelled or decided are left out; `None` where nothing is left.
///
/// # Example
/// ```
/// use nines_measure::leak::Finding;
/// use nines_measure::report::histogram;
/// let found = histogram(&[(Finding::Safe, -2.0), (Finding::Strict, 1.0)], Some(0.5), 6).unwrap();
/// assert!(found.edges.contains(&0.5));
/// assert_eq!((found.groups[0].accepted, found.groups[1].accepted), (1, 0));
/// ```
pub fn histogram(
    items: &[(Finding, f64)],
    threshold: Option<f64>,
    bins: usize,
) -> Option<ScoreHistogram> {
    let kinds = [Finding::Safe, Finding::Broad, Finding::Strict];
    let shown = || {
        items
            .iter()
            .filter(|(f, s)| kinds.contains(f) && s.is_finite())
    };
    let low = shown().map(|(_, s)| *s).min_by(f64::total_cmp)?;
    let high = shown().map(|(_, s)| *s).max_by(f64::total_cmp)?;
    let width = match (high - low) / bins.max(1) as f64 {
        width if width > 0.0 => width,
        _ => 1.0,
    };
    // Edges lie at whole steps from the anchor; the highest score lies inside the last bin.
    let anchor = threshold.filter(|t| t.is_finite()).unwrap_or(low);
    let step = |score: f64| {
        let step = ((score - anchor) / width).floor();
        // Rounding may put a score beside the edge that it lies on.
        if score < anchor + step * width {
            step - 1.0
        } else if score >= anchor + (step + 1.0) * width {
            step + 1.0
        } else {
            step
        }
    };
    let (first, last) = (step(low), step(high));
    let count = (last - first) as usize + 1;
    let edges = (0..=count)
        .map(|k| anchor + (first + k as f64) * width)
        .collect();
    let groups = kinds
        .into_iter()
        .map(|finding| {
            let mut group = ScoredGroup {
                finding,
                counts: vec![0; count],
                accepted: 0,
                n: 0,
            };
            for (_, score) in shown().filter(|(f, _)| *f == finding) {
                group.counts[(step(*score) - first) as usize] += 1;
                group.accepted += u64::from(threshold.is_some_and(|t| *score < t));
                group.n += 1;
            }
            group
        })
        .filter(|group| group.n > 0)
        .collect();
    Some(ScoreHistogram { edges, groups })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_score_lies_in_its_bin_and_the_threshold_parts_them() {
        let threshold = -2.707_542_657_852_173;
        let items: Vec<(Finding, f64)> = (0..1000)
            .map(|i| {
                let finding = if i % 3 == 0 {
                    Finding::Strict
                } else {
                    Finding::Safe
                };
                (finding, -4.1 + 7.7 * f64::from(i) / 1000.0)
            })
            .chain([(Finding::Unlabelled, 9.0), (Finding::Safe, threshold)])
            .collect();
        let found = histogram(&items, Some(threshold), 24).expect("scores");
        assert!(found.edges.is_sorted() && found.edges.contains(&threshold));
        assert!((24..=26).contains(&(found.edges.len() - 1)));
        for group in &found.groups {
            assert_eq!(group.counts.iter().sum::<u64>(), group.n);
            let below = found.edges.iter().take_while(|e| **e < threshold).count();
            assert_eq!(group.counts[..below].iter().sum::<u64>(), group.accepted);
        }
        assert_eq!(found.groups.iter().map(|g| g.n).sum::<u64>(), 1001);
        assert_eq!(histogram(&[(Finding::Undecided, 0.0)], None, 5), None);
        let one = histogram(&[(Finding::Safe, 2.0)], None, 5).expect("a score");
        assert_eq!(
            (one.edges, one.groups[0].counts.clone()),
            (vec![2.0, 3.0], vec![1])
        );
    }
}
