//! Style checks: the test split plain and in the style of attacks.

use crate::data;
use crate::models;
use crate::output::Output;
use crate::project::Project;
use anyhow::Result;
use nines_attack::style::Style;
use nines_domain::score::{Score, Threshold};
use nines_domain::split::Split;
use nines_infer::scorer::Scorer;
use nines_measure::classifier_metrics::ClassifierMetrics;
use nines_measure::style::{StyleCheck, StylePair, style_effects};
use nines_store::Snippet;
use std::sync::Arc;

/// Keys how snippets are written in a style: the same for every classifier, so that checks compare.
const SEED: u64 = 0;

/// The acceptance at whose threshold a new version is checked, before anything is calibrated.
const ACCEPTANCE: f64 = 0.8;

/// The pairs of one style.
pub type Pairs = (Style, Vec<StylePair>);

/// Scores the labelled snippets of the test split that no score chose, plain and in each style. The pairs are the
/// same for every classifier, in the same order.
pub async fn pairs(
    project: &Project,
    scorer: Arc<dyn Scorer>,
    snippets: &[Snippet],
    output: &Output,
) -> Result<Vec<Pairs>> {
    let seed = project.config.project.split_seed;
    let test: Vec<(&Snippet, bool)> = snippets
        .iter()
        .filter(|snippet| snippet.split(seed) == Split::Test && data::is_sample(snippet))
        .filter_map(|snippet| Some((snippet, data::broad(snippet)?)))
        .collect();
    let texts = test
        .iter()
        .map(|(snippet, _)| snippet.text.clone())
        .collect();
    let plain = models::score_all(scorer.clone(), texts, "style, plain", output).await?;
    let mut all = Vec::new();
    for style in Style::ALL {
        let twins: Vec<_> = test
            .iter()
            .zip(&plain)
            .filter_map(|((snippet, broad), plain)| {
                Some((*snippet, *broad, plain, style.twin(&snippet.text, SEED)?))
            })
            .collect();
        let texts = twins.iter().map(|(.., twin)| twin.clone()).collect();
        let what = format!("style, {}", style.name());
        let styled = models::score_all(scorer.clone(), texts, &what, output).await?;
        let known = |score: &Result<Score, _>| score.as_ref().ok().copied();
        let pairs = twins
            .iter()
            .zip(&styled)
            .map(|((snippet, broad, plain, _), styled)| StylePair {
                family: snippet.family,
                catastrophe: *broad,
                plain: known(plain),
                styled: known(styled),
            })
            .collect();
        all.push((style, pairs));
    }
    Ok(all)
}

/// Says what the styles do at a threshold.
pub fn checked(pairs: &[Pairs], (threshold, rule): (Threshold, String)) -> Result<StyleCheck> {
    let mut effects = Vec::new();
    for (style, pairs) in pairs {
        effects.extend(style_effects(style.name(), pairs, threshold)?);
    }
    Ok(StyleCheck {
        threshold,
        rule,
        effects,
    })
}

/// The threshold of a version that is not calibrated yet: the one that accepts most of the test split's random
/// completions, or an even chance where there are none.
pub fn threshold_before_calibration(test: &ClassifierMetrics) -> Result<(Threshold, String)> {
    let recalls = test.subsets.first().map(|all| all.recall_at.as_slice());
    let at = recalls
        .unwrap_or_default()
        .iter()
        .find(|at| at.asked == ACCEPTANCE);
    match at.and_then(|at| at.threshold) {
        Some(threshold) => Ok((
            threshold,
            format!(
                "accepts {} % of the test split's random completions",
                100.0 * ACCEPTANCE
            ),
        )),
        None => Ok((Threshold::new(0.0)?, "an even chance".to_owned())),
    }
}
