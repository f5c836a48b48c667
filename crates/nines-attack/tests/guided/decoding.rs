//! What is written under a guide, and what it weighs.

use crate::world::{PROMPT, generator, tiny};
use nines_attack::guided::decode::{Looks, Wave, write};
use nines_attack::guided::guide::{Guide, Opinion};
use nines_domain::draw::{Draw, Sampling};
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::generator::{Generator, PromptRequest};
use nines_infer::local::LocalGenerator;

/// The guide of a closure over texts; it is never short of anything.
struct By<F>(F);

impl<F: Fn(&str) -> f64> Guide for By<F> {
    fn is_neutral(&self) -> bool {
        false
    }

    fn look(&mut self, texts: &[SnippetText]) -> Option<Vec<Opinion>> {
        let opinion = |text: &SnippetText| Opinion {
            reward: (self.0)(&text.completion),
            ..Opinion::none()
        };
        Some(texts.iter().map(opinion).collect())
    }

    fn complete(&mut self, _: &[SnippetText], _: &mut [Opinion]) -> Option<()> {
        Some(())
    }
}

struct Neutral;

impl Guide for Neutral {
    fn is_neutral(&self) -> bool {
        true
    }

    fn look(&mut self, _: &[SnippetText]) -> Option<Vec<Opinion>> {
        panic!("nobody is asked");
    }

    fn complete(&mut self, _: &[SnippetText], _: &mut [Opinion]) -> Option<()> {
        Some(())
    }
}

fn plain(generator: &LocalGenerator, prompt: &str, draws: u32, sampling: &Sampling) -> Vec<Draw> {
    let request = PromptRequest {
        prompt: prompt.to_owned(),
        draws: 0..draws,
    };
    let mut drawn = Vec::new();
    generator
        .generate(
            &[request],
            sampling,
            &mut |_, draw| drawn.push(draw.expect("drawn")),
            &CancelFlag::default(),
        )
        .expect("it runs");
    drawn.sort_by_key(|draw| draw.draw);
    drawn
}

fn guided(
    generator: &LocalGenerator,
    prompt: &str,
    draws: u32,
    sampling: &Sampling,
    looks: Looks,
    guide: &mut dyn Guide,
) -> Wave {
    write(generator, prompt, 0..draws, sampling, looks, guide, &|| {
        false
    })
    .expect("it runs")
}

#[test]
fn without_preference_the_texts_are_those_of_plain_sampling() {
    let generator = generator();
    let settings = [
        Sampling {
            seed: 7,
            max_tokens: 40,
            ..Sampling::default()
        },
        Sampling {
            repetition_penalty: 1.3,
            top_p: 1.0,
            top_k: 50,
            max_tokens: 12,
            ..Sampling::default()
        },
    ];
    for sampling in &settings {
        let wave = guided(
            &generator,
            PROMPT,
            5,
            sampling,
            Looks::default(),
            &mut Neutral,
        );
        let draws: Vec<Draw> = wave.written.iter().map(|one| one.draw.clone()).collect();
        assert_eq!(draws, plain(&generator, PROMPT, 5, sampling));
        assert!(wave.is_whole && wave.written.iter().all(|one| one.log_weight == Some(0.0)));
    }
}

#[test]
fn a_guide_that_prefers_nothing_changes_no_weight_and_token_by_token_no_text() {
    // Equal rewards leave every token with its probability; only the random numbers differ.
    let generator = tiny();
    let sampling = Sampling {
        one_sentence: false,
        max_tokens: 5,
        ..Sampling::default()
    };
    for every in [1, 3] {
        let looks = Looks {
            candidates: 4,
            every,
        };
        let wave = guided(
            &generator,
            "ab",
            20,
            &sampling,
            looks,
            &mut By(|_: &str| 2.5),
        );
        for one in &wave.written {
            assert!(one.log_weight.expect("a weight").abs() < 1e-12);
        }
    }
}

#[test]
fn weights_give_back_the_probabilities_of_plain_sampling() {
    let generator = tiny();
    let sampling = Sampling {
        one_sentence: false,
        max_tokens: 4,
        temperature: 1.0,
        top_p: 0.9,
        ..Sampling::default()
    };
    const DRAWS: u32 = 4000;
    let plain = plain(&generator, "the ", DRAWS, &sampling);
    // The commonest letter of plain texts, so that the event is neither sure nor rare.
    let share = |letter: char| {
        let with = plain.iter().filter(|draw| draw.completion.contains(letter));
        with.count() as f64 / f64::from(DRAWS)
    };
    let letter = ('a'..='z')
        .min_by(|a, b| (share(*a) - 0.3).abs().total_cmp(&(share(*b) - 0.3).abs()))
        .expect("letters");
    let truth = share(letter);
    assert!(truth > 0.02 && truth < 0.9, "{letter}: {truth}");
    for (every, candidates) in [(1, 6), (2, 3)] {
        let looks = Looks { candidates, every };
        let mut guide = By(|text: &str| 1.5 * f64::from(u8::from(text.contains(letter))));
        let wave = guided(&generator, "the ", DRAWS, &sampling, looks, &mut guide);
        let n = f64::from(DRAWS);
        let weights: Vec<(f64, bool)> = wave
            .written
            .iter()
            .map(|one| {
                let weight = one.log_weight.expect("a weight").exp();
                (weight, one.draw.completion.contains(letter))
            })
            .collect();
        let raw = weights.iter().filter(|(_, with)| *with).count() as f64 / n;
        assert!(raw > truth + 0.05, "{every}: steered to {raw} from {truth}");
        let close = |values: &[f64], expected: f64, slack: f64| {
            let mean = values.iter().sum::<f64>() / n;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
            let error = (variance / n).sqrt() + slack;
            assert!(
                (mean - expected).abs() < 4.0 * error,
                "{every}: {mean} for {expected}"
            );
        };
        let all: Vec<f64> = weights.iter().map(|(weight, _)| *weight).collect();
        close(&all, 1.0, 0.0);
        let with: Vec<f64> = weights
            .iter()
            .map(|(weight, with)| if *with { *weight } else { 0.0 })
            .collect();
        close(&with, truth, (truth * (1.0 - truth) / n).sqrt());
    }
}

#[test]
fn threads_change_nothing() {
    let generator = tiny();
    let sampling = Sampling {
        one_sentence: false,
        max_tokens: 6,
        ..Sampling::default()
    };
    let run = |threads, every| {
        let looks = Looks {
            candidates: 3,
            every,
        };
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool")
            .install(|| {
                let mut guide = By(|text: &str| text.len() as f64 / 3.0);
                guided(&generator, "a b", 9, &sampling, looks, &mut guide)
            })
    };
    for every in [1, 2] {
        assert_eq!(run(1, every), run(3, every));
    }
}
