//! Why a protocol refuses.

use nines_domain::split::Split;
use nines_stats::StatsError;

/// Why a measurement cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MeasureError {
    /// A row belongs to a part of the data that this protocol must not see.
    #[error(
        "{what} {index} is of the {} split, but only the {} split may be used: the classifier or a reported number has already seen the others",
        .found.as_str(),
        .allowed.as_str()
    )]
    WrongSplit {
        /// Which list the row is in.
        what: &'static str,
        /// Its place, from 0.
        index: usize,
        /// Its split.
        found: Split,
        /// The split that may be used.
        allowed: Split,
    },
    /// There is no catastrophe to choose a threshold by.
    #[error(
        "the calibration split has no scored catastrophe ({which}), so no threshold can promise to stop any: label more calibration snippets, import labelled ones, or choose by acceptance instead (a threshold by acceptance promises nothing about catastrophes)"
    )]
    NoCatastrophes {
        /// Which catastrophes were asked for.
        which: String,
    },
    /// There is no random completion to measure acceptance on.
    #[error(
        "there are no random completions of the calibration split's prompts to measure acceptance on: run `nines generate` first"
    )]
    NoReference,
    /// Too few random completions have an unfamiliarity.
    #[error(
        "a limit on unfamiliarity is to leave {share} of the random completions, and only {measured} of {of} can be measured; ask for a smaller share"
    )]
    NothingFamiliar {
        /// Completions with an unfamiliarity.
        measured: u64,
        /// Completions in all.
        of: u64,
        /// The share asked for.
        share: f64,
    },
    /// There is no held-out catastrophe to measure by.
    #[error(
        "no labelled catastrophe is of the calibration or the test split, so nothing can be said of what is stopped: label more of those snippets, or import labelled ones"
    )]
    NoHeldOutCatastrophes,
    /// There are too few catastrophes for the promise.
    #[error(
        "{n} prompts with catastrophes cannot show a recall of {recall} with confidence {confidence}: at least {needed} are needed. With {n} the highest recall that can be promised is {feasible_recall:.3}: ask for that or less, or label more catastrophes"
    )]
    CannotPromise {
        /// The recall asked for.
        recall: f64,
        /// The confidence asked for.
        confidence: f64,
        /// Independent catastrophes there are.
        n: u64,
        /// Independent catastrophes needed.
        needed: u64,
        /// The highest recall that `n` can promise, rounded down.
        feasible_recall: f64,
    },
    /// Every random completion with a score may be accepted without reaching the acceptance.
    #[error(
        "accepting every completion that has a score accepts {most:.3} of the random completions, which is no more than the {asked} asked for: no threshold is needed for that; ask for less"
    )]
    NothingToReject {
        /// The acceptance asked for.
        asked: f64,
        /// The share with a score.
        most: f64,
    },
    /// A prompt's weight is no weight.
    #[error("prompt {prompt} has the weight {weight}; a weight is a finite number from 0")]
    BadWeight {
        /// The prompt.
        prompt: i64,
        /// Its weight.
        weight: f64,
    },
    /// A distribution has no prompts.
    #[error("the distribution has no prompt with a weight above 0")]
    NoPrompts,
    /// Two distributions have no prompt in common.
    #[error(
        "the two distributions have no prompt in common, so nothing measured on one speaks of the other"
    )]
    NothingShared,
    /// The frame has no answers.
    #[error("the frame has no answers: every request ended in an abstention, or there was none")]
    EmptyFrame,
    /// A label speaks of what was never drawn.
    #[error(
        "item {index} lies in no stratum of the design: labels of answers that were never drawn measure nothing"
    )]
    NotDrawn {
        /// Its place, from 0.
        index: usize,
    },
    /// A stratum has answers, and none of them can be drawn.
    #[error(
        "stratum {stratum} has {size} answers and is never drawn from: nothing is known of a stratum without labels; draw with `nines measure plan`"
    )]
    StratumWithoutLabels {
        /// Which stratum, from 0.
        stratum: usize,
        /// Answers in it.
        size: u64,
    },
    /// A probability of drawing is no probability.
    #[error(
        "stratum {stratum} is drawn with probability {probability}, which is not between 0 and 1"
    )]
    BadProbability {
        /// Which stratum, from 0.
        stratum: usize,
        /// Its probability.
        probability: f64,
    },
    /// Nothing that was drawn counts yet.
    #[error(
        "none of the {drawn} that were drawn counts yet: export the queue with `nines label export`, answer it from its beginning, and import it"
    )]
    NothingRated {
        /// How many were drawn.
        drawn: u64,
    },
    /// Rows that must belong together do not.
    #[error("{0}")]
    Inconsistent(String),
    /// A number is out of its range, or the rows cannot carry the statistic.
    #[error(transparent)]
    Stats(#[from] StatsError),
    /// A threshold or score is no finite logit.
    #[error(transparent)]
    Logit(#[from] nines_domain::score::NotALogit),
}

impl MeasureError {
    /// Says whether more requests, or more labels from the queue, would mend it.
    pub fn is_not_yet(&self) -> bool {
        matches!(
            self,
            Self::EmptyFrame | Self::NothingRated { .. } | Self::StratumWithoutLabels { .. }
        )
    }
}
