//! The catastrophes that a margin looks at: the worst of them, how it fell with effort, and where that leads.

use super::super::frame::Frame;
use crate::data;
use crate::models;
use crate::output::Output;
use crate::project::Project;
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_domain::split::Split;
use nines_infer::scorer::Unscoreable;
use nines_measure::estimate;
use nines_measure::severity::severity;
use nines_stats::bootstrap::Bootstrap;
use nines_stats::forecast::fit_gumbel_tail;
use nines_stats::interval::clopper_pearson;
use nines_store::Snippet;
use serde::Serialize;

/// How many of the worst catastrophes the tail is fitted to.
const TOP: usize = 10;

/// A catastrophe with its score.
pub struct Catastrophe {
    /// The newest label's key: the order of effort.
    pub label: i64,
    pub severity: u8,
    /// The logit; infinite for what is too unfamiliar: no threshold accepts it.
    pub score: f64,
    pub text: SnippetText,
}

impl Catastrophe {
    /// Says whether a second condition rejects it.
    pub fn is_unfamiliar(&self) -> bool {
        self.score == f64::INFINITY
    }
}

/// The worst catastrophe of a severity.
#[derive(Serialize)]
pub struct Worst {
    pub severity: u8,
    pub found: usize,
    /// Of which so many are too unfamiliar for the second condition: rejected, whatever their score.
    pub unfamiliar: usize,
    pub accepted: usize,
    /// How much of what was found is accepted.
    pub accepted_share: Estimate,
    /// Score minus threshold, in logits: below 0 it is accepted. None where all are too unfamiliar.
    pub margin: Option<f64>,
    pub prompt: Option<String>,
    pub completion: Option<String>,
}

/// The worst after so many catastrophes.
#[derive(Serialize)]
pub struct Growth {
    pub catastrophes: usize,
    /// None where all are too unfamiliar.
    pub margin: Option<f64>,
}

/// Every catastrophe of the held-out splits, with the score that decides, in the order of labelling; and how many more
/// have no score.
pub async fn catastrophes(
    project: &Project,
    frame: &Frame,
    output: &Output,
) -> Result<(Vec<Catastrophe>, usize)> {
    let mut snippets = data::labelled(project).await?;
    // What the classifier was fitted to says little of what it misses.
    let seed = project.config.project.split_seed;
    let held_out = |s: &Snippet| matches!(s.split(seed), Split::Calibration | Split::Test);
    snippets.retain(|s| data::broad(s) == Some(true) && held_out(s));
    let scorer = frame.serving.scorer();
    let texts = snippets.iter().map(|s| s.text.clone()).collect();
    let scores = models::score_all(scorer, texts, "catastrophes", output).await?;
    let stored: Vec<_> = snippets
        .iter()
        .zip(&scores)
        .filter_map(|(snippet, score)| Some((snippet.id, *score.as_ref().ok()?)))
        .collect();
    let (model, path) = (frame.serving.model.id, frame.serving.path().to_string());
    project.store.insert_scores(model, &path, &stored).await?;
    let (mut found, all) = (Vec::new(), snippets.len());
    for (snippet, score) in snippets.into_iter().zip(scores) {
        // What a second condition rejects was found like the rest, and no threshold accepts it.
        let score = match score {
            Ok(score) => score.logit(),
            Err(Unscoreable::Unfamiliar { .. }) => f64::INFINITY,
            Err(_) => continue,
        };
        let Some(label) = snippet.labels.last() else {
            continue;
        };
        found.push(Catastrophe {
            label: label.id.0,
            severity: severity(snippet.labels.iter().map(|l| &l.label)).map_or(2, u8::from),
            score,
            text: snippet.text,
        });
    }
    let unscoreable = all - found.len();
    found.sort_by_key(|c| c.label);
    Ok((found, unscoreable))
}

/// The worst catastrophe of a severity; `None` where none was found.
pub fn worst_of(
    catastrophes: &[Catastrophe],
    severity: u8,
    threshold: Threshold,
    confidence: f64,
) -> Result<Option<Worst>> {
    let of: Vec<&Catastrophe> = catastrophes
        .iter()
        .filter(|c| c.severity == severity)
        .collect();
    if of.is_empty() {
        return Ok(None);
    }
    let familiar = of.iter().filter(|c| !c.is_unfamiliar());
    let worst = familiar.min_by(|a, b| a.score.total_cmp(&b.score));
    let accepted = of.iter().filter(|c| c.score < threshold.logit()).count();
    Ok(Some(Worst {
        severity,
        found: of.len(),
        unfamiliar: of.iter().filter(|c| c.is_unfamiliar()).count(),
        accepted,
        accepted_share: estimate(clopper_pearson(
            accepted as u64,
            of.len() as u64,
            confidence,
        )?),
        margin: worst.map(|c| c.score - threshold.logit()),
        prompt: worst.map(|c| c.text.prompt.clone()),
        completion: worst.map(|c| c.text.completion.clone()),
    }))
}

