//! What families and seeds together say of a mean.

use crate::bootstrap::{Bootstrap, standard_error};
use crate::error::StatsError;
use crate::estimate::IntervalEstimate;
use crate::normal::student_upper;

/// Below this error resampling has seen no spread at all, only rounding.
const NO_SPREAD: f64 = 1e-12;

/// What an interval is about.
pub(super) struct About {
    pub what: String,
    pub families: usize,
    /// Families with an item of the rarer kind.
    pub fewer: usize,
    /// What simulations say of such intervals.
    pub simulated: &'static str,
}

/// Joins what families and what seeds say of the mean of one value a seed.
pub(super) fn over_seeds(
    values: &[impl Fn(&[f64]) -> Option<f64>],
    about: &About,
    bootstrap: &Bootstrap,
) -> Result<IntervalEstimate, StatsError> {
    let About {
        what,
        families,
        fewer,
        simulated,
    } = about;
    let (families, fewer) = (*families, *fewer);
    if values.is_empty() {
        return Err(StatsError::Empty { what: "seeds" });
    }
    let too_few = StatsError::TooFewFamilies {
        families,
        with_positives: fewer,
    };
    let k = values.len() as f64;
    let mean_of = |weights: &[f64]| -> Option<f64> {
        let mut sum = 0.0;
        for value in values {
            sum += value(weights)?;
        }
        Some(sum / k)
    };
    let whole = vec![1.0; families];
    let Some(value) = mean_of(&whole) else {
        return Err(too_few);
    };
    if fewer < 2 {
        return Err(too_few);
    }
    let Some(replicates) = bootstrap.replicates(families, mean_of)? else {
        return Err(too_few);
    };
    let over_families = standard_error(&replicates).powi(2);
    let freedom_families = fewer as f64 - 1.0;
    let singles: Vec<f64> = values.iter().filter_map(|value| value(&whole)).collect();
    let over_seeds = if singles.len() > 1 {
        let squares: f64 = singles.iter().map(|x| (x - value).powi(2)).sum();
        squares / (k - 1.0) / k
    } else {
        0.0
    };
    let variance = over_families + over_seeds;
    let mut method = format!(
        "{what}, mean of {} with bootstrap over {families} prompt families{}, {} resamples, seed {} (approximate{simulated})",
        if singles.len() == 1 {
            "1 seed".to_owned()
        } else {
            format!("{} seeds", singles.len())
        },
        if singles.len() == 1 {
            "; says nothing of other seeds"
        } else {
            " and the seeds' variance, t by Satterthwaite"
        },
        bootstrap.resamples,
        bootstrap.seed,
    );
    let tail = (1.0 - bootstrap.confidence) / 2.0;
    let half = if variance.sqrt() <= NO_SPREAD {
        // Neither families nor seeds differ at all: as many families without a difference bound how often one
        // could.
        method = crate::estimate::remarked(&method, "exact bound, since nothing differs");
        crate::interval::exact_ends(0.0, fewer as f64, tail).1
    } else {
        let mut parts = over_families.powi(2) / freedom_families;
        if singles.len() > 1 {
            parts += over_seeds.powi(2) / (k - 1.0);
        }
        student_upper(tail, variance.powi(2) / parts)? * variance.sqrt()
    };
    Ok(IntervalEstimate {
        value: Some(value),
        lower: value - half,
        upper: value + half,
        confidence: bootstrap.confidence,
        method,
        n: families as u64,
    })
}
