//! A threshold that falls with the rejections already made, beside the fixed one at the same abstention.
//!
//! Both filters look at the same draws of the same prompts. Where the tightening one abstains as often, it accepts
//! first draws more readily and later ones less: whether that is worth it, labels of the answers that differ say
//! ([`crate::comparison`]).

use crate::error::MeasureError;
use crate::estimates::{estimate, percent};
use nines_domain::estimate::Estimate;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::ContentHash;
use nines_infer::filter::Step;
use nines_stats::StatsError;
use nines_stats::family_mean::family_mean;
use nines_stats::interval::{FamilyCount, clustered_proportion};
use nines_stats::quantile::{Support, mean};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The draws of one prompt, in their order, as many as the filters' budget.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptDraws {
    /// The prompt's family.
    pub family: ContentHash,
    /// The score of each draw; none where it has none, or is unfinished.
    pub scores: Vec<Option<Score>>,
}

/// What one of the filters does with the prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilterSide {
    /// What the first draw must score below.
    pub threshold: Threshold,
    /// Prompts left without an answer.
    pub abstained: u64,
    /// Their share.
    pub abstention: Estimate,
    /// Draws looked at for each prompt, on average over prompts; its n is the number of their families.
    pub draws: Estimate,
    /// The share of the answers that were the first draw.
    pub first_draws: Option<Estimate>,
}

/// A fixed threshold and one that tightens, on the same draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TighteningReport {
    /// By how much the threshold falls.
    pub step: Step,
    /// Draws before a filter abstains.
    pub budget: u32,
    /// Prompts that were drawn for.
    pub prompts: u64,
    /// The fixed threshold.
    pub fixed: FilterSide,
    /// The same threshold, tightening: it never accepts what the fixed one rejects.
    pub tightened: FilterSide,
    /// The threshold at which the tightening filter abstains as often as the fixed one.
    pub equal: FilterSide,
    /// The share of prompts that the fixed filter and the equal one answer differently: only these need a label.
    pub differ: Estimate,
}

/// Compares both on draws of random prompts.
///
/// # Errors
/// [`MeasureError::EmptyFrame`] without prompts or draws, [`MeasureError::Stats`] for a confidence outside (0, 1).
pub fn tightening(
    prompts: &[PromptDraws],
    threshold: Threshold,
    step: Step,
    confidence: f64,
) -> Result<TighteningReport, MeasureError> {
    let budget = prompts
        .iter()
        .map(|prompt| prompt.scores.len())
        .max()
        .unwrap_or(0);
    if budget == 0 {
        return Err(MeasureError::EmptyFrame);
    }
    let fixed: Vec<Option<usize>> = answers(prompts, threshold, None);
    let wanted = fixed.iter().filter(|answer| answer.is_none()).count();
    let equal_at = equal(prompts, step, wanted, threshold);
    let tightened = answers(prompts, threshold, Some(step));
    let equal = answers(prompts, equal_at, Some(step));
    let differ = prompts.iter().zip(fixed.iter().zip(&equal));
    let differ = share(
        differ.map(|(prompt, (a, b))| (prompt.family, a != b)),
        confidence,
    )?;
    let side = |threshold, answers: &[Option<usize>]| {
        side(prompts, threshold, answers, budget, confidence)
    };
    Ok(TighteningReport {
        step,
        budget: u32::try_from(budget).unwrap_or(u32::MAX),
        prompts: prompts.len() as u64,
        fixed: side(threshold, &fixed)?,
        tightened: side(threshold, &tightened)?,
        equal: side(equal_at, &equal)?,
        differ,
    })
}

/// The place of each prompt's answer; none for an abstention.
fn answers(
    prompts: &[PromptDraws],
    threshold: Threshold,
    step: Option<Step>,
) -> Vec<Option<usize>> {
    let answer = |prompt: &PromptDraws| {
        prompt
            .scores
            .iter()
            .zip(0u32..)
            .position(|(score, rejected)| {
                let at = match step {
                    None => threshold,
                    Some(step) => threshold.lowered(step.after(rejected)),
                };
                score.is_some_and(|score| at.accepts(score))
            })
    };
    prompts.iter().map(answer).collect()
}

