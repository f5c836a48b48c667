//! A generator and a scorer that do what a script says, with every fault that they can have.

use nines_domain::draw::{Draw, Finish, Sampling};
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::{ContentHash, SnippetText};
use nines_infer::cancel::CancelFlag;
use nines_infer::filter::{Abstention, Answer, Filter, Law, Outcome};
use nines_infer::generator::{GenerateError, GenerateStats, Generator, PromptRequest};
use nines_infer::scorer::{Scorer, Unscoreable};
use std::sync::Mutex;

/// The quantile that stands behind a draw: uniform, a function of seed, prompt and draw alone.
pub fn quantile(seed: u64, prompt: &str, draw: u32) -> f64 {
    let key = ContentHash::of_fields("u", &[&seed.to_string(), prompt, &draw.to_string()]);
    (key.prefix_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// What goes wrong, where.
#[derive(Default)]
pub struct Faults {
    /// Fails every draw of prompts with this text in them.
    pub prompt_fails: Option<&'static str>,
    pub prompt_error: Option<GenerateError>,
    /// Dies for good in this call, counted from 0, after delivering half of it.
    pub dies_in_call: Option<usize>,
    /// Sets the cancel flag in this call, after delivering every other draw.
    pub cancelled_in_call: Option<usize>,
    /// Leaves out draws with these numbers without a word.
    pub loses: Vec<u32>,
    /// Says that draws with these numbers are unfinished.
    pub unfinished: Vec<u32>,
    /// Delivers draws that nobody asked for.
    pub babbles: bool,
}

/// Draws whose completion is their own quantile, delivered in scrambled order.
#[derive(Default)]
pub struct Scripted {
    pub faults: Faults,
    pub calls: Mutex<Vec<Vec<PromptRequest>>>,
}

impl Scripted {
    pub fn with(faults: Faults) -> Self {
        Self {
            faults,
            calls: Mutex::default(),
        }
    }
}

impl Generator for Scripted {
    fn id(&self) -> String {
        "scripted".to_owned()
    }

    fn context_window(&self) -> Option<usize> {
        None
    }

    fn generate(
        &self,
        requests: &[PromptRequest],
        sampling: &Sampling,
        on_draw: &mut dyn FnMut(usize, Result<Draw, GenerateError>),
        cancel: &CancelFlag,
    ) -> Result<GenerateStats, GenerateError> {
        let call = {
            let mut calls = self.calls.lock().expect("one thread");
            calls.push(requests.to_vec());
            calls.len() - 1
        };
        let mut work: Vec<(usize, u32)> = requests
            .iter()
            .enumerate()
            .flat_map(|(index, request)| request.draws.clone().map(move |draw| (index, draw)))
            .collect();
        // Any order but theirs: the later draws of the later prompts first, then by a hash.
        work.sort_by_key(|(i, d)| {
            ContentHash::of_fields("order", &[&i.to_string(), &d.to_string()])
        });
        let half = work.len() / 2;
        for (done, (index, number)) in work.into_iter().enumerate() {
            if self.faults.dies_in_call == Some(call) && done >= half {
                return Err(GenerateError::Model("the model is gone".to_owned()));
            }
            if self.faults.cancelled_in_call == Some(call) {
                cancel.cancel();
                if number % 2 == 0 {
                    continue;
                }
            }
            if self.faults.loses.contains(&number) {
                continue;
            }
            let prompt = &requests[index].prompt;
            if self
                .faults
                .prompt_fails
                .is_some_and(|text| prompt.contains(text))
            {
                on_draw(
                    index,
                    Err(self.faults.prompt_error.clone().unwrap_or_else(|| {
                        GenerateError::Model("cannot continue this".to_owned())
                    })),
                );
                continue;
            }
            let unfinished = self.faults.unfinished.contains(&number);
            let draw = |number| Draw {
                draw: number,
                completion: quantile(sampling.seed, prompt, number).to_string(),
                finish: if unfinished {
                    Finish::Budget
                } else {
                    Finish::Sentence
                },
                tokens: 1,
            };
            on_draw(index, Ok(draw(number)));
            if self.faults.babbles {
                on_draw(
                    index,
                    Ok(Draw {
                        completion: "0".to_owned(),
                        ..draw(number)
                    }),
                );
                on_draw(index, Ok(draw(number + 1000)));
                on_draw(requests.len() + 3, Ok(draw(number)));
            }
        }
        Ok(GenerateStats {
            tokens: 1,
            seconds: 0.5,
        })
    }
}

/// Scores a completion by the quantile it states, so that threshold a accepts a share a.
pub struct Reads;

impl Scorer for Reads {
    fn version(&self) -> &str {
        "reads v1"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        snippets
            .iter()
            .map(|s| {
                let u: f64 = s
                    .completion
                    .parse()
                    .map_err(|_| Unscoreable::EmptyCompletion)?;
                Score::new(u).map_err(|e| Unscoreable::Model(e.to_string()))
            })
            .collect()
    }
}

pub fn prompts(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("prompt {i}")).collect()
}

pub fn threshold(a: f64) -> Threshold {
    Threshold::new(a).expect("finite")
}

pub fn filtered(
    filter: &Filter<'_>,
    generator: &Scripted,
    prompts: &[String],
    cancel: &CancelFlag,
) -> Vec<Answer> {
    filter
        .run(
            prompts,
            generator,
            &Sampling::default(),
            &mut |_| {},
            cancel,
        )
        .answers
}

pub fn run(law: Law, budget: u32, a: f64, prompts: &[String], faults: Faults) -> Vec<Answer> {
    let filter = Filter::new(&Reads, threshold(a), budget, law).expect("a valid filter");
    filtered(
        &filter,
        &Scripted::with(faults),
        prompts,
        &CancelFlag::default(),
    )
}

pub fn accepted_number(answer: &Answer) -> Option<u32> {
    answer.accepted().map(|c| c.number)
}

pub fn why(answer: &Answer) -> &Abstention {
    match &answer.outcome {
        Outcome::Abstained(why) => why,
        Outcome::Accepted { number } => panic!("draw {number} was accepted"),
    }
}
