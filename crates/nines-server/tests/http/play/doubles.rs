//! A scorer and a generator that do what a test tells them.

use nines_domain::draw::{Draw, Finish, Sampling};
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{GenerateError, GenerateStats, Generator, PromptRequest};
use nines_infer::language_model::{Continuation, LanguageModel, NextWord, TextProbability};
use nines_infer::scorer::{Scorer, Unscoreable};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// Gives a snippet the length of its completion as its score, and breaks down when told so. While
/// `gate` is held, nothing is scored.
#[derive(Default)]
pub struct Lengths {
    pub gate: Mutex<()>,
}

impl Scorer for Lengths {
    fn version(&self) -> &str {
        "lengths"
    }

    fn refuses(&self, prompt: &str) -> Option<Unscoreable> {
        (prompt.len() > 2000).then_some(Unscoreable::TooLong {
            tokens: prompt.len(),
            window: 2000,
        })
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        drop(self.gate.lock());
        assert!(
            !snippets.iter().any(|s| s.completion == "panic"),
            "told to panic"
        );
        let score = |snippet: &SnippetText| match snippet.completion.as_str() {
            "" => Err(Unscoreable::EmptyCompletion),
            "NaN" => Score::new(f64::NAN).map_err(|e| Unscoreable::Model(e.to_string())),
            text => Score::new(text.len() as f64).map_err(|e| Unscoreable::Model(e.to_string())),
        };
        snippets.iter().map(score).collect()
    }
}

/// Draws one text after another. Every fifth draw is unfinished, and draw 13 fails.
#[derive(Default)]
pub struct Counting {
    pub drawn: AtomicU32,
    pub stopped: AtomicBool,
}

impl Generator for Counting {
    fn id(&self) -> String {
        "counting".to_owned()
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
        let mut tokens = 0;
        for (index, request) in requests.iter().enumerate() {
            // A prompt that names no end is drawn from slowly.
            let pause = u64::from(request.prompt.contains("slowly")) * 20;
            for draw in request.draws.clone() {
                std::thread::sleep(Duration::from_millis(pause));
                if cancel.is_cancelled() {
                    self.stopped.store(true, Ordering::SeqCst);
                    break;
                }
                self.drawn.fetch_add(1, Ordering::SeqCst);
                tokens += 3;
                let (seed, heat) = (sampling.seed, sampling.temperature);
                let drawn = Draw {
                    draw,
                    completion: format!("Draw {draw} at seed {seed} and {heat}."),
                    finish: match draw % 5 {
                        4 => Finish::Budget,
                        _ => Finish::Sentence,
                    },
                    tokens: 3,
                };
                on_draw(
                    index,
                    match draw {
                        13 => Err(GenerateError::Model("unlucky".to_owned())),
                        _ => Ok(drawn),
                    },
                );
            }
        }
        Ok(GenerateStats {
            tokens,
            seconds: 0.0,
        })
    }
}

/// Knows a few words, which may come anywhere.
pub struct FewWords;

impl LanguageModel for FewWords {
    fn id(&self) -> String {
        "few words".to_owned()
    }

    fn log_probabilities(
        &self,
        texts: &[Continuation<'_>],
    ) -> Vec<Result<TextProbability, GenerateError>> {
        let probability = |text: &Continuation<'_>| TextProbability {
            log_probability: -(text.text.len() as f64),
            tokens: text.text.split_whitespace().count(),
        };
        texts.iter().map(|text| Ok(probability(text))).collect()
    }

    fn next_words(&self, _: &str, k: usize) -> Result<Vec<NextWord>, GenerateError> {
        let words = [" ox", " a", " cloud", " thunderstorm", " Ümläut"];
        let words = words.into_iter().zip(1..).take(k);
        Ok(words
            .map(|(word, n)| NextWord {
                word: word.to_owned(),
                log_probability: -f64::from(n),
            })
            .collect())
    }
}

/// Holds a scorer's gate on a thread of its own until the guard goes.
pub struct Held {
    _open: mpsc::Sender<()>,
}

/// Stops a scorer until the answer is dropped.
pub fn hold(scorer: &Arc<Lengths>) -> Held {
    let scorer = scorer.clone();
    let (open, gate) = mpsc::channel::<()>();
    let (held, is_held) = mpsc::channel();
    std::thread::spawn(move || {
        let guard = scorer.gate.lock();
        let _ = held.send(());
        let _ = gate.recv();
        drop(guard);
    });
    let _ = is_held.recv();
    Held { _open: open }
}