/// The worst after the first 1, 2, 4, 8 … catastrophes.
pub fn growth(catastrophes: &[Catastrophe], threshold: Threshold) -> Vec<Growth> {
    let mut counts: Vec<usize> = std::iter::successors(Some(1usize), |n| Some(n * 2))
        .take_while(|n| *n < catastrophes.len())
        .collect();
    counts.push(catastrophes.len());
    let worst = |n: usize| {
        let scores = catastrophes[..n].iter().map(|c| c.score);
        let worst = scores.fold(f64::INFINITY, f64::min);
        worst.is_finite().then(|| worst - threshold.logit())
    };
    counts
        .into_iter()
        .map(|catastrophes| Growth {
            catastrophes,
            margin: worst(catastrophes),
        })
        .collect()
}

/// Extrapolates the worst margin to more catastrophes: P(safe) as the classifier gives it to
/// catastrophes, whose tail is fitted as for rare failures; 0 for those that a second condition rejects. Empty where
/// it cannot be fitted.
pub fn forecast(
    catastrophes: &[Catastrophe],
    threshold: Threshold,
    bootstrap: &Bootstrap,
) -> Vec<(u64, Estimate)> {
    let evasion: Vec<f64> = catastrophes
        .iter()
        .map(|c| 1.0 / (1.0 + c.score.exp()))
        .collect();
    let Ok(fit) = fit_gumbel_tail(&evasion, TOP) else {
        return Vec::new();
    };
    let margin = |p: f64| (1.0 / p - 1.0).ln() - threshold.logit();
    [10u64, 100, 1000]
        .into_iter()
        .filter_map(|multiple| {
            let n = catastrophes.len() as u64 * multiple;
            let found = estimate(fit.worst_query(n, bootstrap).ok()?);
            // More evasion is a lower score: the ends change places.
            Some((
                n,
                Estimate {
                    value: found.value.map(margin),
                    lower: margin(found.upper),
                    upper: margin(found.lower),
                    method: format!(
                        "{} of P(safe) given to catastrophes, in logits",
                        found.method
                    ),
                    ..found
                },
            ))
        })
        .filter(|(_, e)| !e.lower.is_nan() && !e.upper.is_nan())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catastrophe(label: i64, score: f64) -> Catastrophe {
        Catastrophe {
            label,
            severity: 2,
            score,
            text: SnippetText::new("She ran.", format!(" She fell, {label} times.")),
        }
    }

    #[test]
    fn what_a_second_condition_rejects_is_found_and_never_the_worst() {
        let threshold = Threshold::new(0.0).expect("finite");
        let scores = [f64::INFINITY, f64::INFINITY, 1.5, -0.5];
        let all: Vec<Catastrophe> = (0..).zip(scores).map(|(n, s)| catastrophe(n, s)).collect();
        let worst = worst_of(&all, 2, threshold, 0.95)
            .expect("a share")
            .expect("found");
        assert_eq!((worst.found, worst.unfamiliar, worst.accepted), (4, 2, 1));
        assert_eq!(worst.accepted_share.value, Some(0.25));
        assert_eq!(worst.margin, Some(-0.5));
        let growth: Vec<_> = growth(&all, threshold)
            .iter()
            .map(|g| (g.catastrophes, g.margin))
            .collect();
        assert_eq!(growth, [(1, None), (2, None), (4, Some(-0.5))]);
        let none = worst_of(&all[..2], 2, threshold, 0.95)
            .expect("a share")
            .expect("found");
        assert_eq!((none.found, none.margin, none.prompt), (2, None, None));
    }

    #[test]
    fn the_tail_is_that_of_everything_found() {
        let threshold = Threshold::new(0.0).expect("finite");
        let scored: Vec<Catastrophe> = (0..40)
            .map(|n| catastrophe(n, 3.0 + 0.2 * n as f64))
            .collect();
        let bootstrap = Bootstrap::default();
        let alone = forecast(&scored, threshold, &bootstrap);
        let mut all = scored;
        all.extend((40..80).map(|n| catastrophe(n, f64::INFINITY)));
        let with = forecast(&all, threshold, &bootstrap);
        assert_eq!((alone[0].0, with[0].0), (400, 800), "of so many");
        assert!(with[0].1.value.is_some());
    }
}
