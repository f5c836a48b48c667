//! Keeps the batch full: a finished completion makes room for the next, of whatever prompt.
//!
//! Each pass over the weights gives every active completion one more token and runs pieces of the
//! prompts that come next, so that their draws can start as soon as there is room.

use super::LocalGenerator;
use super::completion::{Completion, Next};
use crate::cancel::CancelFlag;
use crate::generator::{GenerateError, GenerateStats, PromptRequest};
use crate::rng::DrawStream;
use crate::sampling::Sampler;
use nines_domain::draw::{Draw, Sampling};
use nines_domain::snippet::ContentHash;
use nines_nn::llama::{CpuSequence, Feed, Wanted, Workspace};
use rayon::prelude::*;
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

/// Tokens of prompts that are run in one pass: enough for full speed, and a bound on memory.
const PROMPT_TOKENS: usize = 512;
/// One draw for so many places of the batch waits with its prompt already run.
const PLACES_FOR_A_WAITING_DRAW: usize = 4;

thread_local! {
    static SAMPLER: RefCell<Sampler> = RefCell::default();
}

impl LocalGenerator {
    /// Chooses a completion's next token, in memory that each thread keeps.
    fn advance(&self, completion: &mut Completion, logits: &[f32], sampling: &Sampling) -> Next {
        SAMPLER.with_borrow_mut(|sampler| {
            completion.advance(logits, sampler, sampling, &self.tokenizer)
        })
    }
}

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
            self.queue_prompts(on_draw);
            if self.active.is_empty() && self.prompts.is_empty() {
                break;
            }
            self.step(on_draw)?;
            self.start(on_draw, cancel);
        }
        Ok(GenerateStats {
            tokens: self.tokens,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// Cuts prompts into tokens until there are draws enough for the free places and for those that
    /// will soon be. A prompt that cannot be continued fails alone.
    fn queue_prompts(&mut self, on_draw: OnDraw<'_>) {
        let batch = self.generator.batch;
        let wanted = batch - self.active.len() + batch.div_ceil(PLACES_FOR_A_WAITING_DRAW);
        let waiting = |prompts: &VecDeque<Prompt>| -> usize {
            prompts
                .iter()
                .map(|prompt| (prompt.end_draw - prompt.next_draw) as usize)
                .sum()
        };
        while waiting(&self.prompts) < wanted
            && let Some(request) = self.requests.get(self.next_request)
        {
            let index = self.next_request;
            self.next_request += 1;
            if request.draws.is_empty() {
                continue;
            }
            match self
                .generator
                .tokens(&request.prompt, self.sampling.max_tokens)
            {
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

    /// Starts draws of prompts that have been run, choosing each one's first token.
    fn start(&mut self, on_draw: OnDraw<'_>, cancel: &CancelFlag) {
        let penalised = self.sampling.repetition_penalty != 1.0;
        let mut outcomes = Vec::new();
        while self.active.len() < self.generator.batch && !cancel.is_cancelled() {
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
                .map(|completion| generator.advance(completion, logits, sampling))
                .collect_into_vec(&mut outcomes);
            if prompt.next_draw == prompt.end_draw {
                self.prompts.pop_front();
            }
            self.settle(started, &mut outcomes, on_draw);
        }
    }

    /// Gives every active completion one more token, and runs queued prompts further.
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
        let ends = feed_prompts(&mut self.prompts, &mut feeds);
        let (generator, sampling) = (self.generator, self.sampling);
        let logits = generator.pass(&mut feeds, &mut self.workspace, None)?;
        let rows: Vec<&[f32]> = logits.rows().collect();
        let (rows, prompt_rows) = rows.split_at(lasts.len());
        for (end, logits) in ends.into_iter().zip(prompt_rows) {
            end.extend_from_slice(logits);
        }
        let mut outcomes = Vec::new();
        active
            .par_iter_mut()
            .zip(rows)
            .map(|(completion, logits)| generator.advance(completion, logits, sampling))
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

/// Adds pieces of the prompts that have not been run whole; returns where the logits go of those that
/// now will be.
fn feed_prompts<'p>(
    prompts: &'p mut VecDeque<Prompt>,
    feeds: &mut Vec<Feed<'p>>,
) -> Vec<&'p mut Vec<f32>> {
    let mut room = PROMPT_TOKENS;
    let mut ends = Vec::new();
    for prompt in prompts {
        let done = prompt.sequence.len();
        let piece = (prompt.tokens.len() - done).min(room);
        if piece == 0 {
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
    ends
}
