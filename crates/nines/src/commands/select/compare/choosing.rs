//! What a strategy would choose next, by the classifiers that it has so far.

use super::ground::Ground;
use anyhow::{Context, Result};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::classifier::ClassifierScorer;
use nines_infer::scorer::Scorer;
use nines_measure::acquisition::{Draw, Mixture, Pool, Strategy, draw, spread};
use nines_train::active_learning::curve::ACCEPTANCE;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The classifiers of one training, the first of which is measured.
pub struct Committee {
    /// The members; one unless disagreement counts.
    pub members: Vec<Arc<ClassifierScorer>>,
}

/// What has been scored of the pool.
pub struct Scored {
    /// The scores of all that can be chosen, by the first member.
    pub pool: Vec<f64>,
}

/// Scores rows by a classifier.
pub fn scores(ground: &Ground, scorer: &ClassifierScorer, rows: &[usize]) -> Result<Vec<f64>> {
    let texts = texts(ground, rows);
    let scores = scorer.score(&texts, &mut |_| {}).into_iter();
    let scores = scores.map(|score| score.map(|score| score.logit()));
    scores
        .collect::<Result<_, _>>()
        .context("a labelled snippet has no score; take it out, or compare with a longer window")
}

/// Chooses what is labelled next.
pub fn choose(
    ground: &Ground,
    strategy: &Mixture,
    (seed, n): (u64, usize),
    labelled: &[usize],
    committee: Option<&Committee>,
    scored: Option<&Scored>,
) -> Result<Vec<usize>> {
    let taken: BTreeSet<usize> = labelled.iter().copied().collect();
    let places = 0..ground.parts.pool.len();
    let open: Vec<usize> = places
        .filter(|&place| !taken.contains(&ground.parts.pool[place]))
        .collect();
    let rows: Vec<usize> = open.iter().map(|&place| ground.parts.pool[place]).collect();
    let mut pool = Pool {
        size: rows.len(),
        worths: BTreeMap::new(),
        ..Pool::default()
    };
    if strategy.has(Strategy::NearThreshold) {
        let scored = scored.context("the pool was not scored")?;
        let of_open: Vec<f64> = open.iter().map(|&place| scored.pool[place]).collect();
        let random: Vec<bool> = rows
            .iter()
            .map(|&row| ground.data.rows()[row].random)
            .collect();
        let at = threshold(&of_open, &random);
        let near = of_open.iter().map(|score| -(score - at).abs()).collect();
        pool.worths.insert(Strategy::NearThreshold, near);
    }
    if strategy.has(Strategy::Disagreement) {
        let committee = committee.context("the committee was not trained")?;
        let members = committee.members.iter();
        let columns = members.map(|member| scores(ground, member, &rows));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let apart = (0..rows.len()).map(|place| {
            let of: Vec<f64> = columns.iter().map(|column| column[place]).collect();
            spread(&of)
        });
        pool.worths.insert(Strategy::Disagreement, apart.collect());
    }
    if strategy.has(Strategy::Diverse) {
        let committee = committee.context("the classifier was not kept")?;
        let first = committee
            .members
            .first()
            .context("there is no classifier")?;
        pool.states = states(ground, first, &rows)?;
        pool.labelled = states(ground, first, labelled)?;
    }
    let keyed = ContentHash::of_fields(
        "active learning draw",
        &[&seed.to_string(), &labelled.len().to_string()],
    );
    let asked = Draw {
        n,
        mixture: strategy.clone(),
        focus: ground.args.focus,
        seed: keyed.prefix_u64(),
    };
    let drawn = draw(&asked, &pool)?;
    Ok(drawn.iter().map(|drawn| rows[drawn.place]).collect())
}

/// Where the share of [`ACCEPTANCE`] of what is unlabelled and random would be accepted: a threshold that costs no
/// label. Without random ones, of all that is unlabelled.
fn threshold(scores: &[f64], random: &[bool]) -> f64 {
    let pairs = scores.iter().zip(random);
    let mut of: Vec<f64> = pairs
        .filter(|(_, random)| **random)
        .map(|(score, _)| *score)
        .collect();
    if of.is_empty() {
        of = scores.to_vec();
    }
    of.sort_by(f64::total_cmp);
    let at = (ACCEPTANCE * of.len() as f64) as usize;
    of.get(at.min(of.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

fn states(ground: &Ground, scorer: &ClassifierScorer, rows: &[usize]) -> Result<Vec<Vec<f32>>> {
    let texts = texts(ground, rows);
    let states = scorer.states(&texts, &mut |_| {}).into_iter();
    states
        .collect::<Result<_, _>>()
        .context("a labelled snippet has no hidden state; take it out")
}

fn texts(ground: &Ground, rows: &[usize]) -> Vec<SnippetText> {
    rows.iter()
        .map(|&row| ground.data.rows()[row].text.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_accepts_its_share_of_what_is_random() {
        let scores: Vec<f64> = (0..20).map(f64::from).collect();
        let random: Vec<bool> = (0..20).map(|i| i % 2 == 0).collect();
        let at = threshold(&scores, &random);
        let accepted = (0..20).step_by(2).filter(|&i| f64::from(i) < at).count();
        assert_eq!(accepted, 8);
        assert_eq!(threshold(&scores, &[false; 20]), 16.0);
    }
}
