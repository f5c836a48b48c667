//! What a filter did: how much it accepts, how many draws a prompt takes, how often it abstains.

use crate::error::MeasureError;
use crate::estimates::{estimate, percent};
use nines_domain::draw::Ruling;
use nines_domain::estimate::Estimate;
use nines_domain::score::Threshold;
use nines_domain::snippet::ContentHash;
use nines_infer::filter::{Abstention, Answer, Filter, Law, Outcome};
use nines_stats::interval::{FamilyCount, clopper_pearson, clustered_proportion};
use nines_stats::quantile::{Support, mean, quantile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What a filter was set to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FilterSettings {
    /// Accept below this.
    pub threshold: Threshold,
    /// Draws looked at for each prompt, at most.
    pub budget: u32,
    /// Which acceptable draw is the answer.
    pub law: Law,
}

impl From<&Filter<'_>> for FilterSettings {
    fn from(filter: &Filter<'_>) -> Self {
        Self {
            threshold: filter.threshold(),
            budget: filter.budget(),
            law: filter.law(),
        }
    }
}

/// Why prompts have no answer, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AbstentionCounts {
    /// The budget was spent.
    pub budget_spent: u64,
    /// The generator cannot continue the prompt.
    pub prompt: u64,
    /// The generator stopped.
    pub generator: u64,
}

impl AbstentionCounts {
    /// All prompts without an answer.
    pub fn total(&self) -> u64 {
        self.budget_spent + self.prompt + self.generator
    }
}

/// What a filter did on a list of prompts. Prompts whose work was cancelled are counted, and left
/// out of every rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilterReport {
    /// The filter.
    pub settings: FilterSettings,
    /// Prompts with an answer or an abstention.
    pub prompts: u64,
    /// Prompts whose work was stopped from outside.
    pub cancelled: u64,
    /// Why prompts have no answer.
    pub abstained: AbstentionCounts,
    /// The share of prompts without an answer.
    pub abstention: Estimate,
    /// The share of the draws looked at that was acceptable. Hard prompts take more draws, so they
    /// weigh more here. `None` when no draw was looked at.
    pub acceptance: Option<Estimate>,
    /// The share of prompts whose first draw was acceptable: the acceptance of a random completion.
    pub first_draw_acceptance: Option<Estimate>,
    /// The share of the draws looked at that had no score or was unfinished.
    pub unscoreable: Option<Estimate>,
    /// Draws looked at for each prompt, on average; prompts that the generator failed are left out
    /// of the three.
    pub draws_mean: Option<Estimate>,
    /// The median of them.
    pub draws_p50: Option<Estimate>,
    /// Their 99th percentile.
    pub draws_p99: Option<Estimate>,
}

