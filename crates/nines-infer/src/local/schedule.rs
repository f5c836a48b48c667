//! Keeps the batch full: a finished completion makes room for the next, of whatever prompt.

use super::LocalGenerator;
use super::completion::{Completion, Next};
use crate::cancel::CancelFlag;
use crate::generator::{GenerateError, GenerateStats, PromptRequest};
use crate::rng::DrawStream;
use crate::sampling::Sampler;
use nines_domain::draw::{Draw, Sampling};
use nines_domain::snippet::ContentHash;
use nines_nn::llama::{CpuSequence, Feed, LlamaError, Wanted, Workspace};
use rayon::prelude::*;
use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

/// Tokens of prompts that are run together: enough for full speed, and a bound on memory.
const PROMPT_TOKENS: usize = 512;

/// One generation.
pub(super) struct Schedule<'a> {
    generator: &'a LocalGenerator,
    requests: &'a [PromptRequest],
    sampling: &'a Sampling,
    /// Requests that have not been looked at.
    next_request: usize,
    /// Prompts with draws still to start, in the order of the requests.
    prompts: VecDeque<Prompt>,
    active: Vec<Completion>,
    workspace: Workspace,
    tokens: u64,
}

/// A prompt that has been run, or is about to be.
struct Prompt {
    request: usize,
    tokens: Vec<u32>,
    hash: ContentHash,
    next_draw: u32,
    end_draw: u32,
    sequence: CpuSequence,
    /// Logits after the prompt; empty until it has been run whole.
    logits: Vec<f32>,
}

type OnDraw<'a> = &'a mut dyn FnMut(usize, Result<Draw, GenerateError>);

fn model_error(error: LlamaError) -> GenerateError {
    GenerateError::Model(error.to_string())
}

impl<'a> Schedule<'a> {
    pub(super) fn new(
        generator: &'a LocalGenerator,
        requests: &'a [PromptRequest],
        sampling: &'a Sampling,
    ) -> Self {
        Self {
            generator,
            requests,
            sampling,
            next_request: 0,
            prompts: VecDeque::new(),
            active: Vec::new(),
            workspace: Workspace::default(),
            tokens: 0,
        }
    }

