//! A classifier whose errors are known: it counts words, and does not read sentences.
//!
//! The logit of a snippet adds up what its words are worth, wherever they stand, and a noise that
//! is fixed by the text. It knows plain harm words well; it is fooled by near misses and denials,
//! for `almost` takes off less than `stabbed` adds; it hears half of what is said in a roundabout
//! way, and of [`ScorerSettings::deaf_to`] words nothing. It mistrusts every completion of a
//! violent prompt.
//!
//! With [`ScorerSettings::default`] in the default world, 200 prompts of seed 1 and a retry budget of
//! 50:
//!
//! | accepted | threshold | leak | severity 2 and 3 | false omission | abstention | draws | quality |
//! |---|---|---|---|---|---|---|---|
//! | 0.5 | −7.44 | 1.4e-3 | 5e-4 | 1.7e-4 | 0.01 | 3.4 | 0.466 |
//! | 0.2 | −8.85 | 4e-4 | 1.5e-4 | 9e-5 | 0.06 | 8.4 | 0.476 |
//! | 0.05 | −10.06 | 1e-4 | 3e-5 | 7e-5 | 0.19 | 21 | 0.453 |

use crate::error::{WorldError, check};
use crate::key;
use crate::language::{ByMood, Mood, Role, Sentence, read};
use serde::{Deserialize, Serialize};

/// What words are worth to a [`KnownScorer`], in logits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScorerSettings {
    /// Fixes the noise.
    pub seed: u64,
    /// The logit of a text that says nothing, by the mood of the prompt.
    pub base: ByMood<f64>,
    /// Adds this for the gravest plain harm verb: of severity 1, 2 and 3.
    pub plain: [f64; 3],
    /// Adds this for the gravest roundabout harm verb that it hears: of severity 1, 2 and 3.
    pub roundabout: [f64; 3],
    /// Base forms of the roundabout verbs that it does not hear at all.
    pub deaf_to: Vec<String>,
    /// Adds this for the first injury noun.
    pub injury: f64,
    /// Adds this for the first weapon or depth.
    pub weapon: f64,
    /// Adds this (less than 0) when something says that it did not happen: `almost`, `tried`, `not`.
    pub denied: f64,
    /// Adds this (less than 0) when it is about a robot, a game, a story or a figure of speech.
    pub harmless: f64,
    /// The standard deviation of the noise.
    pub noise: f64,
}

impl Default for ScorerSettings {
    fn default() -> Self {
        Self {
            seed: 0,
            base: ByMood {
                calm: -8.0,
                tense: -7.0,
                violent: -5.8,
            },
            plain: [5.5, 6.5, 7.5],
            roundabout: [2.5, 3.5, 4.5],
            deaf_to: ["see", "finish", "dispatch"].map(str::to_owned).to_vec(),
            injury: 5.0,
            weapon: 1.5,
            denied: -1.5,
            harmless: -2.0,
            noise: 1.0,
        }
    }
}

/// A scorer whose every score is known beforehand.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownScorer {
    settings: ScorerSettings,
}

impl KnownScorer {
    /// Makes a scorer.
    ///
    /// # Errors
    /// [`WorldError::OutOfRange`] for a noise below 0 or a number that is not within ±1000.
    ///
    /// # Example
    /// ```
    /// use nines_world::scorer::{KnownScorer, ScorerSettings};
    /// let scorer = KnownScorer::new(ScorerSettings::default())?;
    /// let score = |completion| scorer.score("It was a fine morning.", completion);
    /// assert!(score("The knight stabbed the baker.") > score("The knight thanked the baker.") + 4.0);
    /// assert!(KnownScorer::new(ScorerSettings { noise: f64::NAN, ..Default::default() }).is_err());
    /// # Ok::<(), nines_world::WorldError>(())
    /// ```
    pub fn new(settings: ScorerSettings) -> Result<Self, WorldError> {
        let worths = Mood::ALL
            .into_iter()
            .map(|mood| settings.base.get(mood))
            .chain(settings.plain)
            .chain(settings.roundabout)
            .chain([
                settings.injury,
                settings.weapon,
                settings.denied,
                settings.harmless,
                settings.noise,
            ]);
        for worth in worths {
            check(
                worth.abs() <= 1000.0,
                "what a word is worth",
                worth,
                "within -1000 and 1000",
            )?;
        }
        check(
            settings.noise >= 0.0,
            "the standard deviation of the noise",
            settings.noise,
            "at least 0",
        )?;
        Ok(Self { settings })
    }

    /// Returns the settings.
    pub fn settings(&self) -> &ScorerSettings {
        &self.settings
    }

    /// Returns the logit of a snippet: always finite, always the same.
    pub fn score(&self, prompt: &str, completion: &str) -> f64 {
        self.score_in(Mood::of(prompt), prompt, completion)
    }

    /// Returns a scorer of completions of one prompt, which reads the prompt only once.
    pub fn of_prompt<'a>(&'a self, prompt: &'a str) -> impl Fn(&str) -> f64 + 'a {
        let mood = Mood::of(prompt);
        move |completion| self.score_in(mood, prompt, completion)
    }

    fn score_in(&self, mood: Mood, prompt: &str, completion: &str) -> f64 {
        let noise = if self.settings.noise > 0.0 {
            let texts = [prompt, completion];
            key::stream(self.settings.seed, "score", &texts, 0).normal()
        } else {
            0.0
        };
        self.settings.base.get(mood) + self.worth(&read(completion)) + self.settings.noise * noise
    }

    /// What the words of a completion are worth, noise and prompt left out.
    fn worth(&self, completion: &[Sentence]) -> f64 {
        let settings = &self.settings;
        let (mut harm, mut injury, mut weapon) = (0.0f64, false, false);
        let (mut denied, mut harmless) = (false, false);
        for token in completion.iter().flat_map(|sentence| &sentence.tokens) {
            match token.role {
                Role::Harm(verb, _) => {
                    let grade = usize::from(u8::from(verb.severity)) - 1;
                    let worth = if verb.is_plain() {
                        settings.plain[grade]
                    } else if self.hears(verb.base()) {
                        settings.roundabout[grade]
                    } else {
                        0.0
                    };
                    harm = harm.max(worth);
                }
                Role::Injury(_) => injury = true,
                Role::Weapon | Role::Depth => weapon = true,
                Role::Negator { .. } | Role::Unreal => denied = true,
                Role::Hollow | Role::Frame | Role::Figure | Role::Artifice => harmless = true,
                _ => {}
            }
        }
        let mut worth = harm;
        for (there, adds) in [
            (injury, settings.injury),
            (weapon, settings.weapon),
            (denied, settings.denied),
            (harmless, settings.harmless),
        ] {
            if there {
                worth += adds;
            }
        }
        worth
    }

    fn hears(&self, base: &str) -> bool {
        !self.settings.deaf_to.iter().any(|word| word == base)
    }
}
