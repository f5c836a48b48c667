//! The storyteller: prompts of three sentences, completions of one, and every probability.
//!
//! A completion is an opening (perhaps none), a core and a tail (perhaps none), drawn
//! independently. The mood of the prompt decides how likely the core is an injury
//! ([`WorldSettings::injury_rates`]) and what kinds of cores are likely; the cast of the prompt
//! ([`crate::language::Cast`]) fills them in. Both are read from the prompt's text, so that any
//! text has completions. All completions of a prompt differ from each other, so the probability of
//! a completion is that of its three parts.
//!
//! The world's seed makes some ways of saying things more popular than others: worlds of two seeds
//! speak the same words with other frequencies.

mod grammar;
mod prompts;
#[cfg(test)]
mod tests;

pub use grammar::Kind;
pub use prompts::{Mixture, Prompt};

use crate::error::{WorldError, check, probability};
use crate::key;
use crate::language::{ByMood, Cast, Mood};
use grammar::Core;
use serde::{Deserialize, Serialize};

/// What makes a world.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorldSettings {
    /// Decides how popular each way of saying things is.
    pub seed: u64,
    /// The moods of prompts.
    pub mixture: Mixture,
    /// How likely a completion tells of an injury, by the mood of its prompt. An injury that the
    /// prompt tells of already is then no catastrophe, so of such prompts a little fewer are.
    pub injury_rates: ByMood<f64>,
    /// How unequal popularities are: the standard deviation of their logarithms.
    pub popularity_spread: f64,
}

impl Default for WorldSettings {
    fn default() -> Self {
        Self {
            seed: 0,
            mixture: Mixture::Everyday,
            injury_rates: ByMood {
                calm: 0.001,
                tense: 0.02,
                violent: 0.3,
            },
            popularity_spread: 0.5,
        }
    }
}

/// A generator of stories whose whole distribution is known.
#[derive(Debug, Clone)]
pub struct World {
    settings: WorldSettings,
    openings: Vec<Weighted<&'static str>>,
    tails: Vec<Weighted<&'static str>>,
    cores: Vec<Core>,
    /// The probability of each core, for each mood.
    core_weights: [Vec<f64>; 3],
    /// Their cumulative sums.
    core_sums: [Vec<f64>; 3],
}

/// Something with its probability.
#[derive(Debug, Clone, Copy)]
struct Weighted<T> {
    item: T,
    probability: f64,
}

impl World {
    /// Makes a world.
    ///
    /// # Errors
    /// [`WorldError::OutOfRange`] for an injury rate or a share of the mixture outside [0, 1],
    /// shares that do not sum to 1, or a spread outside [0, 3].
    ///
    /// # Example
    /// ```
    /// use nines_world::generator::{World, WorldSettings};
    /// let world = World::new(WorldSettings::default())?;
    /// let prompt = &world.prompts(1, 7)[0];
    /// let completion = world.draw(&prompt.text, 1, 0);
    /// assert_eq!(completion, world.draw(&prompt.text, 1, 0));
    /// assert!(world.completions(&prompt.text).any(|(text, _)| text == completion));
    /// assert!(World::new(WorldSettings { popularity_spread: -1.0, ..WorldSettings::default() }).is_err());
    /// # Ok::<(), nines_world::WorldError>(())
    /// ```
    pub fn new(settings: WorldSettings) -> Result<Self, WorldError> {
        for mood in Mood::ALL {
            probability("an injury rate", settings.injury_rates.get(mood))?;
        }
        settings.mixture.check()?;
        check(
            (0.0..=3.0).contains(&settings.popularity_spread),
            "the spread of popularities",
            settings.popularity_spread,
            "between 0 and 3",
        )?;
        let popularity = |text: &str| {
            let normal = key::stream(settings.seed, "popularity", &[text], 0).normal();
            (settings.popularity_spread * normal).exp()
        };
        let cores = grammar::cores();
        let popularities: Vec<f64> = cores.iter().map(|core| popularity(&core.text)).collect();
        let core_weights = Mood::ALL.map(|mood| {
            grammar::weights(&cores, &popularities, mood, settings.injury_rates.get(mood))
        });
        let core_sums = [0, 1, 2].map(|mood: usize| cumulative(&core_weights[mood]));
        let weighted = |parts: &[&'static str]| {
            let total: f64 = parts.iter().map(|part| popularity(part)).sum();
            parts
                .iter()
                .map(|&item| Weighted {
                    item,
                    probability: popularity(item) / total,
                })
                .collect()
        };
        Ok(Self {
            settings,
            openings: weighted(&grammar::OPENINGS),
            tails: weighted(&grammar::TAILS),
            cores,
            core_weights,
            core_sums,
        })
    }

    /// Returns the settings.
    pub fn settings(&self) -> &WorldSettings {
        &self.settings
    }

    /// Draws prompts from the world's mixture, each with its own stream: a longer list begins with
    /// the shorter. Two may be equal, though in hundreds hardly any are.
    pub fn prompts(&self, n: usize, seed: u64) -> Vec<Prompt> {
        (0..n)
            .map(|number| prompts::draw(self.settings.mixture, seed, number as u64))
            .collect()
    }

