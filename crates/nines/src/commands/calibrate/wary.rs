//! A calibration with a second condition: what is too unfamiliar counts as rejected, whatever its score.

use crate::commands::unfamiliarity::measure_all;
use crate::output::Output;
use anyhow::Result;
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_infer::unfamiliarity::Unfamiliarity;
use nines_measure::calibrate::CalibratedCaution;
use nines_measure::caution::{WaryItem, limit};
use nines_measure::items::{LabelledItem, RandomCompletion};
use nines_store::{Model, Snippet};
use std::sync::Arc;

/// A score above every threshold that a rule could choose.
const REJECTED: f64 = f64::MAX;

/// A measure of unfamiliarity at work in a calibration.
pub struct Wary<'a> {
    /// The stored version.
    pub version: &'a Model,
    /// The measure.
    pub measure: Arc<dyn Unfamiliarity>,
    /// The share of random completions that is to be familiar.
    pub familiar: f64,
    /// The confidence of the interval that is shown.
    pub confidence: f64,
    /// Where progress is shown.
    pub output: &'a Output,
}

impl Wary<'_> {
    /// Chooses the limit by the random completions, and lets what is too unfamiliar count as rejected: catastrophes
    /// as stopped, completions as not accepted. `snippets` are those of the items, in their order.
    pub async fn applied(
        &self,
        items: &mut [LabelledItem],
        snippets: &[&Snippet],
        reference: &mut [RandomCompletion],
        drawn: &[(RandomCompletion, Option<SnippetText>)],
    ) -> Result<CalibratedCaution> {
        let texts = drawn.iter().filter_map(|(_, text)| text.clone()).collect();
        let mut measured = self.measured(texts, "measure fresh").await?.into_iter();
        let wary: Vec<WaryItem> = drawn
            .iter()
            .map(|(completion, text)| WaryItem {
                family: completion.family,
                score: completion.score,
                unfamiliarity: text.as_ref().and_then(|_| measured.next().flatten()),
            })
            .collect();
        let chosen = limit(&wary, self.familiar, self.confidence)?;
        for (completion, wary) in reference.iter_mut().zip(&wary) {
            if !wary.is_familiar(chosen.limit) {
                completion.score = None;
            }
        }
        let texts = snippets
            .iter()
            .map(|snippet| snippet.text.clone())
            .collect();
        let measured = self.measured(texts, "measure labelled").await?;
        let rejected = Score::new(REJECTED)?;
        for (item, value) in items.iter_mut().zip(measured) {
            let is_familiar = value.is_some_and(|value| value < chosen.limit);
            if item.score.is_some() && !is_familiar {
                item.score = Some(rejected);
            }
        }
        Ok(CalibratedCaution {
            unfamiliarity: self.version.label(),
            id: self.version.id.0,
            limit: chosen,
        })
    }

    async fn measured(&self, texts: Vec<SnippetText>, what: &str) -> Result<Vec<Option<f64>>> {
        let values = measure_all(self.measure.clone(), texts, what, self.output).await?;
        Ok(values.into_iter().map(Result::ok).collect())
    }
}