/// Reports on a filter's answers, each with the family of its prompt. Prompts of one family are
/// not independent, and the shares' intervals say so; the intervals of the draws for each prompt take
/// one prompt of each family, the first.
///
/// # Errors
/// [`MeasureError::Stats`] for a confidence outside (0, 1).
pub fn filter_report(
    settings: FilterSettings,
    answers: &[(ContentHash, &Answer)],
    confidence: f64,
) -> Result<FilterReport, MeasureError> {
    let mut abstained = AbstentionCounts::default();
    let mut cancelled = 0;
    let mut done: Vec<(ContentHash, &Answer)> = Vec::new();
    let mut draws: BTreeMap<ContentHash, f64> = BTreeMap::new();
    for &(family, answer) in answers {
        let looked = answer.looked_at().count();
        match &answer.outcome {
            Outcome::Abstained(Abstention::Cancelled) => {
                cancelled += 1;
                continue;
            }
            Outcome::Abstained(Abstention::Generator { .. }) => abstained.generator += 1,
            Outcome::Abstained(Abstention::Prompt { .. }) => abstained.prompt += 1,
            Outcome::Abstained(Abstention::BudgetSpent { .. }) => {
                abstained.budget_spent += 1;
                draws.entry(family).or_insert(looked as f64);
            }
            Outcome::Accepted { .. } => {
                draws.entry(family).or_insert(looked as f64);
            }
        }
        done.push((family, answer));
    }
    let draws: Vec<f64> = draws.into_values().collect();
    let share =
        |count: &dyn Fn(&Answer) -> (usize, usize)| -> Result<Option<Estimate>, MeasureError> {
            let mut families: BTreeMap<ContentHash, FamilyCount> = BTreeMap::new();
            for &(family, answer) in &done {
                let (successes, trials) = count(answer);
                let counts = families.entry(family).or_default();
                counts.successes += successes as u64;
                counts.trials += trials as u64;
            }
            let counts: Vec<FamilyCount> = families.into_values().collect();
            if counts.iter().all(|c| c.trials == 0) {
                return Ok(None);
            }
            Ok(Some(estimate(clustered_proportion(&counts, confidence)?)))
        };
    let of_draws = |test: &dyn Fn(&Ruling) -> bool| -> Result<Option<Estimate>, MeasureError> {
        share(&|answer| {
            let successes = answer.looked_at().filter(|c| test(&c.ruling)).count();
            (successes, answer.looked_at().count())
        })
    };
    let prompts = done.len() as u64;
    let abstention = share(&|answer| (usize::from(answer.accepted().is_none()), 1))?;
    let support = Support {
        low: 1.0,
        high: f64::from(settings.budget),
    };
    let some_draws = (!draws.is_empty()).then_some(&draws[..]);
    let draws_quantile = |q| {
        some_draws
            .map(|draws| quantile(draws, q, support, confidence).map(estimate))
            .transpose()
    };
    Ok(FilterReport {
        settings,
        prompts,
        cancelled,
        abstained,
        abstention: match abstention {
            Some(abstention) => abstention,
            None => estimate(clopper_pearson(0, 0, confidence)?),
        },
        acceptance: of_draws(&Ruling::is_accepted)?,
        first_draw_acceptance: share(&|answer| {
            let first = answer.looked_at().find(|c| c.number == 0);
            let accepted = first.is_some_and(|c| c.ruling.is_accepted());
            (usize::from(accepted), usize::from(first.is_some()))
        })?,
        unscoreable: of_draws(&|ruling| matches!(ruling, Ruling::Unscoreable { .. }))?,
        draws_mean: some_draws
            .map(|draws| mean(draws, support, confidence).map(estimate))
            .transpose()?,
        draws_p50: draws_quantile(0.5)?,
        draws_p99: draws_quantile(0.99)?,
    })
}

impl fmt::Display for FilterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Filter: {}, accept when {}, at most {} draws for each prompt.",
            self.settings.law, self.settings.threshold, self.settings.budget
        )?;
        write!(
            f,
            "Prompts: {}, of which {} have no answer ({} spent the budget, {} cannot be continued, {} lost the generator).",
            self.prompts,
            self.abstained.total(),
            self.abstained.budget_spent,
            self.abstained.prompt,
            self.abstained.generator
        )?;
        if self.cancelled > 0 {
            write!(f, " {} more were stopped.", self.cancelled)?;
        }
        write!(f, "\nAbstentions: {}.", percent(&self.abstention))?;
        for (name, share) in [
            ("Accepted, of the draws looked at", &self.acceptance),
            ("Accepted, of first draws", &self.first_draw_acceptance),
            ("Without a score or unfinished", &self.unscoreable),
        ] {
            if let Some(share) = share {
                write!(f, "\n{name}: {}.", percent(share))?;
            }
        }
        for (name, draws) in [
            ("mean", &self.draws_mean),
            ("median", &self.draws_p50),
            ("99th percentile", &self.draws_p99),
        ] {
            if let Some(draws) = draws {
                write!(f, "\nDraws for each prompt, {name}: {}", draws.with(short))?;
            }
        }
        Ok(())
    }
}

/// Whole numbers without decimals, others with two.
fn short(x: f64) -> String {
    if x.fract() == 0.0 {
        format!("{x:.0}")
    } else {
        format!("{x:.2}")
    }
}
