//! Pairs of completions from a file.

use crate::cli::QualityArgs;
use crate::commands::stats::rows::{self, Names};
use crate::output::Output;
use anyhow::Result;
use nines_io::TableRow;
use nines_stats::quality::{Pair, PairOutcome, Preference, Presentation, RaterPair, WeightedPair};

/// The pairs of a file.
pub struct Pairs {
    /// Each with its prompt; a pair is its own prompt where prompts are not known.
    pub pairs: Vec<Pair>,
    /// Whether prompts are known.
    pub by_prompt: bool,
    /// Each with its rater, where raters are known.
    pub by_rater: Option<Vec<RaterPair>>,
    /// How pairs were shown, where it is known.
    pub shown: Vec<Presentation>,
    /// Each with its weight, where weights are given.
    pub weighted: Option<Vec<WeightedPair>>,
    /// How many raters there are, where they are known.
    pub raters: Option<usize>,
    /// Pairs with an accepted unfiltered completion that have a rating all the same.
    pub unused_ratings: u64,
}

/// Reads the pairs.
pub fn read(args: &QualityArgs, output: &Output) -> Result<Pairs> {
    let mut prompts = Names::new("prompt");
    let (mut raters, mut are_rated_by) = (Vec::new(), None);
    let (mut outcomes, mut weights) = (Vec::new(), Vec::new());
    let (mut shown, mut unused_ratings) = (Vec::new(), 0);
    let known = ["rejected", "preferred", "prompt", "rater", "side", "weight"];
    rows::each(&args.input, &known, output, |row| {
        let rejected = row.needed("rejected", row.yes_or_no("rejected")?)?;
        let preferred = preference(row)?;
        let outcome = match (rejected, preferred) {
            (true, Some(preferred)) => PairOutcome::Rated(preferred),
            (true, None) => {
                let reason = "is missing: the filter rejects the unfiltered completion, and such a pair \
                              must be rated (filtered, unfiltered or tie)";
                return Err(row.bad("preferred", reason).into());
            }
            (false, rating) => {
                unused_ratings += u64::from(rating.is_some());
                PairOutcome::Accepted
            }
        };
        prompts.push(row)?;
        let rater = row.word("rater")?;
        if rejected && *are_rated_by.get_or_insert(rater.is_some()) != rater.is_some() {
            let reason = "is in some rated pairs only: fill it in for each of them or for none";
            return Err(row.bad("rater", reason).into());
        }
        // A pair without a rating needs no rater.
        raters.push(rater.filter(|_| rejected));
        let side = side(row)?;
        if let (Some(filtered_left), Some(preference)) = (side, preferred) {
            shown.push(Presentation {
                filtered_left,
                preference,
            });
        }
        let weight = row.number("weight")?;
        check_weight(args, row, weight)?;
        if args.rejection_rate.is_some() && weight.is_some() && !rejected {
            let reason =
                "is 0, but --rejection-rate is for pairs that were all drawn until a rejection";
            return Err(row.bad("rejected", reason).into());
        }
        if !outcomes.is_empty() && weight.is_some() == weights.is_empty() {
            let reason = "is in some rows only: fill it in everywhere or nowhere";
            return Err(row.bad("weight", reason).into());
        }
        weights.extend(weight);
        outcomes.push(outcome);
        Ok(())
    })?;
    Ok(gather(
        outcomes,
        prompts,
        raters,
        weights,
        shown,
        unused_ratings,
    ))
}

fn gather(
    outcomes: Vec<PairOutcome>,
    prompts: Names,
    raters: Vec<Option<String>>,
    weights: Vec<f64>,
    shown: Vec<Presentation>,
    unused_ratings: u64,
) -> Pairs {
    let prompts = prompts.known();
    let by_prompt = prompts.is_some();
    let prompts = prompts.map_or_else(
        || (0..outcomes.len() as u64).collect(),
        |names| rows::numbered(&names),
    );
    let pairs: Vec<Pair> = prompts
        .into_iter()
        .zip(&outcomes)
        .map(|(prompt, &outcome)| Pair { prompt, outcome })
        .collect();
    let named: Vec<String> = raters.iter().flatten().cloned().collect();
    let mut sorted = named.clone();
    sorted.sort();
    sorted.dedup();
    let numbers = rows::numbered(&named);
    let mut next = numbers.iter();
    let by_rater = (!named.is_empty()).then(|| {
        pairs
            .iter()
            .zip(&raters)
            .map(|(pair, rater)| RaterPair {
                prompt: pair.prompt,
                rater: rater
                    .as_ref()
                    .and_then(|_| next.next())
                    .copied()
                    .unwrap_or(0),
                outcome: pair.outcome,
            })
            .collect()
    });
    let weighted = (!weights.is_empty()).then(|| {
        weights
            .into_iter()
            .zip(&outcomes)
            .map(|(weight, &outcome)| WeightedPair { weight, outcome })
            .collect()
    });
    Pairs {
        pairs,
        by_prompt,
        raters: by_rater.is_some().then_some(sorted.len()),
        by_rater,
        shown,
        weighted,
        unused_ratings,
    }
}

fn check_weight(args: &QualityArgs, row: &TableRow, weight: Option<f64>) -> Result<()> {
    let Some(weight) = weight else {
        return Ok(());
    };
    let reason = if weight < 0.0 {
        format!("is {weight}, but a weight cannot be negative")
    } else if let Some(largest) = args.largest_weight.filter(|&largest| largest < weight) {
        format!("is {weight}, above the {largest} of --largest-weight")
    } else {
        return Ok(());
    };
    Err(row.bad("weight", reason).into())
}

fn preference(row: &TableRow) -> Result<Option<Preference>> {
    let Some(word) = row.word("preferred")? else {
        return Ok(None);
    };
    match word.to_lowercase().as_str() {
        "filtered" => Ok(Some(Preference::Filtered)),
        "unfiltered" => Ok(Some(Preference::Unfiltered)),
        "tie" => Ok(Some(Preference::Tie)),
        _ => {
            let reason = format!("must be filtered, unfiltered or tie, not {word:?}");
            Err(row.bad("preferred", reason).into())
        }
    }
}

/// Says whether the filtered completion was on the left.
fn side(row: &TableRow) -> Result<Option<bool>> {
    let Some(word) = row.word("side")? else {
        return Ok(None);
    };
    match word.to_lowercase().as_str() {
        "left" => Ok(Some(true)),
        "right" => Ok(Some(false)),
        _ => {
            let reason =
                format!("must be left or right (of the filtered completion), not {word:?}");
            Err(row.bad("side", reason).into())
        }
    }
}
