//! Where to spend labels among strata, and what a plan will show before a label is bought.
//!
//! Two aims pull apart. An *estimate* is sharpest when labels go where failures are likely
//! ([`neyman_fractions`]). A *certificate* (a bound without assumptions, when no failure is found) is
//! cheapest in proportion to the strata's weights ([`proportional_fractions`]), and cleverness saves
//! nothing on it.

use crate::error::{StatsError, alpha_of, countable, same_length};
use crate::interval::labels_for_certificate;
use crate::stratified::check_frame;
use crate::weighted_poisson::largest_weight;

/// Returns each stratum's share of labels in proportion to its weight.
///
/// # Errors
/// [`StatsError::Empty`] without strata, [`StatsError::ItemOutOfRange`] for a weight that is not
/// positive and finite.
///
/// # Example
/// ```
/// use nines_stats::allocation::proportional_fractions;
/// assert_eq!(proportional_fractions(&[0.125, 0.375])?, [0.25, 0.75]);
/// assert!(proportional_fractions(&[0.1, 0.0]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Cochran, *Sampling Techniques* (1977), §5.3.
pub fn proportional_fractions(weights: &[f64]) -> Result<Vec<f64>, StatsError> {
    largest_weight(weights)?;
    Ok(normalised(weights.to_vec()))
}

/// Returns each stratum's share of labels that makes the stratified estimate most precise, if the
/// failure rates guessed are right: in proportion to W√(p(1−p)).
///
/// # Errors
/// [`StatsError::Lengths`] when the columns differ, [`StatsError::Empty`] without strata,
/// [`StatsError::ItemOutOfRange`] for a weight that is not positive and finite or a rate outside
/// (0, 1): a rate of 0 would leave a stratum without labels, and so without a bound.
///
/// # Example
/// ```
/// use nines_stats::allocation::neyman_fractions;
/// let f = neyman_fractions(&[0.02, 0.10, 0.30, 0.20], &[2e-3, 2e-4, 2e-5, 1e-6])?;
/// assert!((f[0] - 0.23213).abs() < 5e-6 && (f[3] - 0.05196).abs() < 5e-6);
/// assert!(neyman_fractions(&[0.02, 0.10], &[2e-3, 0.0]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Neyman 1934; Cochran 1977, §5.5.
pub fn neyman_fractions(weights: &[f64], rates: &[f64]) -> Result<Vec<f64>, StatsError> {
    largest_weight(weights)?;
    check_rates(weights, rates)?;
    let spread = weights.iter().zip(rates);
    Ok(normalised(
        spread.map(|(w, p)| w * (p * (1.0 - p)).sqrt()).collect(),
    ))
}

fn check_rates(weights: &[f64], rates: &[f64]) -> Result<(), StatsError> {
    same_length(
        "weights and failure rates of strata",
        weights.len(),
        rates.len(),
    )?;
    match rates.iter().position(|&p| !(p > 0.0 && p < 1.0)) {
        None => Ok(()),
        Some(index) => Err(StatsError::ItemOutOfRange {
            what: "failure rates of strata",
            index,
            value: rates[index],
            allowed: "strictly between 0 and 1",
        }),
    }
}

fn normalised(mut sizes: Vec<f64>) -> Vec<f64> {
    // The largest first, so that the sum of tiny sizes does not vanish.
    let largest = sizes.iter().copied().fold(0.0, f64::max);
    let sum: f64 = sizes.iter().map(|s| s / largest).sum();
    for size in &mut sizes {
        *size = *size / largest / sum;
    }
    sizes
}

