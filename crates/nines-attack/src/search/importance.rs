//! Which places of a text matter most to the victim, and are tried first.

use crate::edit::{Draft, Edit, Site};
use crate::trial::{Order, Stop, Trial};
use crate::victim::Scores;
use nines_domain::snippet::SnippetText;
use serde::{Deserialize, Serialize};

/// How places are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Importance {
    /// By the score with the word replaced by a text that means nothing.
    #[default]
    Unk,
    /// By the score without the word.
    Delete,
    /// By the score with the word replaced by a text that means nothing (as a softmax over words), times
    /// the best that its substitutes reach.
    ///
    /// As TextAttack computes it: from goal scores themselves, where the paper of PWWS has their changes.
    WeightedSaliency,
    /// By the gradient at the tokens of the word: the sum of magnitudes of their mean.
    Gradient,
    /// By chance: the control for all others.
    Random,
    /// In the order of the text.
    Text,
}

/// Orders places, the most important first; equal ones stay in the order of the text. The second value
/// says whether the budget ended meanwhile.
///
/// A gap matters as much as the more important of the words beside it. A place that can be neither masked
/// nor taken out, such as a whole half, comes first: what is proposed for it stands alone.
///
/// # Errors
/// [`Stop`] as the trial gives it, and [`Stop::Broken`] where gradients are wanted and there are none.
pub fn ordered(
    trial: &mut Trial<'_>,
    sites: Vec<Site>,
    importance: Importance,
    unk: &str,
    order: Order,
) -> Result<(Vec<Site>, bool), Stop> {
    let draft = trial.start().draft.clone();
    let (values, over) = match importance {
        Importance::Text => return Ok((sites, false)),
        Importance::Random => return Ok((shuffled(&draft, sites), false)),
        Importance::Unk => {
            let masked = |draft: &Draft, site: &Site| replaced(draft, site, unk);
            by_leaving_out(trial, &draft, &sites, masked)?
        }
        Importance::Delete => by_leaving_out(trial, &draft, &sites, |draft, site| {
            let edits = [draft.deletion(site)];
            draft.apply(&edits).ok().map(|draft| draft.text().clone())
        })?,
        Importance::WeightedSaliency => by_weighted_saliency(trial, &draft, &sites, unk, order)?,
        Importance::Gradient => (by_gradient(trial, &draft, &sites)?, trial.meter().is_over()),
    };
    let mut order: Vec<usize> = (0..sites.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    Ok((order.into_iter().map(|i| sites[i].clone()).collect(), over))
}

fn shuffled(draft: &Draft, mut sites: Vec<Site>) -> Vec<Site> {
    let mut random = draft.random("random order");
    for i in (1..sites.len()).rev() {
        sites.swap(i, random.below(i + 1));
    }
    sites
}

/// Puts a text in place of a word, whatever is protected: this is a question, not a candidate.
fn replaced(draft: &Draft, site: &Site, text: &str) -> Option<SnippetText> {
    let free = Draft::new(draft.text().clone(), Vec::new());
    let edit = Edit {
        site: site.clone(),
        text: text.to_owned(),
    };
    free.apply(&[edit]).ok().map(|draft| draft.text().clone())
}

/// Says of each place whether it is a single word, which can be masked.
fn is_word(draft: &Draft, site: &Site) -> bool {
    let text = draft.at(site).unwrap_or_default();
    crate::words::words(text).len() == 1
}

/// Scores the text without each word; the goal's probability is the importance.
fn by_leaving_out(
    trial: &mut Trial<'_>,
    draft: &Draft,
    sites: &[Site],
    without: impl Fn(&Draft, &Site) -> Option<SnippetText>,
) -> Result<(Vec<f64>, bool), Stop> {
    let mut texts = Vec::new();
    let mut of = vec![None; sites.len()];
    for (index, site) in sites.iter().enumerate() {
        if is_word(draft, site)
            && let Some(text) = without(draft, site)
        {
            of[index] = Some(texts.len());
            texts.push(text);
        }
    }
    let (scores, over) = trial.probe(&texts)?;
    let goal = trial.goal();
    let value = |scores: &Scores| match scores {
        Ok(scores) => goal.value(scores),
        // Without it there is no score, and so nothing is known of it.
        Err(_) => f64::NEG_INFINITY,
    };
    let values = of.iter().map(|place| match place {
        Some(index) => scores.get(*index).map_or(f64::NEG_INFINITY, value),
        None => f64::INFINITY,
    });
    let mut values: Vec<f64> = values.collect();
    borrow_for_gaps(draft, sites, &mut values);
    Ok((values, over))
}

/// Gives each gap the larger importance of the words that it touches or lies nearest to.
fn borrow_for_gaps(draft: &Draft, sites: &[Site], values: &mut [f64]) {
    let words: Vec<usize> = (0..sites.len())
        .filter(|&index| is_word(draft, &sites[index]))
        .collect();
    for index in 0..sites.len() {
        let gap = &sites[index];
        if !gap.is_gap() {
            continue;
        }
        let here = |word: &&usize| sites[**word].part == gap.part;
        let before = words
            .iter()
            .filter(here)
            .rfind(|&&word| sites[word].range.end <= gap.range.start);
        let after = words
            .iter()
            .filter(here)
            .find(|&&word| sites[word].range.start >= gap.range.start);
        let known = before.into_iter().chain(after).map(|&word| values[word]);
        values[index] = known.fold(f64::NEG_INFINITY, f64::max);
    }
}

/// TextAttack's weighted saliency.
fn by_weighted_saliency(
    trial: &mut Trial<'_>,
    draft: &Draft,
    sites: &[Site],
    unk: &str,
    order: Order,
) -> Result<(Vec<f64>, bool), Stop> {
    let goal = trial.goal();
    let words: Vec<Site> = sites
        .iter()
        .filter(|site| is_word(draft, site))
        .cloned()
        .collect();
    let texts: Vec<SnippetText> = words
        .iter()
        .filter_map(|site| replaced(draft, site, unk))
        .collect();
    let (scores, mut over) = trial.probe(&texts)?;
    let probability = |scores: &Scores| match scores {
        Ok(scores) => goal.probability(scores),
        Err(_) => 0.0,
    };
    let saliency: Vec<f64> = scores.iter().map(probability).collect();
    let largest = saliency.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = saliency.iter().map(|s| (s - largest).exp()).sum();
    let mut of_words = vec![f64::NEG_INFINITY; words.len()];
    for (index, site) in words.iter().enumerate().take(saliency.len()) {
        let mut reached = 0.0;
        if !over {
            let candidates = trial.candidates(draft, Some(std::slice::from_ref(site)), order)?;
            if !candidates.is_empty() {
                let round = trial.consider(candidates)?;
                over = round.over;
                let best = round.scored.iter().map(|one| goal.probability(&one.scores));
                reached = best.fold(0.0, f64::max);
            }
        }
        of_words[index] = (saliency[index] - largest).exp() / sum * reached;
    }
    let mut values: Vec<f64> = sites
        .iter()
        .map(|site| match words.iter().position(|word| word == site) {
            Some(index) => of_words[index],
            None => f64::INFINITY,
        })
        .collect();
    borrow_for_gaps(draft, sites, &mut values);
    Ok((values, over))
}

/// Sums the magnitudes of the mean gradient over the tokens of each word.
///
/// A token belongs to a word when they share a byte: words and tokens are aligned by their places in the
/// text, never by their spelling.
fn by_gradient(
    trial: &mut Trial<'_>,
    draft: &Draft,
    sites: &[Site],
) -> Result<Vec<f64>, Stop> {
    let scorer = &trial.meter().victim().scorers[0];
    let Some(model) = scorer.differentiable() else {
        return Err(Stop::Broken(format!(
            "{} has no gradients; order the words by unk or delete instead",
            scorer.version()
        )));
    };
    let gradient = match model.gradients(std::slice::from_ref(draft.text())).pop() {
        Some(Ok(gradient)) => gradient,
        Some(Err(reason)) => return Err(Stop::Broken(format!("no gradient: {reason}"))),
        None => return Err(Stop::Broken("the classifier gave no gradient".to_owned())),
    };
    trial.meter_mut().charge(1);
    let importance = |site: &Site| {
        if !is_word(draft, site) {
            return f64::INFINITY;
        }
        let mut sum = vec![0f64; gradient.hidden];
        let mut tokens = 0u32;
        for (token, span) in gradient.encoded.offsets.iter().enumerate() {
            let inside = span.is_some_and(|span| {
                span.part == site.part
                    && span.start < site.range.end
                    && site.range.start < span.end
            });
            if inside {
                tokens += 1;
                let row = &gradient.gradient[token * gradient.hidden..];
                for (sum, value) in sum.iter_mut().zip(row) {
                    *sum += f64::from(*value);
                }
            }
        }
        sum.iter().map(|value| value.abs()).sum::<f64>() / f64::from(tokens.max(1))
    };
    let mut values: Vec<f64> = sites.iter().map(importance).collect();
    borrow_for_gaps(draft, sites, &mut values);
    Ok(values)
}
