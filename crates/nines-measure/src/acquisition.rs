//! Choosing what is labelled next so that a classifier learns most from it: strategies, mixtures of them, and
//! the probability with which each snippet was drawn.
//!
//! What a score chose is no sample of anything: it teaches, and no rate, threshold or metric may count it as
//! if it had been drawn at random. Its probability is kept, so that it can be weighted back; measuring has its
//! own designs ([`crate::design`]).

mod centres;
mod mixture;
mod strategy;

pub use centres::k_centre;
pub use mixture::{Mixture, MixtureError};
pub use strategy::{Strategy, UnknownStrategy, spread, surprise};

use nines_stats::StatsError;
use nines_stats::inclusion::{inclusion_probabilities, softrank, systematic};
use std::collections::{BTreeMap, BTreeSet};

/// What can be chosen from, in an order that depends on the texts alone.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// How many snippets there are.
    pub size: usize,
    /// What each is worth, by strategy. [`Strategy::Random`] needs none.
    pub worths: BTreeMap<Strategy, Vec<f64>>,
    /// Each snippet's hidden state, for [`Strategy::Diverse`].
    pub states: Vec<Vec<f32>>,
    /// The hidden states of what is labelled already, for [`Strategy::Diverse`].
    pub labelled: Vec<Vec<f32>>,
}

/// How snippets are drawn from a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw {
    /// How many.
    pub n: usize,
    /// By which strategies.
    pub mixture: Mixture,
    /// How much likelier high ranks are: the r-th of a strategy weighs r^(−focus).
    pub focus: f64,
    /// Keys the draw.
    pub seed: u64,
}

/// One snippet that was drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// Its place in the pool.
    pub place: usize,
    /// The probability with which this draw takes it; none where nothing was left to chance.
    pub probability: Option<f64>,
}

/// A draw cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AcquisitionError {
    /// There is nothing to choose from.
    #[error("there is nothing to choose from")]
    EmptyPool,
    /// More was asked for than there is.
    #[error("{asked} were asked for, and the pool has {size}; ask for {size} or fewer")]
    TooMany {
        /// How many were asked for.
        asked: usize,
        /// How many there are.
        size: usize,
    },
    /// A strategy lacks what it ranks by.
    #[error("{strategy} has {found} values for {size} snippets")]
    Unranked {
        /// The strategy.
        strategy: Strategy,
        /// Values that it has.
        found: usize,
        /// Snippets in the pool.
        size: usize,
    },
    /// A number is out of range.
    #[error(transparent)]
    Stats(#[from] StatsError),
}

/// Draws from a pool. Returns what was drawn, by its place.
///
/// The share of [`Strategy::Diverse`] is taken first, without chance. The rest is one draw of a fixed size in
/// which a snippet's probability is the mixture of what each other strategy would give it alone.
///
/// # Errors
/// [`AcquisitionError`].
pub fn draw(draw: &Draw, pool: &Pool) -> Result<Vec<Drawn>, AcquisitionError> {
    if pool.size == 0 {
        return Err(AcquisitionError::EmptyPool);
    }
    if draw.n == 0 || draw.n > pool.size {
        return Err(AcquisitionError::TooMany {
            asked: draw.n,
            size: pool.size,
        });
    }
    let certain = diverse(draw, pool)?;
    let mut drawn: Vec<Drawn> = certain
        .iter()
        .map(|&place| Drawn {
            place,
            probability: None,
        })
        .collect();
    let taken: BTreeSet<usize> = certain.iter().copied().collect();
    let open: Vec<usize> = (0..pool.size)
        .filter(|place| !taken.contains(place))
        .collect();
    let n = draw.n - certain.len();
    if n > 0 {
        let probabilities = mixed(draw, pool, &open, n)?;
        for at in systematic(&probabilities, draw.seed)? {
            drawn.push(Drawn {
                place: open[at],
                probability: Some(probabilities[at]),
            });
        }
    }
    drawn.sort_by_key(|drawn| drawn.place);
    Ok(drawn)
}

/// Takes the share that is chosen without chance.
fn diverse(draw: &Draw, pool: &Pool) -> Result<Vec<usize>, AcquisitionError> {
    let share = draw.mixture.share(Strategy::Diverse);
    let n = (share * draw.n as f64).round() as usize;
    if share == 0.0 || n == 0 {
        return Ok(Vec::new());
    }
    check(Strategy::Diverse, pool.states.len(), pool.size)?;
    Ok(k_centre(&pool.states, &pool.labelled, n.min(draw.n)))
}

/// Mixes the probabilities of all strategies that leave something to chance.
fn mixed(draw: &Draw, pool: &Pool, open: &[usize], n: usize) -> Result<Vec<f64>, AcquisitionError> {
    let by_chance = draw
        .mixture
        .shares()
        .filter(|(strategy, _)| strategy.is_by_chance());
    let parts: Vec<(Strategy, f64)> = by_chance.collect();
    let whole: f64 = parts.iter().map(|(_, share)| share).sum();
    let mut probabilities = vec![0.0; open.len()];
    // A share so small that rounding gave all to the others still draws what is left, all alike.
    let parts = match whole > 0.0 {
        true => parts,
        false => vec![(Strategy::Random, 1.0)],
    };
    let whole = if whole > 0.0 { whole } else { 1.0 };
    for (strategy, share) in parts {
        let weights = match strategy {
            Strategy::Random => vec![1.0; open.len()],
            _ => {
                let worths = pool.worths.get(&strategy).map_or(&[][..], Vec::as_slice);
                check(strategy, worths.len(), pool.size)?;
                let of_open: Vec<f64> = open.iter().map(|&place| worths[place]).collect();
                softrank(&of_open, draw.focus)?
            }
        };
        let alone = inclusion_probabilities(&weights, n)?;
        for (sum, p) in probabilities.iter_mut().zip(alone) {
            *sum += share / whole * p;
        }
    }
    // Rounding must not take a certain one beyond certainty.
    for p in &mut probabilities {
        *p = if *p > 1.0 - 1e-12 { 1.0 } else { *p };
    }
    Ok(probabilities)
}

fn check(strategy: Strategy, found: usize, size: usize) -> Result<(), AcquisitionError> {
    match found == size {
        true => Ok(()),
        false => Err(AcquisitionError::Unranked {
            strategy,
            found,
            size,
        }),
    }
}

#[cfg(test)]
mod tests;
