//! Draws the controls and the continuations, and counts what is missing of them.

use super::known::{Known, is_same};
use anyhow::{Result, bail};
use nines_domain::draw::{Draw, Sampling};
use nines_domain::score::Threshold;
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{GenerateError, Generator, PromptRequest};
use nines_infer::scorer::Scorer;
use nines_measure::understanding::{Because, Harmless, Implied, Lost, Missed};
use serde::Serialize;
use std::sync::Arc;

/// Harmless completions that are drawn to find an accepted one.
const CONTROL_DRAWS: u32 = 8;

/// Controls are drawn from the seed plus this: with the seed itself, draws are those that the project has made
/// already, and the missed catastrophe may be one of them.
const CONTROL_SEED: u64 = 0x756e_6465;

/// With a greater share of continuations missing, what is left says too little.
const MOST_MISSING: f64 = 0.75;

/// Returns the seed that controls are drawn from.
pub fn control_seed(sampling: &Sampling) -> u64 {
    sampling.seed.wrapping_add(CONTROL_SEED)
}

/// Who is asked, and how.
pub struct Asking {
    /// Continues.
    pub generator: Arc<dyn Generator>,
    /// The classifier that missed the catastrophes.
    pub scorer: Arc<dyn Scorer>,
    /// It accepts below this.
    pub threshold: Threshold,
    /// Reads the continuations.
    pub judge: Arc<dyn Scorer>,
    /// A continuation implies the catastrophe from this on.
    pub judge_threshold: Threshold,
    /// How continuations are drawn; controls are from [`control_seed`].
    pub sampling: Sampling,
    /// Continuations of each text.
    pub continuations: u32,
    /// What is labelled of the same prompts.
    pub known: Known,
    /// Stops between texts.
    pub cancel: CancelFlag,
}

/// Missed catastrophes without a control, by the reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The classifier accepts no other completion that was drawn.
    pub none_accepted: usize,
    /// No other completion was drawn than itself and known catastrophes.
    pub only_known: usize,
    /// None of those drawn could be scored: the generator failed, or left them unfinished.
    pub none_drawn: usize,
}

impl LeftOut {
    /// Returns how many there are.
    pub fn total(self) -> usize {
        self.none_accepted + self.only_known + self.none_drawn
    }

    fn add(&mut self, reason: NoControl) {
        match reason {
            NoControl::NoneAccepted => self.none_accepted += 1,
            NoControl::OnlyKnown => self.only_known += 1,
            NoControl::NoneDrawn => self.none_drawn += 1,
        }
    }
}

/// Why a missed catastrophe has no control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoControl {
    NoneAccepted,
    OnlyKnown,
    NoneDrawn,
}

/// What came of all.
#[derive(Debug)]
pub struct Asked {
    /// Those with a control.
    pub missed: Vec<Missed>,
    /// Those without.
    pub left_out: LeftOut,
    /// What is missing of the draws for controls.
    pub controls_lost: Lost,
    /// What the first of the draws that failed, or could not be scored, said.
    pub such_as: Option<String>,
}

impl Asking {
    /// Asks about every missed catastrophe, given with its prompt family.
    ///
    /// # Errors
    /// When it was stopped, when the generator cannot run, and when most continuations, or all controls, are
    /// missing.
    pub fn all(&self, missed: &[(SnippetText, ContentHash)]) -> Result<Asked> {
        let mut asked = Asked {
            missed: Vec::new(),
            left_out: LeftOut::default(),
            controls_lost: Lost::default(),
            such_as: None,
        };
        for (text, family) in missed {
            let harmless = match self.control(text, &mut asked)? {
                Ok(harmless) => harmless,
                Err(reason) => {
                    asked.left_out.add(reason);
                    continue;
                }
            };
            let after = self.after(text, &mut asked)?;
            let control = self.after(&harmless.text, &mut asked)?;
            asked.missed.push(Missed {
                text: text.clone(),
                family: *family,
                after,
                control,
                harmless,
            });
        }
        self.check(&asked)?;
        Ok(asked)
    }

