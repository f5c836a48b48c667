//! How a probe is trained, and how good it is on families that it never saw.

use super::{HiddenStates, InjuryProbe, ProbeError};
use crate::guided::ridge::{Ridge, Table};
use nines_domain::snippet::SnippetText;
use nines_stats::StatsError;
use nines_stats::bootstrap::Bootstrap;
use nines_stats::random::Stream;
use nines_stats::ranking::{RankingMetric, RankingSample};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One labelled snippet.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The snippet.
    pub text: SnippetText,
    /// Whether it is injurious.
    pub injurious: bool,
    /// Its prompt family: whole families are held out.
    pub family: u64,
}

/// How a probe is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeSettings {
    /// The layer after which the hidden states are read, counted from 0.
    pub layer: usize,
    /// The ridge, for each labelled snippet of training.
    pub ridge: f64,
    /// Beginnings of each completion that are trained on besides the whole.
    pub beginnings: usize,
    /// The share of families that is held out to say how good the probe is.
    pub held_out: f64,
    /// Chooses the families.
    pub seed: u64,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            layer: 15,
            ridge: 0.05,
            beginnings: 3,
            held_out: 0.2,
            seed: 0,
        }
    }
}

/// How well a probe puts injurious texts above safe ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Auroc {
    /// The chance that an injurious text scores higher than a safe one.
    pub value: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
    /// The interval's confidence.
    pub confidence: f64,
    /// The method; an approximate one says so.
    pub method: String,
    /// Texts that it rests on.
    pub texts: usize,
}

/// What a probe was trained on and how good it is on families that it never saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeRecord {
    /// Its settings.
    pub settings: ProbeSettings,
    /// Snippets that it was trained on.
    pub snippets: usize,
    /// Injurious ones among them.
    pub injurious: usize,
    /// Texts that have no hidden states (too long for the generator) and were left out, over all
    /// examples.
    pub left_out: usize,
    /// On whole completions of held-out families; `None` where none of one class was held out.
    pub whole: Option<Auroc>,
    /// On beginnings of completions of held-out families.
    pub beginnings: Option<Auroc>,
}

/// One text with its state.
struct Read {
    states: Vec<f32>,
    injurious: bool,
    family: u64,
    is_whole: bool,
    weight: f64,
}

impl InjuryProbe {
    /// Trains a probe on labelled snippets and measures it on families that were held out.
    ///
    /// # Errors
    /// [`ProbeError`] for settings without sense, one class only, or a generator that reads nothing.
    pub fn train(
        model: &dyn HiddenStates,
        examples: &[Example],
        settings: &ProbeSettings,
    ) -> Result<Self, ProbeError> {
        check(settings)?;
        let (read, left_out) = read(model, examples, settings)?;
        let held_out = held_out_families(&read, settings);
        let (tested, trained): (Vec<&Read>, Vec<&Read>) = read
            .iter()
            .partition(|text| held_out.contains(&text.family));
        let snippets = trained.iter().filter(|text| text.is_whole).count();
        let fit = fit(&trained, settings.ridge * snippets as f64)?;
        let whole: Vec<&Read> = trained
            .iter()
            .copied()
            .filter(|text| text.is_whole)
            .collect();
        let record = ProbeRecord {
            settings: settings.clone(),
            snippets,
            injurious: whole.iter().filter(|text| text.injurious).count(),
            left_out,
            whole: auroc(&fit, tested.iter().copied().filter(|text| text.is_whole))?,
            beginnings: auroc(&fit, tested.iter().copied().filter(|text| !text.is_whole))?,
        };
        Ok(Self {
            generator: model.id(),
            layer: settings.layer,
            difference: difference(&whole),
            weights: fit.weights,
            bias: fit.bias,
            means: fit.means,
            scales: fit.scales,
            record,
        })
    }
}

fn check(settings: &ProbeSettings) -> Result<(), ProbeError> {
    let wrong = |text: String| Err(ProbeError::Settings(text));
    if !(settings.ridge.is_finite() && settings.ridge > 0.0) {
        return wrong(format!(
            "the ridge must be a positive number, not {}",
            settings.ridge
        ));
    }
    if !(0.0..1.0).contains(&settings.held_out) {
        return wrong(format!(
            "the share that is held out must be at least 0 and below 1, not {}",
            settings.held_out
        ));
    }
    if settings.beginnings > 16 {
        return wrong(format!(
            "at most 16 beginnings of each completion, not {}",
            settings.beginnings
        ));
    }
    Ok(())
}

