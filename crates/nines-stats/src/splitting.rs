//! Probabilities too small to sample, as products of larger ones: multilevel splitting.
//!
//! It needs a *margin* that is continuous and reaches 0 exactly where something fails, judged
//! automatically many thousands of times (an ensemble, a program), and a Markov kernel that leaves
//! the sampling distribution as it is. The probability is then that of the margin reaching 0 under
//! that distribution: it says nothing about other distributions, and nothing about failures that the
//! margin does not see.
//!
//! [`fixed_effort`] and [`last_particle`] turn counts into estimates; [`run_adaptive`] and
//! [`run_last_particle`] make the counts. All intervals assume particles that are independent draws
//! given their level. Kernels that mix badly break that silently: compare runs with different seeds
//! and more moves.

mod run;
#[cfg(test)]
mod tests;

pub use run::{AdaptiveRun, LastParticleRun, SplittingOptions, run_adaptive, run_last_particle};

use crate::error::{StatsError, alpha_of};
use crate::estimate::IntervalEstimate;
use crate::gamma::poisson_mean_ends;
use crate::interval::exact_ends;
use crate::normal;

/// How many particles of a level reached the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelCount {
    /// Particles that were drawn above the level before.
    pub particles: u64,
    /// Those of them that reached this level; at the last level, those that failed.
    pub survivors: u64,
}

/// A probability from multilevel splitting with a fixed effort at each level.
#[derive(Debug, Clone, PartialEq)]
pub struct FixedEffort {
    /// The product of the shares of survivors.
    pub value: f64,
    /// The relative standard deviation, √Σ(1 − r)/(rN); `None` when nothing failed at the last level.
    pub relative_deviation: Option<f64>,
    /// The log-normal interval; `None` when nothing failed, or every particle survived every level.
    pub log_normal: Option<IntervalEstimate>,
    /// The product of Clopper-Pearson intervals of the levels, Bonferroni over levels: it also holds
    /// with few survivors and never collapses. Still rests on independent particles.
    pub conservative: IntervalEstimate,
}

/// Returns the probability of passing all levels from the counts at each: the product of the shares.
///
/// Assumes that particles at a level are independent draws given that they passed the level before,
/// and that the levels were fixed beforehand, or placed at the highest margin of the particles that
/// do not survive, as [`run_adaptive`] does (then Clopper-Pearson's ends are those of the order
/// statistic). Levels placed at the *lowest* survivor bias the product upwards.
///
/// # Errors
/// [`StatsError::Empty`] without levels; [`StatsError::ItemOutOfRange`], naming the level, for one
/// without particles, with more survivors than particles, or without survivors before the last level;
/// [`StatsError::OutOfRange`] unless the confidence lies in (0, 1).
///
/// # Example
/// ```
/// use nines_stats::splitting::{LevelCount, fixed_effort};
/// let level = |survivors| LevelCount { particles: 1000, survivors };
/// let e = fixed_effort(&[level(100), level(100), level(100), level(100), level(430)], 0.95)?;
/// assert!((e.value - 4.3e-5).abs() < 1e-18);
/// assert!(fixed_effort(&[level(0), level(100)], 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Kahn & Harris (1951); Webb, Rainforth, Teh & Kumar, "A statistical approach to assessing neural
/// network robustness" (ICLR 2019); relative variance: Cérou, Del Moral, Furon & Guyader,
/// "Sequential Monte Carlo for rare event estimation" (2012).
pub fn fixed_effort(levels: &[LevelCount], confidence: f64) -> Result<FixedEffort, StatsError> {
    let alpha = alpha_of(confidence)?;
    if levels.is_empty() {
        return Err(StatsError::Empty { what: "levels" });
    }
    let tail = alpha / (2 * levels.len()) as f64;
    let (mut value, mut variance, mut lower, mut upper) = (1.0, 0.0, 1.0, 1.0);
    let mut n = 0;
    for (index, level) in levels.iter().enumerate() {
        let refuse = |what, value: u64, allowed| StatsError::ItemOutOfRange {
            what,
            index,
            value: value as f64,
            allowed,
        };
        if level.particles == 0 {
            return Err(refuse("particles of a level", 0, "at least 1"));
        }
        if level.survivors > level.particles {
            return Err(refuse(
                "survivors of a level",
                level.survivors,
                "at most its particles",
            ));
        }
        if level.survivors == 0 && index + 1 < levels.len() {
            return Err(refuse(
                "survivors of a level",
                0,
                "at least 1 before the last level",
            ));
        }
        let (k, size) = (level.survivors as f64, level.particles as f64);
        let rate = k / size;
        value *= rate;
        variance += (1.0 - rate) / k;
        let ends = exact_ends(k, size, tail);
        lower *= ends.0;
        upper *= ends.1;
        n += level.particles;
    }
    let relative_deviation = variance.is_finite().then(|| variance.sqrt());
    let estimate = |lower, upper, method: &str| IntervalEstimate {
        value: Some(value),
        lower,
        upper,
        confidence,
        method: method.to_owned(),
        n,
    };
    let z = -normal::quantile(alpha / 2.0)?;
    let log_normal = relative_deviation.filter(|d| *d > 0.0).map(|d| {
        estimate(
            value * (-z * d).exp(),
            (value * (z * d).exp()).min(1.0),
            "multilevel splitting, log-normal (approximate; 0.95 to 0.96 of 0.95 if particles are independent)",
        )
    });
    Ok(FixedEffort {
        value,
        relative_deviation,
        log_normal,
        conservative: estimate(
            lower,
            upper,
            "multilevel splitting, Bonferroni over Clopper-Pearson of the levels (approximate; 1 of 0.95 if particles are independent)",
        ),
    })
}