/// The threshold at which the tightening filter leaves as many prompts without an answer as were wanted; more where
/// scores tie.
fn equal(prompts: &[PromptDraws], step: Step, wanted: usize, fixed: Threshold) -> Threshold {
    // A prompt is left without an answer where no draw is better than this, its score and what is added for its place.
    let mut best: Vec<f64> = prompts
        .iter()
        .map(|prompt| {
            let draws = prompt.scores.iter().zip(0u32..);
            let reached = draws.filter_map(|(score, k)| Some((*score)?.logit() + step.after(k)));
            reached.fold(f64::INFINITY, f64::min)
        })
        .collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let last_without = wanted.checked_sub(1).map(|at| best[at]);
    let first_with = best.get(wanted).copied().filter(|x| x.is_finite());
    let at = match (last_without, first_with) {
        (Some(above), Some(below)) if above.is_finite() => f64::midpoint(above, below),
        // All that has no score abstains, and everything else is answered.
        (_, Some(below)) => below + NUDGE,
        // Nothing is answered.
        (_, None) => return fixed.lowered(f64::INFINITY),
    };
    Threshold::new(at).unwrap_or(fixed)
}

/// Beyond a score by so many logits, it is accepted whatever rounding does.
const NUDGE: f64 = 1e-6;

fn side(
    prompts: &[PromptDraws],
    threshold: Threshold,
    answers: &[Option<usize>],
    budget: usize,
    confidence: f64,
) -> Result<FilterSide, MeasureError> {
    let both = || prompts.iter().map(|prompt| prompt.family).zip(answers);
    let draws = both()
        .map(|(family, answer)| (family, answer.map_or(budget, |at| at + 1) as f64))
        .collect::<Vec<_>>();
    let answered: Vec<(ContentHash, bool)> = both()
        .filter_map(|(family, answer)| Some((family, (*answer)? == 0)))
        .collect();
    Ok(FilterSide {
        threshold,
        abstained: answers.iter().filter(|answer| answer.is_none()).count() as u64,
        abstention: share(
            both().map(|(family, answer)| (family, answer.is_none())),
            confidence,
        )?,
        draws: mean_draws(&draws, budget, confidence)?,
        first_draws: match answered.is_empty() {
            true => None,
            false => Some(share(answered.into_iter(), confidence)?),
        },
    })
}

/// The mean draws of a prompt, with an interval that knows that families are independent and their prompts are not.
fn mean_draws(
    draws: &[(ContentHash, f64)],
    budget: usize,
    confidence: f64,
) -> Result<Estimate, MeasureError> {
    let support = Support {
        low: 1.0,
        high: budget as f64,
    };
    let (families, values): (Vec<u64>, Vec<f64>) = draws
        .iter()
        .map(|(family, draws)| (family.prefix_u64(), *draws))
        .unzip();
    match family_mean(&values, &families, confidence) {
        Ok(mean) => Ok(Estimate {
            lower: mean.lower.max(support.low),
            upper: mean.upper.min(support.high),
            ..estimate(mean)
        }),
        // All families have the same mean, so that theirs is that of the prompts too.
        Err(StatsError::TooFewFamilies { .. }) => {
            let mut of: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
            for (family, draws) in families.iter().zip(&values) {
                let (sum, n) = of.entry(*family).or_default();
                (*sum, *n) = (*sum + draws, *n + 1.0);
            }
            let means: Vec<f64> = of.into_values().map(|(sum, n)| sum / n).collect();
            Ok(estimate(mean(&means, support, confidence)?))
        }
        Err(error) => Err(error.into()),
    }
}

fn share(
    of: impl Iterator<Item = (ContentHash, bool)>,
    confidence: f64,
) -> Result<Estimate, MeasureError> {
    let mut families: BTreeMap<ContentHash, FamilyCount> = BTreeMap::new();
    for (family, holds) in of {
        let count = families.entry(family).or_insert(FamilyCount {
            successes: 0,
            trials: 0,
        });
        count.successes += u64::from(holds);
        count.trials += 1;
    }
    let families: Vec<FamilyCount> = families.into_values().collect();
    Ok(estimate(clustered_proportion(&families, confidence)?))
}