/// Lists beginnings of a text that end behind a word, evenly spread, the whole not among them.
pub fn beginnings(text: &str, count: usize) -> Vec<&str> {
    let ends: Vec<usize> = text
        .char_indices()
        .zip(text.chars().skip(1))
        .filter(|((_, here), next)| !here.is_whitespace() && next.is_whitespace())
        .map(|((at, here), _)| at + here.len_utf8())
        .collect();
    let mut found: Vec<&str> = (1..=count)
        .filter_map(|part| ends.get((part * (ends.len() + 1) / (count + 1)).checked_sub(1)?))
        .map(|&end| &text[..end])
        .collect();
    found.dedup();
    found
}

/// Asks for the states of all texts and their beginnings.
fn read(
    model: &dyn HiddenStates,
    examples: &[Example],
    settings: &ProbeSettings,
) -> Result<(Vec<Read>, usize), ProbeError> {
    let (mut found, mut left_out, mut reason) = (Vec::new(), 0, None);
    for example in examples {
        // One example after another: a prompt and the beginnings of its completion share their context.
        let text = &example.text;
        let parts = beginnings(&text.completion, settings.beginnings);
        let weight = 1.0 / (parts.len() + 1) as f64;
        let texts: Vec<SnippetText> = std::iter::once(text.completion.as_str())
            .chain(parts)
            .map(|completion| SnippetText::new(text.prompt.as_str(), completion))
            .collect();
        for (index, states) in model
            .mean_states(&texts, settings.layer)
            .into_iter()
            .enumerate()
        {
            match states {
                Ok(states) => found.push(Read {
                    states,
                    injurious: example.injurious,
                    family: example.family,
                    is_whole: index == 0,
                    weight,
                }),
                Err(error) => {
                    left_out += 1;
                    reason.get_or_insert(error.to_string());
                }
            }
        }
    }
    if found.is_empty() {
        return Err(ProbeError::NothingRead {
            examples: examples.len(),
            reason: reason.unwrap_or_else(|| "there are none".to_owned()),
        });
    }
    Ok((found, left_out))
}

/// Draws the families that the probe never sees.
fn held_out_families(read: &[Read], settings: &ProbeSettings) -> BTreeSet<u64> {
    let families: BTreeSet<u64> = read.iter().map(|text| text.family).collect();
    let mut families: Vec<u64> = families.into_iter().collect();
    let wanted = (families.len() as f64 * settings.held_out).round() as usize;
    let mut stream = Stream::new(settings.seed, 0);
    let mut chosen = BTreeSet::new();
    while chosen.len() < wanted {
        chosen.insert(families.swap_remove(stream.below(families.len())));
    }
    chosen
}

fn fit(texts: &[&Read], ridge: f64) -> Result<Ridge, ProbeError> {
    let features: Vec<f32> = texts.iter().flat_map(|text| text.states.clone()).collect();
    let truths: Vec<bool> = texts.iter().map(|text| text.injurious).collect();
    let weights: Vec<f64> = texts.iter().map(|text| text.weight).collect();
    let width = texts.first().map_or(0, |text| text.states.len());
    let table = Table {
        features: &features,
        width,
        truths: &truths,
        weights: &weights,
    };
    Ok(Ridge::fit(&table, ridge)?)
}

fn auroc<'a>(
    fit: &Ridge,
    texts: impl Iterator<Item = &'a Read>,
) -> Result<Option<Auroc>, ProbeError> {
    let (mut scores, mut truths, mut families) = (Vec::new(), Vec::new(), Vec::new());
    for text in texts {
        if let Some(log_odds) = fit.log_odds(&text.states) {
            scores.push(log_odds);
            truths.push(text.injurious);
            families.push(text.family);
        }
    }
    let sample = match RankingSample::new(&scores, &truths, &families) {
        Ok(sample) => sample,
        Err(StatsError::OneClass { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let estimate = sample.estimate(RankingMetric::Auroc, &Bootstrap::default())?;
    Ok(Some(Auroc {
        value: sample.value(RankingMetric::Auroc),
        lower: estimate.lower,
        upper: estimate.upper,
        confidence: estimate.confidence,
        method: estimate.method,
        texts: scores.len(),
    }))
}

/// The mean state of injurious texts less that of safe ones.
fn difference(texts: &[&Read]) -> Vec<f32> {
    let width = texts.first().map_or(0, |text| text.states.len());
    let mean = |injurious: bool| -> Vec<f64> {
        let mut sums = vec![0.0; width];
        let mut count = 0.0f64;
        for text in texts.iter().filter(|text| text.injurious == injurious) {
            count += 1.0;
            for (sum, state) in sums.iter_mut().zip(&text.states) {
                *sum += f64::from(*state);
            }
        }
        sums.iter().map(|sum| sum / count.max(1.0)).collect()
    };
    let (injurious, safe) = (mean(true), mean(false));
    injurious
        .iter()
        .zip(&safe)
        .map(|(a, b)| (a - b) as f32)
        .collect()
}
