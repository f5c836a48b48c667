//! Several strategies in one draw.

use super::strategy::{Strategy, UnknownStrategy};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Strategies with their shares of a draw, which sum to 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Mixture(BTreeMap<Strategy, f64>);

/// A mixture cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MixtureError {
    /// A part names no strategy.
    #[error(transparent)]
    Unknown(#[from] UnknownStrategy),
    /// A part is no share.
    #[error("{part:?} is no share of a strategy; write STRATEGY=SHARE, such as near-threshold=0.5")]
    NoShare {
        /// The part.
        part: String,
    },
    /// A strategy comes twice.
    #[error("{0} comes twice")]
    Twice(Strategy),
    /// The shares do not sum to 1.
    #[error("the shares sum to {0}; they must sum to 1")]
    Sum(f64),
    /// Labelled and unlabelled snippets.
    #[error(
        "relabel chooses among labelled snippets, and the others among those without a label; give it a selection of its own"
    )]
    Relabel,
}

impl Mixture {
    /// Mixes strategies by their shares.
    ///
    /// # Errors
    /// [`MixtureError`] for shares that are not above 0 or do not sum to 1, a strategy that comes twice, and
    /// [`Strategy::Relabel`] beside others.
    pub fn new(parts: impl IntoIterator<Item = (Strategy, f64)>) -> Result<Self, MixtureError> {
        let mut shares = BTreeMap::new();
        for (strategy, share) in parts {
            if !(share > 0.0 && share.is_finite()) {
                return Err(MixtureError::NoShare {
                    part: format!("{strategy}={share}"),
                });
            }
            if shares.insert(strategy, share).is_some() {
                return Err(MixtureError::Twice(strategy));
            }
        }
        let sum: f64 = shares.values().sum();
        if (sum - 1.0).abs() > 1e-9 {
            return Err(MixtureError::Sum(sum));
        }
        if shares.len() > 1 && shares.contains_key(&Strategy::Relabel) {
            return Err(MixtureError::Relabel);
        }
        Ok(Self(shares))
    }

    /// Takes one strategy alone.
    pub fn alone(strategy: Strategy) -> Self {
        Self(BTreeMap::from([(strategy, 1.0)]))
    }

    /// Returns the strategies with their shares.
    pub fn shares(&self) -> impl Iterator<Item = (Strategy, f64)> {
        self.0.iter().map(|(&strategy, &share)| (strategy, share))
    }

    /// Returns a strategy's share; 0 where it has none.
    pub fn share(&self, strategy: Strategy) -> f64 {
        self.0.get(&strategy).copied().unwrap_or(0.0)
    }

    /// Says whether a strategy has a share.
    pub fn has(&self, strategy: Strategy) -> bool {
        self.0.contains_key(&strategy)
    }

    /// Says whether a classifier's view of a snippet decides how likely it is drawn.
    pub fn is_by_score(&self) -> bool {
        self.0.keys().any(|strategy| strategy.is_by_score())
    }
}

impl fmt::Display for Mixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (1, Some(strategy)) = (self.0.len(), self.0.keys().next()) {
            return write!(f, "{strategy}");
        }
        for (place, (strategy, share)) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}{strategy}={share}")?;
        }
        Ok(())
    }
}

impl FromStr for Mixture {
    type Err = MixtureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.contains('=') {
            return Ok(Self::alone(text.trim().parse()?));
        }
        let parts = text.split(',').map(|part| {
            let no_share = || MixtureError::NoShare {
                part: part.chars().take(80).collect(),
            };
            let (strategy, share) = part.split_once('=').ok_or_else(no_share)?;
            let share = share.trim().parse().map_err(|_| no_share())?;
            Ok((strategy.trim().parse()?, share))
        });
        Self::new(parts.collect::<Result<Vec<_>, MixtureError>>()?)
    }
}
