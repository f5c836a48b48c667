//! The advantage of the filtered completion: how much more often it wins a comparison than it loses.
//!
//! Quality is ½ + advantage/2, whatever share of the comparisons is a tie.

use super::{PairOutcome, Preference};
use crate::bounded_sum::mean_ends;
use crate::interval::exact_ends;
use crate::moments::variance;
use std::collections::BTreeMap;

/// What part of an interval's error is left to shares that many cheap items show, such as how often
/// completions are rejected; the rest is for what raters say.
pub(super) const PART_FOR_SHARES: f64 = 0.1;

/// How many wins, and how many losses, a normal interval needs before it is worth trusting.
const DECIDED_FOR_NORMAL: u64 = 10;

/// The lower and the upper end of an interval.
pub(super) type Ends = (f64, f64);

/// Returns the ends of share·difference, where the share, at least 0, and the difference are known
/// by their ends.
pub(super) fn scaled(share: Ends, difference: Ends) -> Ends {
    let low = if difference.0 < 0.0 { share.1 } else { share.0 };
    let high = if difference.1 > 0.0 { share.1 } else { share.0 };
    (low * difference.0, high * difference.1)
}

/// What share of one prompt's comparisons was won and what share was lost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct PromptShares {
    rows: f64,
    wins: f64,
    losses: f64,
}

impl PromptShares {
    fn advantage(self) -> f64 {
        (self.wins - self.losses) / self.rows
    }
}

/// Comparisons gathered by prompt: prompts are independent, comparisons of one prompt are not, and
/// each prompt counts once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Advantage {
    prompts: Vec<PromptShares>,
    single: bool,
    wins: u64,
    losses: u64,
}

impl Advantage {
    pub(super) fn of(rows: impl Iterator<Item = (u64, PairOutcome)>) -> Self {
        let mut prompts: BTreeMap<u64, PromptShares> = BTreeMap::new();
        let (mut wins, mut losses) = (0, 0);
        for (prompt, outcome) in rows {
            let shares = prompts.entry(prompt).or_default();
            shares.rows += 1.0;
            match outcome {
                PairOutcome::Rated(Preference::Filtered) => {
                    shares.wins += 1.0;
                    wins += 1;
                }
                PairOutcome::Rated(Preference::Unfiltered) => {
                    shares.losses += 1.0;
                    losses += 1;
                }
                PairOutcome::Accepted | PairOutcome::Rated(Preference::Tie) => {}
            }
        }
        Self {
            single: prompts.values().all(|p| p.rows == 1.0),
            prompts: prompts.into_values().collect(),
            wins,
            losses,
        }
    }

    pub(super) fn prompts(&self) -> usize {
        self.prompts.len()
    }

    pub(super) fn value(&self) -> f64 {
        let sum: f64 = self.prompts.iter().map(|p| p.advantage()).sum();
        sum / self.prompts.len() as f64
    }

    /// Returns the advantage when prompt i counts `weights[i]` times.
    pub(super) fn weighted(&self, weights: &[f64]) -> f64 {
        let sum: f64 = self
            .prompts
            .iter()
            .zip(weights)
            .map(|(p, w)| w * p.advantage())
            .sum();
        sum / weights.iter().sum::<f64>()
    }

    /// Returns the variance of [`Advantage::value`]; `None` for a single prompt.
    pub(super) fn variance(&self) -> Option<f64> {
        let each: Vec<f64> = self.prompts.iter().map(|p| p.advantage()).collect();
        (each.len() > 1).then(|| variance(&each) / each.len() as f64)
    }

    /// Returns the ends of an interval that holds the expected advantage, each wrong with
    /// probability at most `tail`, whatever the labels: it has no zero width when all agree.
    pub(super) fn ends(&self, tail: f64) -> Ends {
        if self.single {
            return self.exact_ends(tail);
        }
        let n = self.prompts.len() as f64;
        let share = |of: fn(&PromptShares) -> f64| {
            let sum: f64 = self.prompts.iter().map(|p| of(p) / p.rows).sum();
            mean_ends(sum.min(n), n, tail / 2.0)
        };
        let wins = share(|p| p.wins);
        let losses = share(|p| p.losses);
        (wins.0 - losses.1, wins.1 - losses.0)
    }

    /// Given how many comparisons were decided, the wins among them are binomial, and so is how many
    /// were decided.
    fn exact_ends(&self, tail: f64) -> Ends {
        let decided = (self.wins + self.losses) as f64;
        let n = self.prompts.len() as f64;
        // Which end of the share serves which end of the product depends on the labels, so both ends
        // of the share must hold for either.
        let share = exact_ends(decided, n, tail * PART_FOR_SHARES / 2.0);
        let won = if decided > 0.0 {
            exact_ends(self.wins as f64, decided, tail * (1.0 - PART_FOR_SHARES))
        } else {
            (0.0, 1.0)
        };
        scaled(share, (2.0 * won.0 - 1.0, 2.0 * won.1 - 1.0))
    }

    /// Names the method of [`Advantage::ends`].
    pub(super) fn guarantee(&self) -> String {
        if self.single {
            "Clopper-Pearson on decided pairs and on wins among them (guaranteed)".to_owned()
        } else {
            format!(
                "Hoeffding-Bentkus on wins and losses over {} prompts (guaranteed)",
                self.prompts.len()
            )
        }
    }

    /// Names a normal interval, with the warning that it deserves.
    pub(super) fn approximation(&self, name: &str, covered: &str) -> String {
        approximation(name, self.wins, self.losses, covered)
    }
}

/// Names a normal interval, with the warning that so many wins and losses deserve and how often it
/// covered in simulations.
pub(super) fn approximation(name: &str, wins: u64, losses: u64, covered: &str) -> String {
    if wins.min(losses) < DECIDED_FOR_NORMAL {
        format!(
            "{name} (approximate, not to be trusted: {wins} wins and {losses} losses, {DECIDED_FOR_NORMAL} of each are needed; {covered} of 0.95)"
        )
    } else {
        format!("{name} (approximate; {covered} of 0.95)")
    }
}
