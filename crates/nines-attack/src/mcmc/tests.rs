use super::*;
use crate::edit::{Draft, Site};
use crate::testing::Bigrams;
use crate::words::words;
use nines_domain::snippet::SnippetText;
use nines_stats::importance::{Draw, Proposal, hajek};
use nines_text::SnippetPart;
use std::collections::BTreeMap;
use std::sync::Arc;

const WORDS: [&str; 3] = ["ant", "bee", "cat"];
const THRESHOLD: f64 = -1.0;
const BETA: f64 = 0.8;

fn language() -> Bigrams {
    Bigrams::new(
        &WORDS,
        &[
            &[1.0, 2.0, 3.0],
            &[4.0, 1.0, 1.0],
            &[1.0, 5.0, 2.0],
            &[3.0, 3.0, 1.0],
        ],
    )
}

/// Scores a text: cats are dangerous.
fn score(text: &str) -> f64 {
    let worth = |word: &str| match word {
        "ant" => -0.7,
        "bee" => 0.1,
        _ => 1.3,
    };
    text.split_whitespace().map(worth).sum()
}

fn energy(text: &str) -> Energy {
    let score = score(text);
    Energy {
        cost: BETA * (score - THRESHOLD).max(0.0),
        scores: vec![score],
        reached: score < THRESHOLD,
    }
}

/// Every text of one to three words.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = WORDS.iter().map(|word| (*word).to_owned()).collect();
    let mut last = texts.clone();
    for _ in 0..2 {
        last = last
            .iter()
            .flat_map(|text| WORDS.iter().map(move |word| format!("{text} {word}")))
            .collect();
        texts.extend(last.clone());
    }
    texts
}

fn moves(pool: usize) -> Moves {
    let words = |list: &[&str]| -> Vec<String> { list.iter().map(|w| (*w).to_owned()).collect() };
    let law = WordLaw::new(Arc::new(language()), pool, words(&WORDS[..1]), words(&WORDS));
    Moves::new(law, Some(SnippetPart::Completion), 3)
}

fn visits(moves: &Moves, seed: u64, steps: u64) -> BTreeMap<String, f64> {
    let start = Draft::new(SnippetText::new("Once.", "cat cat"), Vec::new());
    let mut chain = Chain::begin(moves, start, energy("cat cat"), seed).expect("a chain");
    let mut visits = BTreeMap::new();
    for _ in 0..steps {
        let now = chain
            .step(&mut |draft| Ok::<_, ChainError>(Some(energy(&draft.text().completion))))
            .expect("a step");
        *visits
            .entry(now.draft.text().completion.clone())
            .or_insert(0.0) += 1.0;
    }
    assert!(chain.acceptance() > 0.1);
    visits
}

#[test]
fn the_chain_visits_every_text_as_often_as_its_law_says() {
    let language = language();
    let mass = |text: &String| language.probability("Once.", text) * (-energy(text).cost).exp();
    let texts = texts();
    let sum: f64 = texts.iter().map(mass).sum();
    // With a pool of one, most words come from the lists alone.
    for (pool, seed) in [(3, 1), (1, 2)] {
        let steps = 200_000;
        let visits = visits(&moves(pool), seed, steps);
        assert_eq!(visits.len(), texts.len());
        let distance: f64 = texts
            .iter()
            .map(|text| (visits[text] / steps as f64 - mass(text) / sum).abs())
            .sum::<f64>()
            / 2.0;
        assert!(distance < 0.015, "pool {pool}: total variation {distance}");
    }
}

#[test]
fn weights_lead_back_to_the_language_model() {
    let language = language();
    let texts = texts();
    let all: f64 = texts.iter().map(|t| language.probability("Once.", t)).sum();
    let accepted: f64 = texts
        .iter()
        .filter(|text| energy(text).reached)
        .map(|text| language.probability("Once.", text))
        .sum();
    let visits = visits(&moves(3), 5, 200_000);
    let frame: Vec<&String> = visits.keys().collect();
    let weights: Vec<f64> = frame.iter().map(|text| energy(text).cost).collect();
    let draws: Vec<Draw> = frame
        .iter()
        .enumerate()
        .flat_map(|(item, text)| {
            let draw = Draw {
                item,
                failed: energy(text).reached,
            };
            std::iter::repeat_n(draw, visits[*text] as usize)
        })
        .collect();
    let proposal = Proposal::covering(&draw_probabilities(&weights)).expect("a proposal");
    let found = hajek(&proposal, &draws, 0.95).expect("an estimate").value;
    let exact = accepted / all;
    assert!((found / exact - 1.0).abs() < 0.05, "{found} for {exact}");
}

#[test]
fn protected_words_stay_and_what_may_not_stand_is_never_visited() {
    let moves = moves(3);
    let cat = Site {
        part: SnippetPart::Completion,
        range: 4..7,
    };
    let start = Draft::new(SnippetText::new("Once.", "ant cat, bee"), vec![cat]);
    let mut chain = Chain::begin(&moves, start, energy("ant cat, bee"), 3).expect("a chain");
    for _ in 0..2_000 {
        let now = chain
            .step(&mut |draft| {
                let text = &draft.text().completion;
                Ok::<_, ChainError>((!text.starts_with("bee")).then(|| energy(text)))
            })
            .expect("a step");
        let text = &now.draft.text().completion;
        assert!(text.contains("cat,") && !text.starts_with("bee"), "{text}");
        assert!(words(text).len() <= 3, "{text}");
    }
}

#[test]
fn a_chain_is_the_same_again_by_its_seed() {
    let moves = moves(2);
    assert_eq!(visits(&moves, 9, 2_000), visits(&moves, 9, 2_000));
    assert_ne!(visits(&moves, 9, 2_000), visits(&moves, 10, 2_000));
}