/// A probability from moving the last particle up again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct LastParticle {
    /// (1 − 1/N)^K.
    pub value: f64,
    /// √(−ln p̂/N), the relative standard deviation for many particles.
    pub relative_deviation: f64,
    /// √(p̂^{−1/N} − 1), the relative standard deviation for any number of particles.
    pub exact_relative_deviation: f64,
    /// The log-normal interval p̂·exp(±z√(−ln p̂/N)); `None` when no particle had to move.
    pub log_normal: Option<IntervalEstimate>,
    /// The interval from the exact Poisson interval of the number of moves: exact for an ideal
    /// kernel, and without a particle moved it still has a width.
    pub poisson: IntervalEstimate,
}

/// Returns the probability of failing when `particles` particles needed `moves` moves of the lowest
/// one until all failed: (1 − 1/N)^K, where K is Poisson with mean −N·ln p.
///
/// Assumes an ideal kernel (a moved particle is an independent draw above the level it left) and a
/// margin without ties. The estimate is unbiased.
///
/// # Errors
/// [`StatsError::OutOfRange`] for fewer than two particles or a confidence outside (0, 1).
///
/// # Example
/// ```
/// use nines_stats::splitting::last_particle;
/// let e = last_particle(100, 1000, 0.95)?;
/// assert!((e.value - 4.31712474e-5).abs() < 1e-13);
/// assert!(last_particle(1, 1000, 0.95).is_err());
/// # Ok::<(), nines_stats::StatsError>(())
/// ```
///
/// # Reference
/// Guyader, Hengartner & Matzner-Løber, "Simulation and estimation of extreme quantiles and extreme
/// probabilities" (2011); Garwood (1936) for the Poisson interval.
pub fn last_particle(
    particles: u64,
    moves: u64,
    confidence: f64,
) -> Result<LastParticle, StatsError> {
    let alpha = alpha_of(confidence)?;
    if particles < 2 {
        return Err(StatsError::OutOfRange {
            what: "the number of particles",
            value: particles as f64,
            allowed: "at least 2",
        });
    }
    let (size, k) = (particles as f64, moves as f64);
    let ln_value = k * (-1.0 / size).ln_1p();
    let value = ln_value.exp();
    let relative_deviation = (-ln_value / size).sqrt();
    let tail = alpha / 2.0;
    let estimate = |lower: f64, upper: f64, method: &str| IntervalEstimate {
        value: Some(value),
        lower,
        // Where no number is so small, the end still is one.
        upper: upper.max(f64::MIN_POSITIVE),
        confidence,
        method: method.to_owned(),
        n: particles,
    };
    let z = -normal::quantile(tail)?;
    let log_normal = (moves > 0).then(|| {
        estimate(
            value * (-z * relative_deviation).exp(),
            (value * (z * relative_deviation).exp()).min(1.0),
            "last particle, log-normal (approximate; 0.93 to 0.95 of 0.95 in simulations)",
        )
    });
    let (fewest, most) = poisson_mean_ends(moves as f64, tail)?;
    Ok(LastParticle {
        value,
        relative_deviation,
        exact_relative_deviation: (-ln_value / size).exp_m1().sqrt(),
        log_normal,
        poisson: estimate(
            (-most / size).exp(),
            (-fewest / size).exp(),
            "last particle, Poisson (approximate; exact for an ideal kernel, 0.95 of 0.95 in simulations)",
        ),
    })
}
