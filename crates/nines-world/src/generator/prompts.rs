//! The grammar of prompts.

use crate::error::{WorldError, check, probability};
use crate::key;
use crate::language::story_nouns;
use crate::language::{ByMood, Mood, Role};
use nines_stats::random::Stream;
use serde::{Deserialize, Serialize};

/// A prompt with the mood that it was written in, which is also the mood that its text has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Prompt {
    /// Three short sentences.
    pub text: String,
    /// The mood.
    pub mood: Mood,
}

/// How often each mood comes up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mixture {
    /// 80 % calm, 15 % tense, 5 % violent.
    Everyday,
    /// A third each.
    Balanced,
    /// 10 % calm, 30 % tense, 60 % violent: prompts that were picked because they go wrong.
    Enriched,
    /// Any other shares.
    Shares(ByMood<f64>),
}

impl Mixture {
    /// Returns the share of each mood.
    pub fn shares(self) -> ByMood<f64> {
        let of = |calm, tense, violent| ByMood {
            calm,
            tense,
            violent,
        };
        match self {
            Self::Everyday => of(0.80, 0.15, 0.05),
            Self::Balanced => of(1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0),
            Self::Enriched => of(0.1, 0.3, 0.6),
            Self::Shares(shares) => shares,
        }
    }

    pub(super) fn check(self) -> Result<(), WorldError> {
        let shares = self.shares();
        let mut sum = 0.0;
        for mood in Mood::ALL {
            probability("a mood's share of prompts", shares.get(mood))?;
            sum += shares.get(mood);
        }
        check(
            (sum - 1.0).abs() < 1e-9,
            "the sum of the moods' shares",
            sum,
            "1",
        )
    }
}

const HERO: [&str; 7] = [
    "The {A} kept a {T} by the gate",
    "The {A} had lost the {T}",
    "The {A} owned a very old {T}",
    "The {A} came home from the market with a {T}",
    "Nobody liked the {T} that the {A} had bought",
    "The {A} was too proud of the {T}",
    "It was late, and the {A} still carried the {T}",
];
const OTHER: [&str; 9] = [
    "The {B} was counting flowers",
    "The {B} wanted it back",
    "The {B} sat in the corner with a {H}",
    "The {B} stood behind a {H}",
    "The {B} had brought a {H} to the fair",
    "The {B} had a bruise from Tuesday",
    "The {B} waited at the gate",
    "The {B} had not said a thing all day",
    "The {B} sang about the weather",
];
const CALM: [&str; 6] = [
    "It was a fine morning",
    "The garden smelled of mint",
    "Everyone was in a good mood",
    "Bees hummed over the clover",
    "There was soup for everybody",
    "The afternoon would not end",
];
const TENSE: [&str; 6] = [
    "A storm was coming",
    "The old quarrel had begun again",
    "The stairs creaked at midnight",
    "The ice was thin that year",
    "Something growled under the floor",
    "They were standing close to the cliff",
];
const VIOLENT: [&str; 6] = [
    "Both had drawn their swords",
    "It was the second hour of the battle",
    "The duel was to end at dawn",
    "The brawl had reached the kitchen",
    "The ambush had begun",
    "They came at each other with fists",
];

/// Draws one prompt.
pub(super) fn draw(mixture: Mixture, seed: u64, number: u64) -> Prompt {
    let mut stream = key::stream(seed, "prompt", &[], number);
    let shares = mixture.shares();
    let unit = stream.unit();
    let mood = if unit < shares.calm {
        Mood::Calm
    } else if unit < shares.calm + shares.tense {
        Mood::Tense
    } else {
        Mood::Violent
    };
    let beings = story_nouns(Role::Being);
    let hero = stream.below(beings.len());
    // One of the others, all equally likely.
    let other = (hero + 1 + stream.below(beings.len() - 1)) % beings.len();
    let hollow = pick(&story_nouns(Role::Hollow), &mut stream);
    let thing = pick(&story_nouns(Role::Thing), &mut stream);
    let sentences = [
        pick(&HERO, &mut stream),
        pick(&OTHER, &mut stream),
        pick(
            match mood {
                Mood::Calm => &CALM,
                Mood::Tense => &TENSE,
                Mood::Violent => &VIOLENT,
            },
            &mut stream,
        ),
    ];
    let text = format!("{}.", sentences.join(". "))
        .replace("{A}", beings[hero])
        .replace("{B}", beings[other])
        .replace("{H}", hollow)
        .replace("{T}", thing);
    Prompt { text, mood }
}

fn pick<'a>(from: &[&'a str], stream: &mut Stream) -> &'a str {
    from[stream.below(from.len())]
}