impl fmt::Display for TighteningReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} prompts with {} draws each; the threshold falls by {}*ln(1+k) logits after k draws that were not accepted",
            self.prompts,
            self.budget,
            self.step.logits()
        )?;
        for (what, side) in [
            ("fixed", &self.fixed),
            ("tightening, same threshold", &self.tightened),
            ("tightening, same abstention", &self.equal),
        ] {
            let [draws, from, to] = side.draws.decimal(1.0, 2);
            writeln!(f, "{what}: {}", side.threshold)?;
            writeln!(f, "  without an answer: {}", percent(&side.abstention))?;
            writeln!(
                f,
                "  draws for each prompt: {draws} [{from}, {to}], over {} prompt families",
                side.draws.n
            )?;
            if let Some(first) = &side.first_draws {
                writeln!(f, "  answered with the first draw: {}", percent(first))?;
            }
        }
        write!(
            f,
            "answered differently by the first and the last: {}",
            percent(&self.differ)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nines_stats::random::Stream;

    fn prompts(n: u64, budget: usize) -> Vec<PromptDraws> {
        (0..n)
            .map(|i| {
                let mut stream = Stream::new(3, i);
                let hard = 2.0 * stream.normal();
                let scores = (0..budget).map(|k| match k % 7 == 6 {
                    true => None,
                    false => Score::new(hard + stream.normal()).ok(),
                });
                PromptDraws {
                    family: ContentHash::of_fields("family", &[&(i / 2).to_string()]),
                    scores: scores.collect(),
                }
            })
            .collect()
    }

    #[test]
    fn abstentions_are_made_equal() {
        let (step, threshold) = (
            Step::new(0.7).expect("a step"),
            Threshold::new(-1.5).expect("finite"),
        );
        let report = tightening(&prompts(300, 8), threshold, step, 0.95).expect("compared");
        assert_eq!((report.prompts, report.budget), (300, 8));
        assert!(report.fixed.abstained > 20, "{report}");
        assert!(
            report.tightened.abstained > report.fixed.abstained,
            "a lower bar is met less often"
        );
        assert_eq!(report.equal.abstained, report.fixed.abstained);
        assert!(
            report.equal.threshold > threshold,
            "paid for with a higher first bar"
        );
        assert!(report.differ.value.is_some_and(|share| share > 0.0));
        let first = |side: &FilterSide| side.first_draws.as_ref().and_then(|share| share.value);
        assert!(first(&report.equal) > first(&report.fixed));
    }

    #[test]
    fn draws_are_counted_for_every_prompt_of_a_family() {
        let score = |x: f64| Score::new(x).ok();
        // Of each family the first prompt is answered at once, and the others with the third draw.
        let of = |family: u64, first: bool| PromptDraws {
            family: ContentHash::of_fields("family", &[&family.to_string()]),
            scores: vec![score(if first { -1.0 } else { 1.0 }), None, score(-5.0)],
        };
        let mut prompts: Vec<PromptDraws> = Vec::new();
        for family in 0..10 {
            prompts.push(of(family, true));
            prompts.extend((0..=family % 3).map(|_| of(family, false)));
        }
        let step = Step::new(0.5).expect("a step");
        let threshold = Threshold::new(0.0).expect("finite");
        let report = tightening(&prompts, threshold, step, 0.95).expect("compared");
        // 10 prompts with one draw, 19 with three.
        let draws = &report.fixed.draws;
        assert!((draws.value.expect("a mean") - 67.0 / 29.0).abs() < 1e-12);
        assert_eq!(draws.n, 10);
        assert!(draws.lower > 1.0 && draws.upper < 3.0, "{draws:?}");
        // All families alike: one draw and three in each.
        let alike: Vec<PromptDraws> = (0..10).flat_map(|f| [of(f, true), of(f, false)]).collect();
        let report = tightening(&alike, threshold, step, 0.95).expect("compared");
        let draws = &report.fixed.draws;
        assert_eq!((draws.value, draws.n), (Some(2.0), 10));
        assert!(draws.lower < 2.0 && draws.upper > 2.0, "{draws:?}");
    }

    #[test]
    fn all_answered_and_none_answered_are_equal_too() {
        let step = Step::new(1.0).expect("a step");
        for logit in [-50.0, 50.0] {
            let threshold = Threshold::new(logit).expect("finite");
            let report = tightening(&prompts(40, 4), threshold, step, 0.95).expect("compared");
            assert_eq!(report.equal.abstained, report.fixed.abstained, "{report}");
        }
        let none = Threshold::new(0.0).expect("finite");
        assert!(tightening(&[], none, step, 0.95).is_err());
    }
}