/// Returns whole numbers of labels that add up to `total`, near `fractions` of it, with at least
/// `minimum` in each stratum.
///
/// Strata whose part is below the minimum get it, the others share what is left in proportion, and
/// the labels left by rounding down go to the largest remainders (the earlier stratum in a tie).
///
/// # Errors
/// [`StatsError::Empty`] without strata, [`StatsError::ItemOutOfRange`] for a fraction that is not
/// positive and finite, [`StatsError::OutOfRange`] for a minimum of 0 or a total above 2⁵³,
/// [`StatsError::TooFew`] when `total` does not reach the minimum everywhere.
///
/// # Example
/// ```
/// use nines_stats::allocation::whole_labels;
/// assert_eq!(whole_labels(&[0.02, 0.49, 0.49], 101, 5)?, [5, 48, 48]);
/// assert!(whole_labels(&[0.02, 0.49, 0.49], 14, 5).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Largest remainders (Hare and Niemeyer); minima as in Cochran 1977, §5.8.
pub fn whole_labels(fractions: &[f64], total: u64, minimum: u64) -> Result<Vec<u64>, StatsError> {
    largest_weight(fractions)?;
    if minimum == 0 {
        return Err(StatsError::OutOfRange {
            what: "the least number of labels of a stratum",
            value: 0.0,
            allowed: "at least 1: without labels a stratum has no bound",
        });
    }
    countable("the number of labels", total)?;
    let needed = minimum.saturating_mul(fractions.len() as u64);
    if total < needed {
        return Err(StatsError::TooFew {
            what: "labels to give every stratum its least number",
            have: total,
            needed,
        });
    }
    let mut at_minimum = vec![false; fractions.len()];
    let parts = loop {
        let held = at_minimum.iter().filter(|&&m| m).count() as u64 * minimum;
        let open: Vec<f64> = fractions
            .iter()
            .zip(&at_minimum)
            .map(|(&f, &m)| if m { 0.0 } else { f })
            .collect();
        if open.iter().all(|&f| f == 0.0) {
            break vec![minimum as f64; fractions.len()];
        }
        let parts: Vec<f64> = normalised(open)
            .into_iter()
            .map(|f| f * (total - held) as f64)
            .collect();
        let mut changed = false;
        for (part, held) in parts.iter().zip(&mut at_minimum) {
            if !*held && *part < minimum as f64 {
                *held = true;
                changed = true;
            }
        }
        if !changed {
            break parts;
        }
    };
    let mut whole: Vec<u64> = parts
        .iter()
        .map(|&part| (part.floor() as u64).max(minimum))
        .collect();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    let remainder = |i: usize| parts[i] - parts[i].floor();
    order.sort_by(|&i, &j| remainder(j).total_cmp(&remainder(i)).then(i.cmp(&j)));
    let mut given: u64 = whole.iter().sum();
    // Floating parts may round up past the total by a label or so; take it from the largest.
    while given > total {
        let largest = (0..whole.len()).max_by_key(|&i| whole[i]).unwrap_or(0);
        whole[largest] -= 1;
        given -= 1;
    }
    for &i in order.iter().filter(|&&i| !at_minimum[i]).cycle() {
        if given == total {
            break;
        }
        whole[i] += 1;
        given += 1;
    }
    Ok(whole)
}

/// Returns the standard deviation that a stratified estimate will have, √Σ W²p(1−p)/n, if the rates
/// guessed are right; planned labels may be fractional.
///
/// # Errors
/// As [`neyman_fractions`]; [`StatsError::ItemOutOfRange`] also for labels that are not positive.
///
/// # Example
/// ```
/// use nines_stats::allocation::planned_deviation;
/// let simple = planned_deviation(&[1.0], &[6.62e-5], &[10_000.0])?;
/// assert!((simple - 8.136069e-5).abs() < 1e-11);
/// assert!(planned_deviation(&[1.0], &[6.62e-5], &[0.0]).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Cochran 1977, §5.3.
pub fn planned_deviation(
    weights: &[f64],
    rates: &[f64],
    labels: &[f64],
) -> Result<f64, StatsError> {
    largest_weight(weights)?;
    check_rates(weights, rates)?;
    check_labels(weights, labels)?;
    let terms = weights.iter().zip(rates).zip(labels);
    Ok(terms
        .map(|((w, p), n)| w * w * p * (1.0 - p) / n)
        .sum::<f64>()
        .sqrt())
}

