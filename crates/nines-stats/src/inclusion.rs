//! Samples of a fixed size in which each item has its own, known probability of being drawn.
//!
//! A score says which items are worth a label; drawn by chance with probabilities that follow the score, what
//! is labelled can still be weighted back. Items drawn for certain, because they are worth most, weigh one.

use crate::error::{StatsError, finite, open_unit};
use crate::random::Stream;

/// The largest focus: at rank 2 an item is then a millionth as likely as at rank 1.
const SHARPEST: f64 = 20.0;

/// Turns worths into weights by their ranks: the item of rank r weighs r^(−focus). Equal worths have
/// equal weights, those of their mean rank. Focus 0 weighs all alike.
///
/// Ranks need no scale: worths in logits, in nats or in distances are treated alike, and one wild value
/// does not take the whole sample.
///
/// # Errors
/// [`StatsError::Empty`], [`StatsError::NotFinite`] for a worth that is no number,
/// [`StatsError::OutOfRange`] for a focus that is negative, no number or above 20.
///
/// # Example
/// ```
/// let weights = nines_stats::inclusion::softrank(&[0.1, 9.0, 3.0, 3.0], 1.0)?;
/// assert_eq!(weights, [1.0 / 4.0, 1.0, 1.0 / 2.5, 1.0 / 2.5]);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Kirsch et al. 2023, "Stochastic Batch Acquisition" (softrank acquisition).
pub fn softrank(worths: &[f64], focus: f64) -> Result<Vec<f64>, StatsError> {
    finite("worths", worths)?;
    if !(0.0..=SHARPEST).contains(&focus) {
        return Err(StatsError::OutOfRange {
            what: "the focus",
            value: focus,
            allowed: "a number from 0 to 20",
        });
    }
    let mut order: Vec<usize> = (0..worths.len()).collect();
    order.sort_by(|&a, &b| worths[b].total_cmp(&worths[a]));
    let mut weights = vec![0.0; worths.len()];
    let mut before = 0;
    for tied in order.chunk_by(|&a, &b| worths[a] == worths[b]) {
        let rank = before as f64 + (tied.len() as f64 + 1.0) / 2.0;
        for &item in tied {
            weights[item] = rank.powf(-focus);
        }
        before += tied.len();
    }
    Ok(weights)
}

/// Returns the probabilities of a sample of exactly `n` items in which they follow the weights: n·w/Σw,
/// and 1 for those that this would take beyond, whose share the others then divide.
///
/// # Errors
/// [`StatsError::Empty`] without weights, [`StatsError::NotFinite`], [`StatsError::OutOfRange`] for a
/// sample of 0 or of more than all, [`StatsError::ItemOutOfRange`] for a weight that is not above 0.
///
/// # Example
/// ```
/// use nines_stats::inclusion::inclusion_probabilities;
/// assert_eq!(inclusion_probabilities(&[4.0, 3.0, 2.0, 1.0], 2)?, [0.8, 0.6, 0.4, 0.2]);
/// assert_eq!(inclusion_probabilities(&[10.0, 1.0, 1.0], 2)?, [1.0, 0.5, 0.5]);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Särndal, Swensson & Wretman 1992, §3.6.
pub fn inclusion_probabilities(weights: &[f64], n: usize) -> Result<Vec<f64>, StatsError> {
    finite("weights", weights)?;
    check_size(n, weights.len())?;
    if let Some(index) = weights.iter().position(|&w| w <= 0.0) {
        return Err(StatsError::ItemOutOfRange {
            what: "weights",
            index,
            value: weights[index],
            allowed: "above 0",
        });
    }
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    // Sums from the lightest on, so that small weights are not lost beside large ones.
    let mut behind = vec![0.0; order.len() + 1];
    for at in (0..order.len()).rev() {
        behind[at] = behind[at + 1] + weights[order[at]];
    }
    let mut certain = 0;
    while certain < n && (n - certain) as f64 * weights[order[certain]] >= behind[certain] {
        certain += 1;
    }
    let mut probabilities = vec![1.0; weights.len()];
    for &item in &order[certain..] {
        let share = (n - certain) as f64 * weights[item] / behind[certain];
        probabilities[item] = share.min(1.0);
    }
    Ok(probabilities)
}

