//! Completions written wave after wave: the settings that such searches share, and their loop.

use super::decode::Looks;
use super::gathering::SamplingSettings;
use crate::recipe::RecipeError;
use crate::trial::{Stop, Trial};
use std::ops::Range;

/// Waves in a row in which nothing came to its end before a search gives up.
pub(super) const BARREN: u32 = 20;

/// How completions are written, and when it is enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Writing {
    /// How often, and at how many candidates, the guide looks.
    pub(super) looks: Looks,
    /// Completions that are written together.
    pub(super) width: usize,
    /// Completions of an attempt at most.
    pub(super) completions: usize,
    /// Finds after which an attempt ends; 0 goes on to the end of the budget.
    pub(super) finds: usize,
    /// How they are sampled.
    pub(super) sampling: SamplingSettings,
}

/// Makes the settings of a search that writes completions under guidance: weights of its own, and what all
/// such searches share.
macro_rules! writing_settings {
    ($(#[$doc:meta])* { $($(#[$own_doc:meta])* $own:ident = $value:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Settings {
            $($(#[$own_doc])* pub $own: f64,)*
            /// Candidates of each completion at each look.
            pub candidates: usize,
            /// Tokens from one look to the next; 1 looks at the likeliest tokens one by one.
            pub every: usize,
            /// Completions that are written together.
            pub width: usize,
            /// Completions of an attempt at most.
            pub completions: usize,
            /// Finds after which an attempt ends; 0 goes on to the end of the budget.
            pub finds: usize,
            /// How completions are sampled.
            pub sampling: $crate::guided::SamplingSettings,
        }

        impl Default for Settings {
            fn default() -> Self {
                let looks = $crate::guided::decode::Looks::default();
                Self {
                    $($own: $value,)*
                    candidates: looks.candidates,
                    every: looks.every,
                    width: 8,
                    completions: 2_000,
                    finds: 1,
                    sampling: $crate::guided::SamplingSettings::default(),
                }
            }
        }

        impl Settings {
            /// Returns what all searches share that write.
            ///
            /// # Errors
            /// [`RecipeError`] naming the field that makes no sense.
            fn writing(&self) -> Result<$crate::guided::waves::Writing, RecipeError> {
                $($crate::guided::gathering::weight(stringify!($own), self.$own)?;)*
                $crate::guided::waves::Writing {
                    looks: $crate::guided::decode::Looks {
                        candidates: self.candidates,
                        every: self.every,
                    },
                    width: self.width,
                    completions: self.completions,
                    finds: self.finds,
                    sampling: self.sampling,
                }
                .checked()
            }
        }
    };
}

pub(super) use writing_settings;

/// Refuses numbers of completions without sense, as every search that draws them has them.
pub(super) fn check_numbers(
    width: usize,
    completions: usize,
    finds: usize,
) -> Result<(), RecipeError> {
    use super::gathering::within;
    within("width", width, 1..=256)?;
    within("completions", completions, 1..=1_000_000)?;
    within("finds", finds, 0..=100_000)
}

/// What one wave came to.
pub(super) struct Landed {
    /// Whether every completion of it came to its end and was judged.
    pub(super) is_whole: bool,
    /// Whether any completion came to its end.
    pub(super) is_fruitful: bool,
}

/// What the reader of the log is told of where waves ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Enough was found, or as much was written as was asked for.
    Enough,
    /// No completion came to its end, wave after wave.
    Barren,
}

impl Writing {
    /// Refuses numbers without sense.
    pub(super) fn checked(self) -> Result<Self, RecipeError> {
        use super::gathering::within;
        within("candidates", self.looks.candidates, 1..=64)?;
        within("every", self.looks.every, 1..=64)?;
        check_numbers(self.width, self.completions, self.finds)?;
        self.sampling.check()?;
        Ok(self)
    }

    /// Returns the queries that one completion takes at most where the victim is asked at every look.
    pub(super) fn most_queries(&self) -> u64 {
        let looks = self.sampling.max_tokens.div_ceil(self.looks.every.max(1));
        (looks * self.looks.candidates) as u64
    }

    /// Says what a budget is too small for, where it may not see a single completion to its end.
    pub(super) fn caution(&self, name: &str, queries: u64) -> Option<String> {
        let most = self.most_queries();
        (queries < most).then(|| {
            format!(
                "{name}: one completion can take {most} queries ({} candidates at each look, {} tokens apart), and an \
                 attempt has {queries}: it may end before any is finished. Allow more, or set candidates lower or \
                 every higher in the recipe",
                self.looks.candidates, self.looks.every
            )
        })
    }

    /// Chooses how many completions the next wave writes: so many as the budget sees to their end, and one at
    /// least.
    fn affordable(&self, queries_left: u64, asks_at_looks: bool) -> u32 {
        let each = if asks_at_looks {
            self.most_queries()
        } else {
            1
        };
        let affordable = usize::try_from(queries_left / each.max(1)).unwrap_or(usize::MAX);
        // It fits: the settings are checked.
        affordable.clamp(1, self.width) as u32
    }

    /// Writes wave after wave until it is enough. `wave` writes the draws of one and keeps its finds; it is
    /// told the number of the wave.
    ///
    /// # Errors
    /// [`Stop`] of a wave, and [`Stop::Spent`] where the budget ends in the middle of one.
    pub(super) fn waves<'t>(
        &self,
        trial: &mut Trial<'t>,
        name: &str,
        asks_at_looks: bool,
        mut wave: impl FnMut(&mut Trial<'t>, Range<u32>, u32) -> Result<Landed, Stop>,
    ) -> Result<Ending, Stop> {
        let most = self.completions as u32;
        let (mut first, mut number, mut barren) = (0u32, 0u32, 0);
        if asks_at_looks {
            let queries = trial.meter().queries_left();
            if let Some(caution) = self.caution(name, queries) {
                trial.note(caution);
            }
        }
        while first < most {
            trial.check()?;
            let width = self.affordable(trial.meter().queries_left(), asks_at_looks);
            let draws = first..most.min(first + width);
            first = draws.end;
            let before = trial.finds.len();
            let landed = wave(trial, draws, number)?;
            number += 1;
            if self.finds > 0 && trial.finds.len() >= self.finds {
                return Ok(Ending::Enough);
            }
            if !landed.is_whole {
                let finds = trial.finds.len() - before;
                trial.note(cut(name, finds));
                trial.check()?;
                return Err(Stop::Spent);
            }
            barren = if landed.is_fruitful { 0 } else { barren + 1 };
            if barren == BARREN {
                return Ok(Ending::Barren);
            }
        }
        Ok(Ending::Enough)
    }
}

/// Tells of a wave in which the budget ended.
fn cut(name: &str, finds: usize) -> String {
    match finds {
        0 => format!(
            "{name}: the budget ended inside a wave, before all of its completions were finished and judged"
        ),
        _ => format!(
            "{name}: the budget ended inside a wave; its finds have no weight, because short completions end first"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writing() -> Writing {
        Writing {
            looks: Looks {
                candidates: 4,
                every: 6,
            },
            width: 8,
            completions: 100,
            finds: 1,
            sampling: SamplingSettings {
                max_tokens: 60,
                ..SamplingSettings::default()
            },
        }
    }

    #[test]
    fn waves_are_as_wide_as_the_budget_sees_to_their_end() {
        let writing = writing();
        assert_eq!(writing.most_queries(), 40);
        for (left, width) in [(0, 1), (39, 1), (80, 2), (319, 7), (320, 8), (u64::MAX, 8)] {
            assert_eq!(writing.affordable(left, true), width, "{left}");
        }
        assert_eq!(writing.affordable(5, false), 5);
    }

    #[test]
    fn a_budget_that_is_too_small_is_told_before() {
        let told = writing().caution("guided", 16).expect("too few");
        assert!(
            told.contains("40 queries") && told.contains("has 16"),
            "{told}"
        );
        assert_eq!(writing().caution("guided", 40), None);
    }

    #[test]
    fn a_cut_wave_speaks_of_finds_only_where_there_are_some() {
        assert!(!cut("guided", 0).contains("finds"));
        assert!(cut("guided", 2).contains("finds have no weight"));
    }
}
