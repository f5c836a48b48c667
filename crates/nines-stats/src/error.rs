//! What can be wrong with the numbers that come in.

/// Why a statistic cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StatsError {
    /// There is nothing to compute from.
    #[error("{what}: there is nothing to compute from; at least one is needed")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// Columns that describe the same items have different lengths.
    #[error("{what}: {left} and {right} items, but each item needs both")]
    Lengths {
        /// Which columns.
        what: &'static str,
        /// Items in the first.
        left: usize,
        /// Items in the second.
        right: usize,
    },
    /// A number is NaN or infinite.
    #[error("{what}: item {index} is {value}, which is not a finite number")]
    NotFinite {
        /// What the number is.
        what: &'static str,
        /// Which item, from 0.
        index: usize,
        /// The number.
        value: f64,
    },
    /// A parameter lies outside its range.
    #[error("{what} is {value}, but must be {allowed}")]
    OutOfRange {
        /// Which parameter.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// One of many numbers lies outside its range.
    #[error("{what}: item {index} is {value}, but must be {allowed}")]
    ItemOutOfRange {
        /// What the number is.
        what: &'static str,
        /// Which item, from 0.
        index: usize,
        /// The number.
        value: f64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// One of many items lacks what the statistic needs.
    #[error("{what}: item {index} has none")]
    Missing {
        /// What is missing.
        what: &'static str,
        /// Which item, from 0.
        index: usize,
    },
    /// There are too few of something for the statistic to mean anything.
    #[error("{what}: there are {have}, but at least {needed} are needed")]
    TooFew {
        /// Of what there are too few.
        what: &'static str,
        /// How many there are.
        have: u64,
        /// How many are needed.
        needed: u64,
    },
    /// The data leave a quantity open.
    #[error("{what} cannot be determined: {reason}")]
    Undetermined {
        /// The quantity.
        what: &'static str,
        /// Why the data leave it open.
        reason: &'static str,
    },
    /// A search or simulation cannot go on.
    #[error("{what}, after {steps} steps")]
    NoProgress {
        /// What stopped it.
        what: &'static str,
        /// After how many steps.
        steps: u64,
    },
    /// A ranking needs both classes.
    #[error("a ranking needs catastrophes and safe items: there are {positives} and {negatives}")]
    OneClass {
        /// Catastrophes.
        positives: usize,
        /// Safe items.
        negatives: usize,
    },
    /// No threshold can carry the guarantee with so few catastrophes.
    #[error(
        "{n} independent catastrophes cannot show a miss rate of at most {max_miss} with confidence {confidence}: at least {needed} are needed, or ask for a miss rate of at least {feasible:.4}"
    )]
    TooFewForGuarantee {
        /// How many there are.
        n: u64,
        /// The miss rate asked for.
        max_miss: f64,
        /// The confidence asked for.
        confidence: f64,
        /// How many are needed.
        needed: u64,
        /// The smallest miss rate that `n` can show.
        feasible: f64,
    },
    /// Too many resamples had only one class.
    #[error(
        "the bootstrap over prompt families has too few families to resample: {families}, of which {with_positives} hold catastrophes"
    )]
    TooFewFamilies {
        /// Families in all.
        families: usize,
        /// Families with at least one catastrophe.
        with_positives: usize,
    },
    /// Two samples that should be paired describe different items.
    #[error("paired samples must list the same items in the same order; item {index} differs")]
    NotPaired {
        /// The first item that differs, from 0.
        index: usize,
    },
}

/// Checks a probability that must lie strictly between 0 and 1.
pub(crate) fn open_unit(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(StatsError::OutOfRange {
            what,
            value,
            allowed: "strictly between 0 and 1",
        })
    }
}