/// Draws a sample in which each item has exactly its probability, and whose size is their sum: items in a
/// random order, and a random start from which every unit of summed probability takes the item that it
/// falls on. Returns the places of what was drawn, rising.
///
/// Items with probability 0 are never drawn. Pairs have no simple joint probability.
///
/// # Errors
/// [`StatsError::Empty`], [`StatsError::NotFinite`], [`StatsError::ItemOutOfRange`] for a probability
/// outside \[0, 1\], [`StatsError::OutOfRange`] unless they sum to a whole number.
///
/// # Example
/// ```
/// use nines_stats::inclusion::{inclusion_probabilities, systematic};
/// let probabilities = inclusion_probabilities(&[9.0, 1.0, 1.0, 1.0], 2)?;
/// let drawn = systematic(&probabilities, 7)?;
/// assert_eq!(drawn.len(), 2);
/// assert_eq!(drawn[0], 0, "it was drawn for certain");
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Madow 1949; Hartley & Rao 1962 for the random order.
pub fn systematic(probabilities: &[f64], seed: u64) -> Result<Vec<usize>, StatsError> {
    finite("probabilities", probabilities)?;
    let outside = |p: &f64| !(0.0..=1.0).contains(p);
    if let Some(index) = probabilities.iter().position(outside) {
        return Err(StatsError::ItemOutOfRange {
            what: "probabilities",
            index,
            value: probabilities[index],
            allowed: "from 0 to 1",
        });
    }
    let sum: f64 = probabilities.iter().sum();
    let size = sum.round();
    if (sum - size).abs() > 1e-6 * size.max(1.0) {
        return Err(StatsError::OutOfRange {
            what: "the sum of the probabilities",
            value: sum,
            allowed: "a whole number",
        });
    }
    let (mut drawn, mut open): (Vec<usize>, Vec<usize>) =
        (0..probabilities.len()).partition(|&item| probabilities[item] >= 1.0);
    open.retain(|&item| probabilities[item] > 0.0);
    let wanted = size as usize - drawn.len();
    let mut stream = Stream::new(seed, 0);
    for place in (1..open.len()).rev() {
        open.swap(place, stream.below(place + 1));
    }
    let total: f64 = open.iter().map(|&item| probabilities[item]).sum();
    // What rounding left between the sum and the whole number is spread over all.
    let scale = if total > 0.0 {
        wanted as f64 / total
    } else {
        1.0
    };
    let mut next = stream.unit();
    let mut reached = 0.0;
    let taken = drawn.len() + wanted;
    for (place, &item) in open.iter().enumerate() {
        reached += probabilities[item] * scale;
        let is_last = place + 1 == open.len();
        if drawn.len() < taken && (next < reached || is_last) {
            drawn.push(item);
            next += 1.0;
        }
    }
    drawn.sort_unstable();
    Ok(drawn)
}

/// Returns what a worth of a mean would be if the sample were weighted back: Σ x/p over what was drawn,
/// divided by Σ 1/p.
///
/// # Errors
/// [`StatsError::Lengths`], [`StatsError::Empty`], [`StatsError::NotFinite`],
/// [`StatsError::ItemOutOfRange`] for a probability outside (0, 1\].
///
/// # Example
/// ```
/// // A certain item, and one that stands for four.
/// assert_eq!(nines_stats::inclusion::weighted_mean(&[1.0, 0.0], &[1.0, 0.25])?, 0.2);
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Hájek 1971.
pub fn weighted_mean(values: &[f64], probabilities: &[f64]) -> Result<f64, StatsError> {
    crate::error::same_length(
        "values and probabilities",
        values.len(),
        probabilities.len(),
    )?;
    finite("values", values)?;
    let (mut sum, mut count) = (0.0, 0.0);
    for (index, (&x, &p)) in values.iter().zip(probabilities).enumerate() {
        if p != 1.0 && open_unit("a probability", p).is_err() {
            return Err(StatsError::ItemOutOfRange {
                what: "probabilities",
                index,
                value: p,
                allowed: "above 0 and at most 1",
            });
        }
        sum += x / p;
        count += 1.0 / p;
    }
    Ok(sum / count)
}