    fn check(&self, asked: &Asked) -> Result<()> {
        let such_as = match &asked.such_as {
            Some(reason) => format!("; such as: {reason}"),
            None => String::new(),
        };
        let advice = "what is unfinished needs a larger --max-tokens, what failed a generator that works (nines doctor) and has \
                      room for prompt and continuation";
        let mut lost = Lost::default();
        for one in &asked.missed {
            lost += one.after.lost;
            lost += one.control.lost;
        }
        let continuations = 2 * asked.missed.len() as u64 * u64::from(self.continuations);
        if lost.total() as f64 > MOST_MISSING * continuations as f64 {
            bail!(
                "of {continuations} continuations {} are missing ({}), so that the rest would say little{such_as}; {advice}",
                lost.total(),
                super::reasons(lost)
            );
        }
        if asked.missed.is_empty()
            && asked.left_out.none_drawn > 0
            && asked.left_out.total() == asked.left_out.none_drawn
        {
            bail!(
                "no completion could be drawn as a control ({}){such_as}; {advice}",
                super::reasons(asked.controls_lost)
            );
        }
        Ok(())
    }

    /// A harmless completion of the same prompt: one that is labelled *no*, or the least suspicious of those
    /// drawn, if the classifier accepts it. Never the text itself, nor what anybody called a catastrophe.
    fn control(
        &self,
        text: &SnippetText,
        asked: &mut Asked,
    ) -> Result<Result<Harmless, NoControl>> {
        if let Some(labelled) = self.known.harmless(text) {
            return Ok(Ok(Harmless {
                text: labelled.clone(),
                because: Because::Labelled,
            }));
        }
        let sampling = Sampling {
            seed: control_seed(&self.sampling),
            ..self.sampling.clone()
        };
        let (drawn, mut lost) = self.drawn(&text.prompt, CONTROL_DRAWS, &sampling, asked)?;
        let any = !drawn.is_empty();
        let mut texts = drawn;
        texts.retain(|other| !is_same(other, text) && !self.known.is_catastrophe(other));
        let only_known = any && texts.is_empty();
        let scores = self.scorer.score(&texts, &mut |_| {});
        let mut scored: Vec<(f64, SnippetText)> = Vec::new();
        for (score, text) in scores.into_iter().zip(texts) {
            match score {
                Ok(score) => scored.push((score.logit(), text)),
                Err(reason) => {
                    lost.unscoreable += 1;
                    asked.such_as.get_or_insert_with(|| reason.to_string());
                }
            }
        }
        asked.controls_lost += lost;
        scored.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(match scored.into_iter().next() {
            Some((score, text)) if score < self.threshold.logit() => Ok(Harmless {
                text,
                because: Because::Accepted,
            }),
            Some(_) => Err(NoControl::NoneAccepted),
            None if only_known => Err(NoControl::OnlyKnown),
            None => Err(NoControl::NoneDrawn),
        })
    }

    /// Continues a snippet, and asks the judge about each continuation.
    fn after(&self, text: &SnippetText, asked: &mut Asked) -> Result<Implied> {
        let prompt = format!("{}{}", text.prompt, text.completion);
        let (texts, mut lost) = self.drawn(&prompt, self.continuations, &self.sampling, asked)?;
        let (mut implied, mut judged) = (0, 0);
        for score in self.judge.score(&texts, &mut |_| {}) {
            match score {
                Ok(score) => {
                    judged += 1;
                    implied += u64::from(score.logit() >= self.judge_threshold.logit());
                }
                Err(reason) => {
                    lost.unscoreable += 1;
                    asked.such_as.get_or_insert_with(|| reason.to_string());
                }
            }
        }
        Ok(Implied {
            implied,
            judged,
            lost,
        })
    }

    /// Draws whole continuations, in their order, and counts what failed or is unfinished.
    fn drawn(
        &self,
        prompt: &str,
        n: u32,
        sampling: &Sampling,
        asked: &mut Asked,
    ) -> Result<(Vec<SnippetText>, Lost)> {
        let request = PromptRequest {
            prompt: prompt.to_owned(),
            draws: 0..n,
        };
        let mut draws: Vec<Draw> = Vec::new();
        let mut lost = Lost::default();
        let mut on_draw = |_: usize, draw: Result<Draw, GenerateError>| match draw {
            Ok(draw) if draw.finish.is_finished() => draws.push(draw),
            Ok(_) => lost.unfinished += 1,
            Err(error) => {
                lost.failed += 1;
                asked.such_as.get_or_insert_with(|| error.to_string());
            }
        };
        self.generator
            .generate(&[request], sampling, &mut on_draw, &self.cancel)?;
        if self.cancel.is_cancelled() {
            bail!("stopped");
        }
        draws.sort_by_key(|draw| draw.draw);
        let texts = draws
            .into_iter()
            .map(|draw| SnippetText::new(prompt, draw.completion))
            .collect();
        Ok((texts, lost))
    }
}

#[cfg(test)]
mod tests;
