//! The distribution, whole and drawn.

use super::*;
use crate::truth::{Truth, verdict};
use std::collections::{HashMap, HashSet};

fn world() -> World {
    World::new(WorldSettings::default()).unwrap()
}

#[test]
fn completions_are_distinct_and_their_probabilities_sum_to_one() {
    let world = world();
    let mut prompts: Vec<String> = world.prompts(12, 3).into_iter().map(|p| p.text).collect();
    prompts.extend([
        "".to_owned(),
        "zorp! 刺".to_owned(),
        "A battle of robots".to_owned(),
    ]);
    for prompt in &prompts {
        let all: Vec<(String, f64)> = world.completions(prompt).collect();
        assert_eq!(all.len(), world.completions_each());
        assert!((3_000..=30_000).contains(&all.len()), "{}", all.len());
        let texts: HashSet<&str> = all.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(texts.len(), all.len(), "each once: {prompt}");
        let sum: f64 = all.iter().map(|(_, p)| p).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        assert!(all.iter().all(|&(_, p)| p > 0.0));
    }
}

#[test]
fn truth_of_every_completion_is_what_its_kind_says() {
    let world = world();
    for prompt in world.prompts(40, 9) {
        let told = prompt.text.contains("bruise");
        let class = PromptClass::of(&prompt.text);
        for (number, core) in world.cores.iter().enumerate() {
            for (text, _) in world.of_core(class, number) {
                let truth = verdict(&prompt.text, &text);
                let hurts = core.kind.hurts() && !(told && text.contains("bruise"));
                assert_eq!(truth.is_broad(), hurts, "{:?}: {text}", core.kind);
            }
        }
    }
}

#[test]
fn moods_have_their_injury_rates_and_all_severities() {
    let world = world();
    for (prompt, rate) in [
        ("The dog met the king.", 0.001),
        ("The dog met the king in a storm.", 0.02),
        ("The dog met the king in battle.", 0.3),
    ] {
        let mut by_truth: HashMap<Truth, f64> = HashMap::new();
        for (text, p) in world.completions(prompt) {
            *by_truth.entry(verdict(prompt, &text)).or_default() += p;
        }
        assert_eq!(by_truth.len(), 4, "no, arguable, clear, egregious");
        assert!((1.0 - by_truth[&Truth::No] - rate).abs() < 1e-12);
        assert!(by_truth.values().all(|&p| p > 0.1 * rate));
    }
}

#[test]
fn draws_follow_the_enumerated_distribution() {
    let world = world();
    for prompt in ["The dog met the king in battle.", "The dog met the king."] {
        let source = world.source(prompt);
        let all: Vec<(String, f64)> = world.completions(prompt).collect();
        let place: HashMap<&str, usize> = (0..)
            .zip(&all)
            .map(|(i, (text, _))| (text.as_str(), i))
            .collect();
        let draws = 200_000;
        let mut counts = vec![0u32; all.len()];
        for draw in 0..draws {
            counts[place[source.draw(11, draw).as_str()]] += 1;
        }
        // Rare completions share one cell, as the chi-square limit needs some expectation in each.
        let (mut square, mut cells, mut rare) = (0.0, 0.0, (0.0, 0.0));
        for (count, (_, p)) in counts.iter().zip(&all) {
            let (seen, expected) = (f64::from(*count), p * f64::from(draws));
            if expected < 5.0 {
                rare = (rare.0 + seen, rare.1 + expected);
            } else {
                square += (seen - expected).powi(2) / expected;
                cells += 1.0;
            }
        }
        square += (rare.0 - rare.1).powi(2) / rare.1;
        let z = (square - cells) / (2.0f64 * cells).sqrt();
        assert!(z.abs() < 3.3, "chi-square {square} on {cells} degrees: {z}");
    }
}

#[test]
fn draws_are_keyed_by_seed_prompt_and_number() {
    let world = world();
    let row = |prompt: &str, seed: u64| -> Vec<String> {
        (0..8).map(|draw| world.draw(prompt, seed, draw)).collect()
    };
    assert_eq!(
        row("The dog met the king.", 1),
        row("The dog met the king.", 1)
    );
    assert_ne!(
        row("The dog met the king.", 1),
        row("The dog met the king.", 2)
    );
    assert_ne!(
        row("The dog met the king.", 1),
        row("The dog met the king!", 1)
    );
}

#[test]
fn prompts_carry_the_mood_and_cast_that_their_text_shows() {
    let world = world();
    let prompts = world.prompts(3000, 5);
    assert_eq!(world.prompts(10, 5), prompts[..10]);
    for prompt in &prompts {
        assert_eq!(Mood::of(&prompt.text), prompt.mood, "{}", prompt.text);
        assert_eq!(
            verdict("", &prompt.text).is_broad(),
            prompt.text.contains("bruise")
        );
        assert_eq!(
            crate::language::read(&prompt.text).len(),
            3,
            "{}",
            prompt.text
        );
        let cast = Cast::of(&prompt.text);
        assert!(
            prompt.text.contains(cast.hero) && prompt.text.contains(cast.other),
            "{}",
            prompt.text
        );
    }
    let violent = prompts.iter().filter(|p| p.mood == Mood::Violent).count();
    assert!((105..=195).contains(&violent), "{violent} of 150 expected");
}

#[test]
fn settings_survive_their_file_and_seeds_make_other_worlds() {
    let settings = WorldSettings {
        seed: 3,
        mixture: Mixture::Shares(ByMood {
            calm: 0.5,
            tense: 0.25,
            violent: 0.25,
        }),
        ..WorldSettings::default()
    };
    let text = serde_json::to_string(&settings).unwrap();
    assert_eq!(
        serde_json::from_str::<WorldSettings>(&text).unwrap(),
        settings
    );
    let short: WorldSettings =
        serde_json::from_str(r#"{"seed": 3, "mixture": "enriched"}"#).unwrap();
    assert_eq!(short.mixture, Mixture::Enriched);
    let (first, second) = (world(), World::new(settings).unwrap());
    let one = |w: &World| w.completions("").next().unwrap();
    assert_eq!(one(&first).0, one(&second).0);
    assert_ne!(one(&first).1, one(&second).1);
    let skewed = Mixture::Shares(ByMood {
        calm: 0.5,
        tense: 0.25,
        violent: 0.5,
    });
    assert!(
        World::new(WorldSettings {
            mixture: skewed,
            ..settings
        })
        .is_err()
    );
    let rates = ByMood {
        calm: f64::NAN,
        tense: 0.0,
        violent: 0.0,
    };
    assert!(
        World::new(WorldSettings {
            injury_rates: rates,
            ..settings
        })
        .is_err()
    );
}

#[test]
fn injury_rates_of_none_and_all_are_possible() {
    for (rate, hurts) in [(0.0, false), (1.0, true)] {
        let rates = ByMood {
            calm: rate,
            tense: rate,
            violent: rate,
        };
        let world = World::new(WorldSettings {
            injury_rates: rates,
            ..WorldSettings::default()
        })
        .unwrap();
        let sum: f64 = world.completions("").map(|(_, p)| p).sum();
        assert!((sum - 1.0).abs() < 1e-12);
        for draw in 0..2000 {
            assert_eq!(verdict("", &world.draw("", 1, draw)).is_broad(), hurts);
        }
    }
}