/// Returns α = 1 − confidence, and refuses a confidence outside (0, 1) or so near 0 that α is 1.
///
/// A bound with α = 1 would be an interval without width.
pub(crate) fn alpha_of(confidence: f64) -> Result<f64, StatsError> {
    let alpha = 1.0 - open_unit("the confidence", confidence)?;
    if alpha < 1.0 {
        Ok(alpha)
    } else {
        Err(StatsError::OutOfRange {
            what: "the confidence",
            value: confidence,
            allowed: "between 0 and 1, and farther from 0 than rounding",
        })
    }
}

/// Checks a probability that may be 0 or 1.
pub(crate) fn closed_unit(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(StatsError::OutOfRange {
            what,
            value,
            allowed: "between 0 and 1",
        })
    }
}

/// Checks a share that must be above 0 and may be 1.
pub(crate) fn above_zero(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if value > 0.0 && value <= 1.0 {
        Ok(value)
    } else {
        Err(StatsError::OutOfRange {
            what,
            value,
            allowed: "above 0 and at most 1",
        })
    }
}

/// Checks that a part is no more than its whole.
pub(crate) fn part_of(
    what: &'static str,
    part: u64,
    whole: u64,
    allowed: &'static str,
) -> Result<(), StatsError> {
    if part <= whole {
        Ok(())
    } else {
        Err(StatsError::OutOfRange {
            what,
            value: part as f64,
            allowed,
        })
    }
}

/// The largest count that is a number of labels and not a slip: beyond 2⁵³ `f64` skips whole numbers.
pub(crate) const MOST_COUNTED: u64 = 1 << 53;

/// Checks a count that takes part in sums and searches.
pub(crate) fn countable(what: &'static str, count: u64) -> Result<u64, StatsError> {
    if count <= MOST_COUNTED {
        Ok(count)
    } else {
        Err(StatsError::OutOfRange {
            what,
            value: count as f64,
            allowed: "at most 2^53",
        })
    }
}

/// Rounds a planned number of labels up; `what` names the parameter that makes it absurd.
pub(crate) fn planned(what: &'static str, value: f64, needed: f64) -> Result<u64, StatsError> {
    if needed <= MOST_COUNTED as f64 {
        Ok(needed.ceil() as u64)
    } else {
        Err(StatsError::OutOfRange {
            what,
            value,
            allowed: "large enough to be shown with 2^53 labels",
        })
    }
}

/// Checks that all numbers are finite and lie in [0, `most`], and that there is at least one.
pub(crate) fn within(
    what: &'static str,
    values: &[f64],
    most: f64,
    allowed: &'static str,
) -> Result<(), StatsError> {
    finite(what, values)?;
    match values.iter().position(|&v| v < 0.0 || v > most) {
        None => Ok(()),
        Some(index) => Err(StatsError::ItemOutOfRange {
            what,
            index,
            value: values[index],
            allowed,
        }),
    }
}

/// Checks that shares fill their whole, to within 10⁻⁹.
pub(crate) fn fills_whole(what: &'static str, sum: f64) -> Result<(), StatsError> {
    if (sum - 1.0).abs() <= 1e-9 {
        Ok(())
    } else {
        Err(StatsError::OutOfRange {
            what,
            value: sum,
            allowed: "1, to within 1e-9",
        })
    }
}

/// Checks probabilities that must sum to 1.
pub(crate) fn distribution(
    what: &'static str,
    sum_of: &'static str,
    values: &[f64],
) -> Result<(), StatsError> {
    within(what, values, 1.0, "between 0 and 1")?;
    fills_whole(sum_of, values.iter().sum())
}

/// Checks that all numbers are finite and that there is at least one.
pub(crate) fn finite(what: &'static str, values: &[f64]) -> Result<(), StatsError> {
    if values.is_empty() {
        return Err(StatsError::Empty { what });
    }
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(index) => Err(StatsError::NotFinite {
            what,
            index,
            value: values[index],
        }),
    }
}

/// Checks that two columns describe equally many items.
pub(crate) fn same_length(what: &'static str, left: usize, right: usize) -> Result<(), StatsError> {
    if left == right {
        Ok(())
    } else {
        Err(StatsError::Lengths { what, left, right })
    }
}
