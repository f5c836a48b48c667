//! Filtered generation: draw until one completion is accepted, or abstain.
//!
//! Three laws, named because they differ: [`Law::FirstAccepted`] answers with the first acceptable
//! draw, which is rejection sampling; [`Law::PickSafest`] answers with the lowest score of a batch,
//! which shifts the answers towards what the classifier likes best; [`Law::Tightening`] is the first
//! with a threshold that falls with rejections. All fail closed: an unfinished completion, one
//! without a score, a failed draw or a dead generator is never accepted.
//!
//! Many prompts are filtered at once, in waves: every prompt still open gets its next few draws in
//! one batch. A wave may draw further than the law needs; the law looks at draws in the order of
//! their numbers, which key the random stream, so the answers do not depend on waves, on batches or
//! on the order in which draws arrive.

mod answer;

pub use answer::{
    Abstention, Answer, Candidate, FilterError, FilterEvent, FilterRun, Law, Outcome, Step,
};

use crate::cancel::CancelFlag;
use crate::generator::{GenerateError, GenerateStats, Generator, PromptRequest, storable};
use crate::scorer::{Scorer, Unscoreable};
use nines_domain::draw::{Draw, Ruling, Sampling};
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::SnippetText;
use std::collections::BTreeMap;

/// No wave draws more than this for one prompt at a time.
const LARGEST_WAVE: u32 = 16;

/// A scorer with a threshold, a budget and a law.
pub struct Filter<'a> {
    scorer: &'a dyn Scorer,
    threshold: Threshold,
    budget: u32,
    law: Law,
}

impl<'a> Filter<'a> {
    /// Builds a filter that accepts below `threshold` and looks at up to `budget` draws for each
    /// prompt. Under [`Law::PickSafest`] only whole batches count: the budget is rounded down to a
    /// multiple of the batch, since the safest of fewer follows another law.
    ///
    /// # Errors
    /// [`FilterError`] for an empty budget, a batch that is empty or beyond it, a threshold above the one below
    /// which alone the scorer's answers hold.
    pub fn new(
        scorer: &'a dyn Scorer,
        threshold: Threshold,
        budget: u32,
        law: Law,
    ) -> Result<Self, FilterError> {
        if budget == 0 {
            return Err(FilterError::NoBudget);
        }
        if let Some(holds) = scorer.holds_below()
            && threshold.logit() > holds.logit()
        {
            return Err(FilterError::ThresholdBeyondScorer {
                threshold: threshold.logit(),
                holds: holds.logit(),
            });
        }
        let budget = match law {
            Law::FirstAccepted | Law::Tightening { .. } => budget,
            Law::PickSafest { of } if of == 0 || of > budget => {
                return Err(FilterError::BatchBeyondBudget { of, budget });
            }
            Law::PickSafest { of } => budget - budget % of,
        };
        Ok(Self {
            scorer,
            threshold,
            budget,
            law,
        })
    }

    /// Returns how many draws it looks at for one prompt, at most.
    pub fn budget(&self) -> u32 {
        self.budget
    }

    /// Returns its law.
    pub fn law(&self) -> Law {
        self.law
    }

    /// Returns where it stops accepting the first draw of a prompt.
    pub fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// Returns where it stops accepting after so many draws of a prompt that were not accepted.
    pub fn threshold_after(&self, rejected: u32) -> Threshold {
        match self.law {
            Law::FirstAccepted | Law::PickSafest { .. } => self.threshold,
            Law::Tightening { step } => self.threshold.lowered(step.after(rejected)),
        }
    }

    /// Rules on a draw with its score, or with the reason why it has none. A law whose threshold falls counts the
    /// draws before it as not accepted: where one was, the answer is that one, whatever comes later.
    pub fn rule(&self, draw: &Draw, score: Result<Score, Unscoreable>) -> Ruling {
        if !draw.finish.is_finished() {
            return Ruling::Unscoreable {
                reason: match draw.tokens {
                    // Some endpoints do not tell.
                    0 => "its sentence is unfinished".to_owned(),
                    tokens => format!("its sentence is unfinished after {tokens} tokens"),
                },
            };
        }
        match score {
            Ok(score) if self.threshold_after(draw.draw).accepts(score) => {
                Ruling::Accepted { score }
            }
            Ok(score) => Ruling::Rejected { score },
            Err(reason) => Ruling::Unscoreable {
                reason: reason.to_string(),
            },
        }
    }