fn check_labels(weights: &[f64], labels: &[f64]) -> Result<(), StatsError> {
    same_length("weights and labels of strata", weights.len(), labels.len())?;
    match labels.iter().position(|&n| !(n > 0.0 && n.is_finite())) {
        None => Ok(()),
        Some(index) => Err(StatsError::ItemOutOfRange {
            what: "labels of strata",
            index,
            value: labels[index],
            allowed: "positive and finite",
        }),
    }
}

/// Returns the assumption-free upper bound that a plan will show if no failure is found,
/// max(W/n)·ln(1/α); planned labels may be fractional.
///
/// # Errors
/// [`StatsError::Lengths`] when the columns differ, [`StatsError::Empty`] without strata,
/// [`StatsError::ItemOutOfRange`] for a weight or a number of labels that is not positive and
/// finite, [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::allocation::bound_without_failures;
/// let weights = [0.02, 0.10, 0.30, 0.20];
/// let bound = bound_without_failures(&weights, &[4000.0, 3000.0, 2000.0, 1000.0], 0.95)?;
/// assert!((bound - 5.991465e-4).abs() < 1e-10);
/// assert!(bound_without_failures(&weights, &[4000.0, 3000.0, 2000.0, 0.0], 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Maximises Σ W·p subject to Σ n·p ≤ ln(1/α), for ∏(1−p)ⁿ ≤ exp(−Σ n·p).
pub fn bound_without_failures(
    weights: &[f64],
    labels: &[f64],
    confidence: f64,
) -> Result<f64, StatsError> {
    largest_weight(weights)?;
    check_labels(weights, labels)?;
    let alpha = alpha_of(confidence)?;
    let worths = weights.iter().zip(labels).map(|(w, n)| w / n);
    Ok(worths.fold(0.0, f64::max) * -alpha.ln())
}

/// Returns the fewest labels of each stratum with which, if no failure is found, the leak is
/// certified to be at most `epsilon` without any assumption; refuses a budget that falls short of
/// them, for no stratification can make up for it.
///
/// Their sum is [`labels_for_certificate`], but for rounding up in each stratum; labels of the budget
/// beyond it are left over. One catastrophe among the labels, and the certificate is lost.
///
/// # Errors
/// [`StatsError::TooFew`] when the budget falls short; [`StatsError::Empty`] without strata,
/// [`StatsError::ItemOutOfRange`] for a weight outside [0, 1], [`StatsError::OutOfRange`] when weights
/// and `no_leak` do not add up to 1, or unless epsilon and the confidence lie in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::allocation::certificate_labels;
/// let labels = certificate_labels(&[0.15, 0.30], 0.55, 1e-4, 0.95, 20_000)?;
/// assert_eq!(labels, [4494, 8988]);
/// let error = certificate_labels(&[0.15, 0.30], 0.55, 1e-5, 0.95, 20_000).unwrap_err();
/// assert!(error.to_string().contains("at least 134808 are needed"), "{error}");
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// n = W·ln(1/α)/ε in each stratum: proportional allocation minimises [`bound_without_failures`].
pub fn certificate_labels(
    weights: &[f64],
    no_leak: f64,
    epsilon: f64,
    confidence: f64,
    budget: u64,
) -> Result<Vec<u64>, StatsError> {
    check_frame(weights.iter().copied(), no_leak)?;
    let least = labels_for_certificate(epsilon, no_leak, confidence)?;
    let each = -alpha_of(confidence)?.ln() / epsilon;
    let mut labels: Vec<u64> = weights.iter().map(|w| (w * each).ceil() as u64).collect();
    // Weights may fall short of the frame by their own rounding; the promise must not.
    let short = least.saturating_sub(labels.iter().sum());
    let heaviest = (0..weights.len())
        .max_by(|&i, &j| weights[i].total_cmp(&weights[j]))
        .unwrap_or(0);
    labels[heaviest] += short;
    let needed = labels.iter().sum();
    if budget < needed {
        return Err(StatsError::TooFew {
            what: "labels for a certificate",
            have: budget,
            needed,
        });
    }
    Ok(labels)
}

#[cfg(test)]
mod tests;
