//! A probe: how injurious the generator itself takes a text to be.
//!
//! A logistic regression on the mean hidden state of the completion's tokens at one layer. It is trained on
//! beginnings of completions too, with the truth of the whole, so that it can say something of a text that
//! is still being written (as FUDGE trains its predictors on partial sentences).
//!
//! # Reference
//! Yang & Klein, "FUDGE: Controlled text generation with future discriminators" (2021).

use super::injury::InjuryHead;
use super::ridge::{Ridge, RidgeError, Table};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::generator::{GenerateError, Generator};
use nines_infer::language_model::Continuation;
use nines_infer::local::LocalGenerator;
use nines_infer::scorer::Unscoreable;
use nines_stats::StatsError;
use nines_stats::bootstrap::Bootstrap;
use nines_stats::random::Stream;
use nines_stats::ranking::{RankingMetric, RankingSample};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Texts whose hidden states are asked for together.
const STRETCH: usize = 64;

/// Gives the hidden states of a language model.
pub trait HiddenStates: Send + Sync {
    /// Names the model, precisely enough that equal names give equal states.
    fn id(&self) -> String;

    /// Returns the mean hidden state after a layer over the tokens of each completion, read behind its
    /// prompt: one answer each, all of one width.
    fn mean_states(
        &self,
        texts: &[SnippetText],
        layer: usize,
    ) -> Vec<Result<Vec<f32>, GenerateError>>;
}

impl HiddenStates for LocalGenerator {
    fn id(&self) -> String {
        Generator::id(self)
    }

    fn mean_states(
        &self,
        texts: &[SnippetText],
        layer: usize,
    ) -> Vec<Result<Vec<f32>, GenerateError>> {
        // Read as written: a blank between prompt and completion, as the generator puts it.
        let joined: Vec<String> = texts
            .iter()
            .map(|text| format!(" {}", text.completion.trim_start()))
            .collect();
        let continuations: Vec<Continuation<'_>> = texts
            .iter()
            .zip(&joined)
            .map(|(text, completion)| Continuation {
                context: text.prompt.trim_end_matches([' ', '\t']),
                text: completion,
            })
            .collect();
        self.hidden_states(&continuations, layer)
    }
}

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