    /// Filters a list of prompts. Every prompt gets an answer or an abstention with its reason; a
    /// generator that stops working makes the open prompts abstain, and `cancel` keeps what is done.
    ///
    /// `on_event` hears of every draw, verdict and answer as they come; verdicts and answers come
    /// after each wave.
    pub fn run(
        &self,
        prompts: &[String],
        generator: &dyn Generator,
        sampling: &Sampling,
        on_event: &mut dyn FnMut(FilterEvent<'_>),
        cancel: &CancelFlag,
    ) -> FilterRun {
        let mut run = FilterRun {
            answers: Vec::new(),
            generated: GenerateStats::default(),
            failure: None,
            cancelled: false,
        };
        let mut candidates: Vec<Vec<Candidate>> = vec![Vec::new(); prompts.len()];
        let mut answers: Vec<Option<Answer>> = vec![None; prompts.len()];
        let mut open: Vec<usize> = Vec::new();
        for (prompt, text) in prompts.iter().enumerate() {
            let Some(why) = self.scorer.refuses(text) else {
                open.push(prompt);
                continue;
            };
            let reason = why.to_string();
            let answer = self.answer(
                Vec::new(),
                Outcome::Abstained(Abstention::Prompt { reason }),
            );
            on_event(FilterEvent::Answered {
                prompt,
                answer: &answer,
            });
            answers[prompt] = Some(answer);
        }
        let mut drawn = 0;
        while drawn < self.budget && !open.is_empty() && !cancel.is_cancelled() {
            let draws = drawn..drawn + self.wave(drawn);
            drawn = draws.end;
            let requests: Vec<PromptRequest> = open
                .iter()
                .map(|&prompt| PromptRequest {
                    prompt: prompts[prompt].clone(),
                    draws: draws.clone(),
                })
                .collect();
            let mut arrived: BTreeMap<(usize, u32), Result<Draw, GenerateError>> = BTreeMap::new();
            let mut failures = vec![None; open.len()];
            let generated = generator.generate(
                &requests,
                sampling,
                &mut |request, draw| {
                    let Some(&prompt) = open.get(request) else {
                        return;
                    };
                    on_event(FilterEvent::Drawn { prompt });
                    match draw.and_then(storable) {
                        Ok(draw) => {
                            arrived.entry((request, draw.draw)).or_insert(Ok(draw));
                        }
                        // What ends all work on the prompt outweighs what fails one draw.
                        Err(error) => {
                            let known: &mut Option<GenerateError> = &mut failures[request];
                            if known.as_ref().and_then(gives_up).is_none() {
                                *known = Some(error);
                            }
                        }
                    }
                },
                cancel,
            );
            match generated {
                Ok(stats) => {
                    run.generated.tokens += stats.tokens;
                    run.generated.seconds += stats.seconds;
                }
                Err(error) => run.failure = Some(error),
            }
            let stopped = cancel.is_cancelled() || run.failure.is_some();
            let mut given_up: BTreeMap<usize, Abstention> = BTreeMap::new();
            // A failed draw carries no number: whatever is missing of its request has failed.
            for (request, failure) in failures.into_iter().enumerate() {
                if let Some(why) = failure.as_ref().and_then(gives_up) {
                    given_up.insert(open[request], why);
                    continue;
                }
                // In work that was stopped, what is missing may just not have been made yet.
                if stopped {
                    continue;
                }
                let missing = failure.unwrap_or_else(|| {
                    GenerateError::Model("it did not deliver this draw".to_owned())
                });
                for number in draws.clone() {
                    arrived
                        .entry((request, number))
                        .or_insert_with(|| Err(missing.clone()));
                }
            }
            arrived.retain(|(_, number), _| draws.contains(number));
            for (request, candidate) in self.judge(&requests, arrived) {
                let prompt = open[request];
                on_event(FilterEvent::Ruled {
                    prompt,
                    candidate: &candidate,
                });
                candidates[prompt].push(candidate);
            }
            open.retain(|&prompt| {
                let seen = &mut candidates[prompt];
                let outcome = match (self.decide(seen), given_up.remove(&prompt)) {
                    (Some(number), _) => Outcome::Accepted { number },
                    (None, Some(why)) => Outcome::Abstained(why),
                    (None, None) => return true,
                };
                let answer = self.answer(std::mem::take(seen), outcome);
                on_event(FilterEvent::Answered {
                    prompt,
                    answer: &answer,
                });
                answers[prompt] = Some(answer);
                false
            });
            if run.failure.is_some() {
                break;
            }
        }
        for prompt in open {
            let seen = std::mem::take(&mut candidates[prompt]);
            let why = self.abstention(&seen, run.failure.as_ref());
            run.cancelled |= why == Abstention::Cancelled;
            let answer = self.answer(seen, Outcome::Abstained(why));
            on_event(FilterEvent::Answered {
                prompt,
                answer: &answer,
            });
            answers[prompt] = Some(answer);
        }
        run.answers = answers.into_iter().flatten().collect();
        run
    }

    /// How many draws the next wave makes for a prompt that has `drawn` of them: 1, 1, 2, 4, … so
    /// that at most about half are beyond what the law looks at, while few waves are needed.
    fn wave(&self, drawn: u32) -> u32 {
        match self.law {
            Law::FirstAccepted | Law::Tightening { .. } => {
                drawn.clamp(1, LARGEST_WAVE).min(self.budget - drawn)
            }
            Law::PickSafest { of } => of,
        }
    }

    /// Scores a wave in one call and rules on each draw, in the order of requests and draws.
    fn judge(
        &self,
        requests: &[PromptRequest],
        arrived: BTreeMap<(usize, u32), Result<Draw, GenerateError>>,
    ) -> Vec<(usize, Candidate)> {
        let worth_scoring =
            |draw: &Draw| draw.finish.is_finished() && !draw.completion.trim().is_empty();
        let snippets: Vec<SnippetText> = arrived
            .iter()
            .filter_map(|((request, _), draw)| {
                let draw = draw.as_ref().ok().filter(|draw| worth_scoring(draw))?;
                Some(SnippetText::new(
                    &requests[*request].prompt,
                    &draw.completion,
                ))
            })
            .collect();
        let mut scores = if snippets.is_empty() {
            Vec::new()
        } else {
            self.scorer.score(&snippets, &mut |_| {})
        }
        .into_iter();
        arrived
            .into_iter()
            .map(|((request, number), draw)| {
                let (draw, ruling) = match draw {
                    Err(error) => (
                        None,
                        Ruling::Unscoreable {
                            reason: error.to_string(),
                        },
                    ),
                    Ok(draw) => {
                        let score = if worth_scoring(&draw) {
                            scores.next().unwrap_or_else(|| {
                                Err(Unscoreable::Model("the scorer did not answer".to_owned()))
                            })
                        } else {
                            Err(Unscoreable::EmptyCompletion)
                        };
                        let ruling = self.rule(&draw, score);
                        (Some(draw), ruling)
                    }
                };
                let candidate = Candidate {
                    number,
                    draw,
                    ruling,
                    looked_at: false,
                };
                (request, candidate)
            })
            .collect()
    }

    /// Returns the number of the draw that the law answers with, from candidates in the order of
    /// their numbers; `None` when it has to draw on, or when a draw that it must look at first is
    /// missing.
    pub fn decide(&self, candidates: &[Candidate]) -> Option<u32> {
        let whole = unbroken(candidates);
        match self.law {
            Law::FirstAccepted | Law::Tightening { .. } => whole
                .iter()
                .find(|c| c.ruling.is_accepted())
                .map(|c| c.number),
            Law::PickSafest { of } => whole.chunks_exact(of as usize).find_map(|batch| {
                batch
                    .iter()
                    .filter(|c| c.ruling.is_accepted())
                    .filter_map(|c| Some((c.ruling.score()?, c.number)))
                    .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
                    .map(|(_, number)| number)
            }),
        }
    }

    /// Marks which candidates the law looked at.
    fn answer(&self, mut candidates: Vec<Candidate>, outcome: Outcome) -> Answer {
        let looked = match outcome {
            Outcome::Accepted { number } => match self.law {
                Law::FirstAccepted | Law::Tightening { .. } => number + 1,
                Law::PickSafest { of } => (number / of + 1) * of,
            },
            Outcome::Abstained(_) => unbroken(&candidates).len() as u32,
        };
        for candidate in &mut candidates {
            candidate.looked_at = candidate.number < looked;
        }
        Answer {
            outcome,
            candidates,
        }
    }

    fn abstention(&self, seen: &[Candidate], failure: Option<&GenerateError>) -> Abstention {
        let whole = unbroken(seen);
        if whole.len() as u32 >= self.budget {
            let reasons: Vec<&String> = whole
                .iter()
                .filter_map(|c| match &c.ruling {
                    Ruling::Unscoreable { reason } => Some(reason),
                    _ => None,
                })
                .collect();
            return Abstention::BudgetSpent {
                draws: whole.len() as u32,
                unscoreable: reasons.len() as u32,
                last_reason: reasons.last().map(|&reason| reason.clone()),
            };
        }
        match failure {
            Some(error) => Abstention::Generator {
                reason: error.to_string(),
            },
            None => Abstention::Cancelled,
        }
    }
}

/// Says whether an error ends all work on its prompt, and how.
fn gives_up(error: &GenerateError) -> Option<Abstention> {
    let reason = error.to_string();
    match error {
        GenerateError::PromptTooLong { .. } => Some(Abstention::Prompt { reason }),
        GenerateError::Unreached { .. } => Some(Abstention::Generator { reason }),
        GenerateError::Sampling(_) | GenerateError::Model(_) | GenerateError::Endpoint { .. } => {
            None
        }
    }
}

/// The candidates up to the first gap in their numbers: when work stops in the middle of a wave, a
/// later draw may be there while an earlier one is not, and the law must not skip it.
fn unbroken(candidates: &[Candidate]) -> &[Candidate] {
    let whole = candidates
        .iter()
        .zip(0..)
        .take_while(|(candidate, number)| candidate.number == *number)
        .count();
    &candidates[..whole]
}