fn check_size(n: usize, of: usize) -> Result<(), StatsError> {
    if (1..=of).contains(&n) {
        return Ok(());
    }
    Err(StatsError::OutOfRange {
        what: "the size of the sample",
        value: n as f64,
        allowed: "at least 1, and at most the number of items",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn probabilities_sum_to_the_size_and_follow_the_weights(
            weights in prop::collection::vec(1e-6f64..1e3, 1..60), share in 0.0f64..1.0
        ) {
            let n = 1 + (share * (weights.len() - 1) as f64) as usize;
            let found = inclusion_probabilities(&weights, n).expect("drawn");
            prop_assert!((found.iter().sum::<f64>() - n as f64).abs() < 1e-8);
            for i in 0..weights.len() {
                prop_assert!(found[i] > 0.0 && found[i] <= 1.0);
                for j in 0..weights.len() {
                    prop_assert!(weights[i] < weights[j] || found[i] >= found[j]);
                }
            }
            let drawn = systematic(&found, 3).expect("drawn");
            prop_assert_eq!(drawn.len(), n);
            prop_assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn each_is_drawn_as_often_as_it_says() {
        let weights = softrank(&[5.0, 4.0, 3.0, 2.0, 1.0, 1.0, 0.0], 1.0).expect("weights");
        let probabilities = inclusion_probabilities(&weights, 3).expect("probabilities");
        let runs = 40_000;
        let mut counts = vec![0u32; probabilities.len()];
        for seed in 0..runs {
            for item in systematic(&probabilities, seed).expect("drawn") {
                counts[item] += 1;
            }
        }
        for (count, p) in counts.iter().zip(&probabilities) {
            let error = (p * (1.0 - p) / runs as f64).sqrt();
            let found = f64::from(*count) / runs as f64;
            assert!((found - p).abs() <= 4.5 * error + 1e-12, "{found} for {p}");
        }
    }

    #[test]
    fn weights_bring_a_focused_sample_back_to_the_whole() {
        // Worth and rate rise together: the plain mean of the sample flatters, the weighted one does not.
        let rate = |item: usize| {
            if item.is_multiple_of(10) || item < 20 {
                1.0
            } else {
                0.0
            }
        };
        let worths: Vec<f64> = (0..200).map(|item| -f64::from(item)).collect();
        let truth = (0..200).map(rate).sum::<f64>() / 200.0;
        let weights = softrank(&worths, 1.0).expect("weights");
        let probabilities = inclusion_probabilities(&weights, 50).expect("probabilities");
        let (mut plain, mut weighted, runs) = (0.0, 0.0, 2000);
        for seed in 0..runs {
            let drawn = systematic(&probabilities, seed).expect("drawn");
            let values: Vec<f64> = drawn.iter().map(|&item| rate(item)).collect();
            let p: Vec<f64> = drawn.iter().map(|&item| probabilities[item]).collect();
            plain += values.iter().sum::<f64>() / values.len() as f64;
            weighted += weighted_mean(&values, &p).expect("a mean");
        }
        let (plain, weighted) = (plain / runs as f64, weighted / runs as f64);
        assert!(plain > truth + 0.2, "{plain} for {truth}");
        assert!((weighted - truth).abs() < 0.02, "{weighted} for {truth}");
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        assert!(inclusion_probabilities(&[1.0, 1.0], 3).is_err());
        assert!(inclusion_probabilities(&[1.0, 1.0], 0).is_err());
        assert!(inclusion_probabilities(&[1.0, 0.0], 1).is_err());
        assert!(inclusion_probabilities(&[], 1).is_err());
        assert!(softrank(&[1.0], f64::NAN).is_err());
        assert!(softrank(&[f64::NAN], 1.0).is_err());
        assert!(systematic(&[0.5, 0.4], 0).is_err());
        assert!(systematic(&[1.5, 0.5], 0).is_err());
        assert!(weighted_mean(&[1.0], &[0.0]).is_err());
    }

    #[test]
    fn equal_worths_are_drawn_alike() {
        let weights = softrank(&[2.0; 9], 3.0).expect("weights");
        let found = inclusion_probabilities(&weights, 4).expect("probabilities");
        assert!(found.iter().all(|p| (p - 4.0 / 9.0).abs() < 1e-12));
    }
}