/// Why there is no probe.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The settings make no sense.
    #[error("probe: {0}")]
    Settings(String),
    /// The regression cannot be fitted.
    #[error(transparent)]
    Ridge(#[from] RidgeError),
    /// Its quality cannot be said.
    #[error(transparent)]
    Stats(#[from] StatsError),
    /// No text of the examples has a hidden state.
    #[error("the generator read none of the {examples} labelled snippets: {reason}")]
    NothingRead {
        /// Snippets.
        examples: usize,
        /// What the generator said of the first.
        reason: String,
    },
    /// The file cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The probe belongs to another generator.
    #[error("the probe was trained on {trained}, not on {given}; train one for this generator")]
    OtherGenerator {
        /// The generator that it was trained on.
        trained: String,
        /// The one that was given.
        given: String,
    },
}

/// A trained probe, as it is kept in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InjuryProbe {
    /// The generator whose states it reads.
    pub generator: String,
    /// The layer after which it reads them.
    pub layer: usize,
    /// Weights of the standardised states.
    pub weights: Vec<f64>,
    /// The log odds of an average text.
    pub bias: f64,
    /// Means of the states.
    pub means: Vec<f64>,
    /// Standard deviations of the states.
    pub scales: Vec<f64>,
    /// Mean state of injurious completions less that of safe ones.
    pub difference: Vec<f32>,
    /// What it was trained on, and how good it is.
    pub record: ProbeRecord,
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

    /// Returns the log odds that a text with these mean states is injurious; `None` for states of
    /// another width.
    pub fn log_odds_of(&self, states: &[f32]) -> Option<f64> {
        if states.len() != self.weights.len() {
            return None;
        }
        let terms = states.iter().zip(&self.weights).zip(&self.means);
        let sum: f64 = terms
            .zip(&self.scales)
            .map(|(((x, weight), mean), scale)| weight * (f64::from(*x) - mean) / scale)
            .sum();
        Some(self.bias + sum).filter(|odds| odds.is_finite())
    }

    /// Returns the direction in which the probe's log odds rise fastest, as long as the difference of
    /// the class means.
    pub fn gradient(&self) -> Vec<f32> {
        let slopes = self.weights.iter().zip(&self.scales);
        let slopes: Vec<f64> = slopes.map(|(weight, scale)| weight / scale).collect();
        let length = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
        let wanted = length(&mut self.difference.iter().map(|&x| f64::from(x)));
        let own = length(&mut slopes.iter().copied());
        let factor = if own > 0.0 { wanted / own } else { 0.0 };
        slopes.iter().map(|slope| (slope * factor) as f32).collect()
    }

    /// Names the probe by its generator and its numbers.
    pub fn name(&self) -> String {
        let numbers: Vec<String> = [self.bias]
            .iter()
            .chain(&self.weights)
            .chain(&self.means)
            .chain(&self.scales)
            .map(|number| format!("{:016x}", number.to_bits()))
            .collect();
        let hash = ContentHash::of_fields("probe", &[&self.generator, &numbers.concat()]);
        format!(
            "probe of {} at layer {}@{}",
            self.generator,
            self.layer,
            &hash.to_string()[..16]
        )
    }

    /// Writes the probe to a JSON file.
    ///
    /// # Errors
    /// [`ProbeError::File`].
    pub fn save(&self, path: &Path) -> Result<(), ProbeError> {
        let failed = |reason: String| ProbeError::File {
            path: path.to_owned(),
            reason,
        };
        let text = serde_json::to_string(self).map_err(|error| failed(error.to_string()))?;
        std::fs::write(path, text).map_err(|error| failed(error.to_string()))
    }

    /// Reads a probe from a JSON file.
    ///
    /// # Errors
    /// [`ProbeError::File`] where it cannot be read, or its numbers do not belong together.
    pub fn open(path: &Path) -> Result<Self, ProbeError> {
        let failed = |reason: String| ProbeError::File {
            path: path.to_owned(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let probe: Self =
            serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        let width = probe.weights.len();
        let widths = [
            probe.means.len(),
            probe.scales.len(),
            probe.difference.len(),
        ];
        if width == 0 || widths.iter().any(|&other| other != width) {
            return Err(failed(
                "its weights, means and directions differ in length; train it again".to_owned(),
            ));
        }
        if probe.scales.iter().any(|scale| *scale <= 0.0) {
            return Err(failed(
                "it holds a scale that is not positive; train it again".to_owned(),
            ));
        }
        Ok(probe)
    }

    /// Joins the probe with the generator whose states it reads.
    ///
    /// # Errors
    /// [`ProbeError::OtherGenerator`] where it was trained on another.
    pub fn head(self, model: Arc<dyn HiddenStates>) -> Result<ProbeHead, ProbeError> {
        let given = model.id();
        if given == self.generator {
            Ok(ProbeHead { probe: self, model })
        } else {
            Err(ProbeError::OtherGenerator {
                trained: self.generator,
                given,
            })
        }
    }
}

/// A probe with its generator: it says how injurious texts are.
#[derive(Clone)]
pub struct ProbeHead {
    probe: InjuryProbe,
    model: Arc<dyn HiddenStates>,
}

impl ProbeHead {
    /// Returns the probe.
    pub fn probe(&self) -> &InjuryProbe {
        &self.probe
    }
}

impl InjuryHead for ProbeHead {
    fn name(&self) -> String {
        self.probe.name()
    }

    fn probe(&self) -> Option<&InjuryProbe> {
        Some(&self.probe)
    }

    fn log_odds(&self, texts: &[SnippetText]) -> Vec<Result<f64, Unscoreable>> {
        let mut answers = Vec::with_capacity(texts.len());
        for stretch in texts.chunks(STRETCH) {
            let states = self.model.mean_states(stretch, self.probe.layer);
            answers.extend(stretch.iter().zip(states).map(|(text, states)| {
                if text.completion.trim().is_empty() {
                    return Err(Unscoreable::EmptyCompletion);
                }
                let states = states.map_err(|error| Unscoreable::Model(error.to_string()))?;
                self.probe.log_odds_of(&states).ok_or_else(|| {
                    Unscoreable::Model("the probe's log odds are not a number".to_owned())
                })
            }));
        }
        answers
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

#[cfg(test)]
mod tests {
    use super::*;

    /// States that count words: blood and weather in two of four numbers.
    struct Counts;

    impl HiddenStates for Counts {
        fn id(&self) -> String {
            "counts".to_owned()
        }

        fn mean_states(
            &self,
            texts: &[SnippetText],
            layer: usize,
        ) -> Vec<Result<Vec<f32>, GenerateError>> {
            texts
                .iter()
                .map(|text| {
                    if text.prompt.contains("endless") {
                        return Err(GenerateError::Model("too long".to_owned()));
                    }
                    let share = |word: &str| {
                        let words = text.completion.split_whitespace().count().max(1);
                        text.completion.matches(word).count() as f32 / words as f32
                    };
                    Ok(vec![
                        share("blood"),
                        share("rain"),
                        layer as f32,
                        text.completion.len() as f32,
                    ])
                })
                .collect()
        }
    }

    fn examples(count: usize) -> Vec<Example> {
        (0..count)
            .map(|i| {
                let injurious = i % 2 == 0;
                let word = if injurious { "blood" } else { "rain" };
                let name = ["Ann", "Bob", "Cleo", "Dan", "Eve"][i % 5];
                Example {
                    text: SnippetText::new(
                        format!("Story {i}."),
                        format!("{name} saw {word} fall on the road and {word} again."),
                    ),
                    injurious,
                    family: i as u64 / 2,
                }
            })
            .collect()
    }

    fn settings() -> ProbeSettings {
        ProbeSettings {
            layer: 2,
            ..ProbeSettings::default()
        }
    }

    #[test]
    fn a_batch_is_learnt_and_families_never_seen_are_told_apart() {
        let probe = InjuryProbe::train(&Counts, &examples(80), &settings()).expect("trained");
        let record = &probe.record;
        let whole = record.whole.as_ref().expect("held out");
        assert_eq!((whole.value, whole.texts), (1.0, 16));
        assert!(whole.lower > 0.4 && whole.lower < 1.0);
        let parts = record.beginnings.as_ref().expect("held out");
        assert_eq!(parts.texts, 48);
        assert!(parts.value > 0.6, "{parts:?}");
        assert_eq!((record.snippets, record.injurious), (64, 32));
        let head = probe.clone().head(Arc::new(Counts)).expect("its own");
        let odds = head.log_odds(&[
            SnippetText::new("P.", "Ann saw blood"),
            SnippetText::new("P.", "Ann saw rain"),
            SnippetText::new("P.", "  "),
            SnippetText::new("endless", "Ann saw rain"),
        ]);
        assert!(odds[0].as_ref().expect("scored") > odds[1].as_ref().expect("scored"));
        assert_eq!(odds[2], Err(Unscoreable::EmptyCompletion));
        assert!(matches!(odds[3], Err(Unscoreable::Model(_))));
        // Blood goes up, rain goes down, and a number that never changes goes nowhere.
        assert!(probe.difference[0] > 0.0 && probe.difference[1] < 0.0);
        let gradient = probe.gradient();
        assert!(gradient[0] > 0.0 && gradient[1] < 0.0 && gradient[2] == 0.0);
        let length = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
        assert!((length(&gradient) - length(&probe.difference)).abs() < 1e-4);
    }

    #[test]
    fn a_probe_comes_back_from_its_file_and_belongs_to_one_generator() {
        let probe = InjuryProbe::train(&Counts, &examples(40), &settings()).expect("trained");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("probe.json");
        probe.save(&path).expect("saved");
        let back = InjuryProbe::open(&path).expect("opened");
        assert_eq!((&back, back.name()), (&probe, probe.name()));
        let other = InjuryProbe {
            generator: "other".to_owned(),
            ..probe.clone()
        };
        assert_ne!(other.name(), probe.name());
        let error = other.head(Arc::new(Counts)).err().expect("refused");
        assert!(error.to_string().contains("other"), "{error}");
        let mut broken = probe;
        broken.means.pop();
        broken.save(&path).expect("saved");
        let error = InjuryProbe::open(&path).expect_err("refused").to_string();
        assert!(error.contains("probe.json") && error.contains("again"), "{error}");
    }

    #[test]
    fn what_cannot_be_trained_is_named() {
        let train = |examples: &[Example], settings: &ProbeSettings| {
            InjuryProbe::train(&Counts, examples, settings)
                .expect_err("refused")
                .to_string()
        };
        let safe: Vec<Example> = examples(9).into_iter().filter(|e| !e.injurious).collect();
        assert!(train(&safe, &settings()).contains("some of both"));
        assert!(train(&[], &settings()).contains("none of the 0"));
        for wrong in [
            ProbeSettings {
                ridge: 0.0,
                ..settings()
            },
            ProbeSettings {
                held_out: 1.0,
                ..settings()
            },
            ProbeSettings {
                beginnings: 17,
                ..settings()
            },
        ] {
            assert!(train(&examples(8), &wrong).starts_with("probe: "));
        }
        let mut endless = examples(12);
        endless[0].text.prompt = "endless".to_owned();
        let probe = InjuryProbe::train(&Counts, &endless, &settings()).expect("trained");
        assert_eq!(probe.record.left_out, 4);
    }

    #[test]
    fn beginnings_end_behind_words() {
        let text = "One two three four.";
        assert_eq!(beginnings(text, 3), ["One", "One two", "One two three"]);
        assert_eq!(beginnings(text, 1), ["One two"]);
        assert!(beginnings(text, 0).is_empty() && beginnings("", 3).is_empty());
        assert!(beginnings("Ouch!", 3).is_empty());
        assert_eq!(beginnings("Ça va  bien", 9), ["Ça", "Ça va"]);
    }
}