    pub(super) fn run(
        mut self,
        on_draw: OnDraw<'_>,
        cancel: &CancelFlag,
    ) -> Result<GenerateStats, GenerateError> {
        let started = Instant::now();
        while !cancel.is_cancelled() {
            self.fill(on_draw, cancel)?;
            if self.active.is_empty() {
                break;
            }
            self.step(on_draw)?;
        }
        Ok(GenerateStats {
            tokens: self.tokens,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// Starts completions until the batch is full or nothing is left to start.
    fn fill(&mut self, on_draw: OnDraw<'_>, cancel: &CancelFlag) -> Result<(), GenerateError> {
        while self.active.len() < self.generator.batch && !cancel.is_cancelled() {
            self.queue_prompts(on_draw);
            if self.prompts.is_empty() {
                return Ok(());
            }
            self.run_prompts(cancel)?;
            self.start(on_draw);
        }
        Ok(())
    }

    /// Cuts prompts into tokens until there are draws enough for the free places. A prompt that
    /// cannot be continued fails alone.
    fn queue_prompts(&mut self, on_draw: OnDraw<'_>) {
        let free = self.generator.batch - self.active.len();
        let waiting = |prompts: &VecDeque<Prompt>| -> usize {
            prompts
                .iter()
                .map(|prompt| (prompt.end_draw - prompt.next_draw) as usize)
                .sum()
        };
        while waiting(&self.prompts) < free
            && let Some(request) = self.requests.get(self.next_request)
        {
            let index = self.next_request;
            self.next_request += 1;
            if request.draws.is_empty() {
                continue;
            }
            match self.generator.tokens(&request.prompt, self.sampling) {
                Ok(tokens) => self.prompts.push_back(Prompt {
                    request: index,
                    tokens,
                    hash: ContentHash::of_prompt(&request.prompt),
                    next_draw: request.draws.start,
                    end_draw: request.draws.end,
                    sequence: CpuSequence::default(),
                    logits: Vec::new(),
                }),
                Err(error) => {
                    for _ in request.draws.clone() {
                        on_draw(index, Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Runs queued prompts that have not been run, together and in pieces.
    fn run_prompts(&mut self, cancel: &CancelFlag) -> Result<(), GenerateError> {
        while !cancel.is_cancelled() {
            let mut room = PROMPT_TOKENS;
            let mut feeds = Vec::new();
            let mut ends = Vec::new();
            for prompt in &mut self.prompts {
                let done = prompt.sequence.len();
                let piece = (prompt.tokens.len() - done).min(room);
                if !prompt.logits.is_empty() || piece == 0 {
                    continue;
                }
                room -= piece;
                let is_end = done + piece == prompt.tokens.len();
                feeds.push(Feed {
                    sequence: &mut prompt.sequence,
                    tokens: &prompt.tokens[done..done + piece],
                    wanted: if is_end {
                        Wanted::Last
                    } else {
                        Wanted::Nothing
                    },
                });
                if is_end {
                    ends.push(&mut prompt.logits);
                }
            }
            if feeds.is_empty() {
                return Ok(());
            }
            let logits = self
                .generator
                .model
                .forward(&mut feeds, &mut self.workspace)
                .map_err(model_error)?;
            for (end, logits) in ends.into_iter().zip(logits.rows()) {
                end.extend_from_slice(logits);
            }
        }
        Ok(())
    }

    /// Starts draws of prompts that have been run, choosing each one's first token.
    fn start(&mut self, on_draw: OnDraw<'_>) {
        let penalised = self.sampling.repetition_penalty != 1.0;
        let mut outcomes = Vec::new();
        while self.active.len() < self.generator.batch {
            let Some(prompt) = self.prompts.front_mut() else {
                break;
            };
            if prompt.logits.is_empty() {
                break;
            }
            let room = self.generator.batch - self.active.len();
            let draws = prompt.next_draw
                ..prompt
                    .end_draw
                    .min(prompt.next_draw.saturating_add(room as u32));
            prompt.next_draw = draws.end;
            let seen: BTreeSet<u32> = if penalised {
                prompt.tokens.iter().copied().collect()
            } else {
                BTreeSet::new()
            };
            let (generator, sampling) = (self.generator, self.sampling);
            let mut started: Vec<Completion> = draws
                .map(|draw| {
                    Completion::new(
                        prompt.request,
                        draw,
                        DrawStream::new(sampling.seed, &prompt.hash, draw),
                        prompt.sequence.clone(),
                        generator.tokenizer.decoder(),
                        seen.clone(),
                    )
                })
                .collect();
            let logits = &prompt.logits;
            started
                .par_iter_mut()
                .map_init(Sampler::default, |sampler, completion| {
                    completion.advance(logits, sampler, sampling, &generator.tokenizer)
                })
                .collect_into_vec(&mut outcomes);
            if prompt.next_draw == prompt.end_draw {
                self.prompts.pop_front();
            }
            self.settle(started, &mut outcomes, on_draw);
        }
    }

    /// Gives every active completion one more token.
    fn step(&mut self, on_draw: OnDraw<'_>) -> Result<(), GenerateError> {
        let mut active = std::mem::take(&mut self.active);
        let lasts: Vec<[u32; 1]> = active.iter().map(|completion| [completion.last]).collect();
        let mut feeds: Vec<Feed<'_>> = active
            .iter_mut()
            .zip(&lasts)
            .map(|(completion, last)| Feed {
                sequence: &mut completion.sequence,
                tokens: last,
                wanted: Wanted::Last,
            })
            .collect();
        let (generator, sampling) = (self.generator, self.sampling);
        let logits = generator
            .model
            .forward(&mut feeds, &mut self.workspace)
            .map_err(model_error)?;
        let rows: Vec<&[f32]> = logits.rows().collect();
        let mut outcomes = Vec::new();
        active
            .par_iter_mut()
            .zip(rows)
            .map_init(Sampler::default, |sampler, (completion, logits)| {
                completion.advance(logits, sampler, sampling, &generator.tokenizer)
            })
            .collect_into_vec(&mut outcomes);
        self.settle(active, &mut outcomes, on_draw);
        Ok(())
    }

    /// Tells the finished completions and keeps the others.
    fn settle(
        &mut self,
        completions: Vec<Completion>,
        outcomes: &mut Vec<Next>,
        on_draw: OnDraw<'_>,
    ) {
        for (completion, outcome) in completions.into_iter().zip(outcomes.drain(..)) {
            self.tokens += 1;
            match outcome {
                Next::Continue => self.active.push(completion),
                Next::Done(draw) => on_draw(completion.request, Ok(draw)),
                Next::NotNumbers => {
                    let reason = format!(
                        "draw {}: the model's logits are not numbers; its weights are damaged",
                        completion.draw()
                    );
                    on_draw(completion.request, Err(GenerateError::Model(reason)));
                }
            }
        }
    }
}