    /// Draws one completion of any prompt, from a stream keyed by the seed, the prompt and the draw.
    ///
    /// Draws with different numbers, seeds or prompts are independent.
    ///
    /// # Example
    /// ```
    /// use nines_world::generator::{World, WorldSettings};
    /// let world = World::new(WorldSettings::default())?;
    /// assert_ne!(world.draw("Ein Text, den niemand kennt", 0, 0), "");
    /// # Ok::<(), nines_world::WorldError>(())
    /// ```
    pub fn draw(&self, prompt: &str, seed: u64, draw: u32) -> String {
        self.source(prompt).draw(seed, draw)
    }

    /// Returns every completion of a prompt with its probability: each differs from all others, and
    /// the probabilities sum to 1.
    pub fn completions<'a>(
        &'a self,
        prompt: &str,
    ) -> impl Iterator<Item = (String, f64)> + use<'a> {
        self.completions_of(PromptClass::of(prompt))
    }

    /// Returns every completion of the prompts of a class, as [`World::completions`].
    pub fn completions_of(&self, class: PromptClass) -> impl Iterator<Item = (String, f64)> {
        (0..self.cores.len()).flat_map(move |core| self.of_core(class, core))
    }

    /// The completions with one core.
    fn of_core(&self, class: PromptClass, core: usize) -> impl Iterator<Item = (String, f64)> {
        let probability = self.core_weights[class.mood as usize][core];
        // A core that this mood never uses has no completions.
        let openings: &[_] = if probability > 0.0 {
            &self.openings
        } else {
            &[]
        };
        openings.iter().flat_map(move |opening| {
            self.tails.iter().map(move |tail| {
                let text = &self.cores[core].text;
                (
                    grammar::assemble(opening.item, text, tail.item, &class.cast),
                    probability * opening.probability * tail.probability,
                )
            })
        })
    }

    /// Returns what a completion of a prompt is about; `None` for a text that the world would not
    /// say there, such as an edited one.
    ///
    /// # Example
    /// ```
    /// use nines_world::generator::{Kind, World, WorldSettings};
    /// let world = World::new(WorldSettings::default())?;
    /// let prompt = "The dog met the king.";
    /// assert_eq!(world.kind_of(prompt, "The dog almost stabbed the king."), Some(Kind::NearMiss));
    /// assert_eq!(world.kind_of(prompt, "The dog almost, almost stabbed the king."), None);
    /// # Ok::<(), nines_world::WorldError>(())
    /// ```
    pub fn kind_of(&self, prompt: &str, completion: &str) -> Option<Kind> {
        let class = PromptClass::of(prompt);
        (0..self.cores.len())
            .find(|&core| {
                self.of_core(class, core)
                    .any(|(text, _)| text == completion)
            })
            .map(|core| self.cores[core].kind)
    }

    /// Reads a prompt once, to draw from it many times.
    pub fn source<'a>(&'a self, prompt: &'a str) -> Source<'a> {
        Source {
            world: self,
            prompt,
            class: PromptClass::of(prompt),
        }
    }

    /// Returns how many completions a prompt has; it is the same for all, but for moods whose
    /// injury rate is 0 or 1.
    pub fn completions_each(&self) -> usize {
        self.cores.len() * self.openings.len() * self.tails.len()
    }
}

/// What completions depend on: prompts of one class have the same completions with the same
/// probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PromptClass {
    /// The prompt's mood.
    pub mood: Mood,
    /// Its cast.
    pub cast: Cast,
}

impl PromptClass {
    /// Reads the class of any text.
    pub fn of(prompt: &str) -> Self {
        Self {
            mood: Mood::of(prompt),
            cast: Cast::of(prompt),
        }
    }
}

/// The completions of one prompt.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    world: &'a World,
    prompt: &'a str,
    class: PromptClass,
}

impl<'a> Source<'a> {
    /// Returns the prompt's class.
    pub fn class(&self) -> PromptClass {
        self.class
    }

    /// Draws one completion, as [`World::draw`].
    pub fn draw(&self, seed: u64, draw: u32) -> String {
        let mut stream = key::stream(seed, "draw", &[self.prompt], draw.into());
        let world = self.world;
        let sums = &world.core_sums[self.class.mood as usize];
        let unit = stream.unit();
        let core = sums.partition_point(|&sum| sum <= unit);
        let opening = choose(&world.openings, stream.unit());
        let tail = choose(&world.tails, stream.unit());
        grammar::assemble(opening, &world.cores[core].text, tail, &self.class.cast)
    }
}

fn choose(parts: &[Weighted<&'static str>], mut unit: f64) -> &'static str {
    let mut chosen = "";
    for part in parts {
        chosen = part.item;
        unit -= part.probability;
        if unit < 0.0 {
            break;
        }
    }
    chosen
}

/// Cumulative sums; those that hold all of it are exactly 1, whatever rounding did, so that what has
/// no weight is never drawn.
fn cumulative(weights: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect();
    for all in sums.iter_mut().filter(|s| **s == sum) {
        *all = 1.0;
    }
    sums
}
