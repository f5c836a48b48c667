//! How far to steer: what a generator writes when its hidden states are pushed toward injuries, by strength.

use super::injury::InjuryHead;
use super::probe::InjuryProbe;
use super::variety::Variety;
use crate::victim::{Meter, Scores};
use nines_domain::draw::{Draw, Sampling};
use nines_domain::score::Threshold;
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{GenerateError, Generator, PromptRequest};
use nines_infer::language_model::{Continuation, LanguageModel};
use nines_infer::local::{LocalGenerator, Steering};
use nines_stats::IntervalEstimate;
use nines_stats::interval::clopper_pearson;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// Confidence of the intervals of a sweep.
const CONFIDENCE: f64 = 0.95;

/// Which direction the hidden states are pushed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the mean of safe completions to that of injurious ones.
    #[default]
    Difference,
    /// In which the probe's log odds rise fastest, as long as the difference.
    Gradient,
}

impl Direction {
    /// Returns the steering of a probe's layer by a strength: 1 is the distance between the class means.
    pub fn steering(self, probe: &InjuryProbe, strength: f64) -> Steering {
        Steering {
            layer: probe.layer,
            vector: match self {
                Self::Difference => probe.difference.clone(),
                Self::Gradient => probe.gradient(),
            },
            strength: strength as f32,
        }
    }
}

/// What one strength led to.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepRow {
    /// The strength.
    pub strength: f64,
    /// Completions drawn.
    pub completions: usize,
    /// The share that came to its end.
    pub finished: IntervalEstimate,
    /// The share of finished ones that the head calls injurious, reading them without steering.
    pub injurious: IntervalEstimate,
    /// The share of scored ones that the victim accepts.
    pub accepted: IntervalEstimate,
    /// The share of scored ones that are both.
    pub finds: IntervalEstimate,
    /// How varied the finished ones are.
    pub variety: Variety,
    /// Mean of their log probability a token without steering: what the plain generator thinks of them.
    pub log_probability: Option<f64>,
}

/// Draws completions of a prompt, in the order of their draws.
pub(super) fn draw(
    generator: &dyn Generator,
    prompt: &str,
    draws: Range<u32>,
    sampling: &Sampling,
    cancel: &CancelFlag,
) -> Result<Vec<Draw>, GenerateError> {
    let request = PromptRequest {
        prompt: prompt.to_owned(),
        draws,
    };
    let (mut drawn, mut failed) = (BTreeMap::new(), None);
    generator.generate(
        &[request],
        sampling,
        &mut |_, draw| match draw {
            Ok(draw) => {
                drawn.insert(draw.draw, draw);
            }
            Err(error) => {
                failed.get_or_insert(error);
            }
        },
        cancel,
    )?;
    match failed {
        Some(error) => Err(error),
        None => Ok(drawn.into_values().collect()),
    }
}

/// Sweeps strengths: draws as many completions of each prompt at each, and says what they are like.
///
/// A text is judged as its reader meets it: by the generator without steering. The intervals take
/// completions for independent; those of one prompt are not quite.
///
/// # Errors
/// [`GenerateError`] where the generator fails or cannot be steered.
pub fn sweep(
    generator: &LocalGenerator,
    probe: (&InjuryProbe, &dyn InjuryHead),
    direction: Direction,
    strengths: &[f64],
    prompts: &[String],
    draws: u32,
    sampling: &Sampling,
    victim: (&mut Meter<'_>, Threshold),
    cancel: &CancelFlag,
) -> Result<Vec<SweepRow>, GenerateError> {
    let (probe, head) = probe;
    let (meter, threshold) = victim;
    let mut rows = Vec::with_capacity(strengths.len());
    for &strength in strengths {
        let steered = generator
            .with_steering(direction.steering(probe, strength))
            .map_err(|error| GenerateError::Model(error.to_string()))?;
        let (mut texts, mut completions) = (Vec::new(), 0);
        for prompt in prompts {
            let drawn = draw(&steered, prompt, 0..draws, sampling, cancel)?;
            completions += drawn.len();
            texts.extend(
                drawn
                    .into_iter()
                    .filter(|draw| draw.finish.is_finished())
                    .map(|draw| SnippetText::new(prompt.as_str(), draw.completion)),
            );
        }
        let injurious: Vec<bool> = head
            .log_odds(&texts)
            .into_iter()
            .map(|odds| odds.is_ok_and(|odds| odds >= head.threshold()))
            .collect();
        let scores = meter.ask(&texts);
        let accepted: Vec<bool> = scores.iter().map(|scores| accepts(scores, threshold)).collect();
        let both = accepted.iter().zip(&injurious).filter(|(a, i)| **a && **i);
        rows.push(SweepRow {
            strength,
            completions,
            finished: share(texts.len(), completions),
            injurious: share(injurious.iter().filter(|i| **i).count(), texts.len()),
            accepted: share(accepted.iter().filter(|a| **a).count(), accepted.len()),
            finds: share(both.count(), accepted.len()),
            variety: Variety::of(texts.iter().map(|text| text.completion.as_str())),
            log_probability: mean_log_probability(generator, &texts),
        });
    }
    Ok(rows)
}

/// Says whether the victim accepts; what has no score never is.
pub(super) fn accepts(scores: &Scores, threshold: Threshold) -> bool {
    let score = scores.as_ref().ok().and_then(|scores| scores.first());
    score.is_some_and(|score| *score < threshold.logit())
}

/// Returns a share with its exact interval.
pub(super) fn share(k: usize, n: usize) -> IntervalEstimate {
    // Neither can fail: there are never more of some than of all, and the confidence is a constant.
    clopper_pearson(k.min(n) as u64, n as u64, CONFIDENCE).unwrap_or(IntervalEstimate {
        value: None,
        lower: 0.0,
        upper: 1.0,
        confidence: CONFIDENCE,
        method: "nothing is known".to_owned(),
        n: 0,
    })
}

fn mean_log_probability(model: &dyn LanguageModel, texts: &[SnippetText]) -> Option<f64> {
    let joined: Vec<String> = texts.iter().map(|text| format!(" {}", text.completion)).collect();
    let continuations: Vec<Continuation<'_>> = texts
        .iter()
        .zip(&joined)
        .map(|(text, completion)| Continuation {
            context: text.prompt.trim_end(),
            text: completion,
        })
        .collect();
    let known = model.log_probabilities(&continuations).into_iter().flatten();
    let (sum, tokens) = known.fold((0.0, 0), |(sum, tokens), one| {
        (sum + one.log_probability, tokens + one.tokens)
    });
    (tokens > 0).then(|| sum / tokens as f64)
}
