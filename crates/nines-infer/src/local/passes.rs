//! Runs of tokens through the model, in passes of bounded size.

use super::LocalGenerator;
use crate::generator::GenerateError;
use nines_kernels::lanes::{exponentials, largest};
use nines_nn::llama::{CpuSequence, Feed, LlamaError, Logits, Residual, Wanted, Workspace};
use rayon::prelude::*;
use std::cell::RefCell;

/// Tokens of one pass: enough for full speed, and a bound on memory.
pub(super) const PASS_TOKENS: usize = 512;
/// Weights are added up in blocks of this many in 32 bits, and the blocks in 64.
const BLOCK: usize = 512;

/// Tokens for one sequence.
pub(super) struct Job<'t> {
    pub(super) sequence: CpuSequence,
    pub(super) tokens: &'t [u32],
    pub(super) wanted: Wanted,
}

pub(super) fn model_error(error: LlamaError) -> GenerateError {
    GenerateError::Model(error.to_string())
}

impl LocalGenerator {
    /// Runs one pass, steered if this generator is.
    pub(super) fn pass<'w>(
        &self,
        feeds: &mut [Feed<'_>],
        workspace: &'w mut Workspace,
        copy: Option<(usize, &mut Vec<f32>)>,
    ) -> Result<Logits<'w>, GenerateError> {
        let add = self.steering.as_deref();
        let residual = Residual {
            add: add.map(|added| (added.layer, added.numbers.as_slice())),
            copy,
        };
        self.model
            .forward_with(feeds, workspace, residual)
            .map_err(model_error)
    }

    /// Runs every job to its end; `read` makes something of the logits after a token, told the job and
    /// the token's place in it. Returns that for each job, in the order of its tokens.
    pub(super) fn run<T: Send>(
        &self,
        jobs: &mut [Job<'_>],
        read: impl Fn(usize, usize, &[f32]) -> T + Sync,
    ) -> Result<Vec<Vec<T>>, GenerateError> {
        let mut workspace = Workspace::default();
        let mut found: Vec<Vec<T>> = jobs.iter().map(|_| Vec::new()).collect();
        let mut done = vec![0; jobs.len()];
        let mut first = 0;
        while first < jobs.len() {
            let mut room = PASS_TOKENS;
            let mut feeds = Vec::new();
            let mut places = Vec::new();
            for (index, (job, done)) in jobs.iter_mut().zip(&mut done).enumerate().skip(first) {
                let piece = *done..*done + (job.tokens.len() - *done).min(room);
                if piece.is_empty() {
                    continue;
                }
                room -= piece.len();
                *done = piece.end;
                let wanted = match job.wanted {
                    Wanted::Last if piece.end < job.tokens.len() => Wanted::Nothing,
                    wanted => wanted,
                };
                match wanted {
                    Wanted::Nothing => {}
                    Wanted::Last => places.push((index, piece.end - 1)),
                    Wanted::All => places.extend(piece.clone().map(|place| (index, place))),
                }
                feeds.push(Feed {
                    sequence: &mut job.sequence,
                    tokens: &job.tokens[piece],
                    wanted,
                });
                if room == 0 {
                    break;
                }
            }
            let logits = self.pass(&mut feeds, &mut workspace, None)?;
            let rows: Vec<&[f32]> = logits.rows().collect();
            let read: Vec<T> = places
                .par_iter()
                .zip(rows)
                .map(|(&(job, place), logits)| read(job, place, logits))
                .collect();
            drop(feeds);
            for ((job, _), read) in places.into_iter().zip(read) {
                found[job].push(read);
            }
            while first < jobs.len() && done[first] == jobs[first].tokens.len() {
                first += 1;
            }
        }
        Ok(found)
    }
}

thread_local! {
    static WEIGHTS: RefCell<[f32; BLOCK]> = const { RefCell::new([0.0; BLOCK]) };
}

/// How the probability of the next token is spread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    /// Natural logarithm of the sum of all weights: a token's log probability is its logit less this.
    pub(super) log_total: f64,
    /// The share of the tokens that were asked about.
    pub(super) share: f64,
}

impl Spread {
    /// Adds up the weights of all tokens, and of those that `asked` marks with 1 (others have 0);
    /// `asked` may be empty. `None` when the logits are not numbers.
    pub(super) fn of(logits: &[f32], asked: &[f32]) -> Option<Self> {
        let most = largest(logits);
        if !most.is_finite() {
            return None;
        }
        let (mut total, mut part) = (0.0, 0.0);
        WEIGHTS.with_borrow_mut(|weights| {
            for (index, block) in logits.chunks(BLOCK).enumerate() {
                let weights = &mut weights[..block.len()];
                weights.copy_from_slice(block);
                total += f64::from(exponentials(weights, most, 1.0));
                if let Some(asked) = asked.get(index * BLOCK..) {
                    let marked = weights
                        .iter()
                        .zip(asked)
                        .map(|(weight, mark)| weight * mark);
                    part += f64::from(marked.sum::<f32>());
                }
            }
        });
        if !total.is_finite() {
            return None;
        }
        Some(Self {
            log_total: f64::from(most) + total.ln(),
            share: part / total,
        })
    }

    /// Returns a token's log probability.
    pub(super) fn log_probability(&self, logits: &[f32], token: u32) -> f64 {
        f64::from(logits[token as usize]) - self.log_total
    }
}

pub(super) fn not_numbers() -> GenerateError {
    GenerateError::Model("the model's logits are not numbers; its weights are damaged".to_owned())
}
