//! `nines stats quality`.

mod pairs;

use super::rows;
use crate::cli::QualityArgs;
use crate::commands::BadUsage;
use crate::output::Output;
use crate::shown::{Towards, counted, grouped, rate, whole};
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_measure::estimate;
use nines_stats::interval::clopper_pearson;
use nines_stats::quality::{
    Design, Pair, PairOutcome, Quality, Rating, RejectionRate, WeightedPair, hajek,
    horvitz_thompson, known_rejection, labels_for_error, position_bias, skip_pairs,
    two_way_interval, with_missing_mass,
};
use pairs::Pairs;
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Serialize)]
struct Found {
    pairs: usize,
    prompts: Option<usize>,
    rated: usize,
    unused_ratings: u64,
    confidence: f64,
    /// How often the filter rejects the unfiltered completion of a pair; none where pairs are weighted,
    /// for then it is not that of the right prompts.
    rejected: Option<Estimate>,
    /// Quality, with the interval that always holds; none where nothing is guaranteed.
    guaranteed: Option<Estimate>,
    /// The normal interval; none where ratings show no spread.
    normal: Option<Estimate>,
    standard_error: Option<f64>,
    /// The interval for other raters too.
    other_raters: Option<Estimate>,
    raters: Option<usize>,
    /// How many times as many ratings the same precision would take if every pair were rated.
    times_without_skipping: Option<f64>,
    /// How many equally weighted ratings the weighted ones are worth.
    effective_ratings: Option<f64>,
    missed_mass: Option<f64>,
    /// The quality seen without the weights, which is biased.
    unweighted: Option<f64>,
    sides: Option<Sides>,
}

#[derive(Serialize)]
struct Sides {
    /// How often the left side wins, ties left out.
    left_wins: Estimate,
    /// How often the filtered completion was on the left.
    filtered_left: Estimate,
    favours_a_side: bool,
    order_is_skewed: bool,
}

/// Runs `nines stats quality`.
pub fn run(args: &QualityArgs, output: &Output) -> Result<()> {
    let read = pairs::read(args, output)?;
    let found = match &read.weighted {
        Some(weighted) => repaired(args, &read, weighted),
        None => skipping(args, &read),
    };
    let found = rows::about(&args.input.file, found)?;
    output.result(&found, || words(&found));
    Ok(())
}

/// What both ways of looking at pairs have in common.
fn found(args: &QualityArgs, read: &Pairs, quality: Quality, is_guaranteed: bool) -> Result<Found> {
    let confidence = args.input.confidence;
    let rated = read
        .pairs
        .iter()
        .filter(|p| p.outcome != PairOutcome::Accepted);
    let prompts: BTreeSet<u64> = read.pairs.iter().map(|p| p.prompt).collect();
    let sides = if read.shown.is_empty() {
        None
    } else {
        let bias = position_bias(&read.shown, confidence)?;
        Some(Sides {
            favours_a_side: bias.favours_a_side(),
            order_is_skewed: bias.order_is_skewed(),
            left_wins: estimate(bias.left_wins),
            filtered_left: estimate(bias.filtered_left),
        })
    };
    Ok(Found {
        pairs: read.pairs.len(),
        prompts: read.by_prompt.then_some(prompts.len()),
        rated: rated.count(),
        unused_ratings: read.unused_ratings,
        confidence,
        rejected: None,
        guaranteed: is_guaranteed.then(|| estimate(quality.guaranteed)),
        normal: quality.normal.map(estimate),
        standard_error: quality.standard_error,
        other_raters: None,
        raters: read.raters,
        times_without_skipping: None,
        effective_ratings: None,
        missed_mass: args.missed_mass,
        unweighted: None,
        sides,
    })
}

fn skipping(args: &QualityArgs, read: &Pairs) -> Result<Found> {
    for (given, option) in [
        (args.largest_weight.is_some(), "--largest-weight"),
        (args.rejection_rate.is_some(), "--rejection-rate"),
        (args.missed_mass.is_some(), "--missed-mass"),
    ] {
        if given {
            let problem = format!("{option} goes with rows that have a field `weight`");
            return Err(BadUsage(problem).into());
        }
    }
    let confidence = args.input.confidence;
    let quality = skip_pairs(&read.pairs, confidence)?;
    let value = quality.guaranteed.value.unwrap_or(0.5);
    let found = found(args, read, quality, true)?;
    let n = read.pairs.len() as u64;
    let other_raters = match (&read.by_rater, read.raters) {
        (Some(pairs), Some(2..)) => two_way_interval(pairs, confidence)?.map(estimate),
        _ => None,
    };
    let r = found.rated as f64 / n as f64;
    // Where all raters agree nothing can be planned, and nothing is said.
    let ratings = |design| labels_for_error(design, r, value, 1.0).ok();
    let times = match (ratings(Design::Naive), ratings(Design::SkipPairs)) {
        (Some(naive), Some(skipping)) if r < 1.0 => Some(naive.ratings / skipping.ratings),
        _ => None,
    };
    Ok(Found {
        rejected: (!read.by_prompt)
            .then(|| clopper_pearson(found.rated as u64, n, confidence).map(estimate))
            .transpose()?,
        other_raters,
        times_without_skipping: times,
        ..found
    })
}

fn repaired(args: &QualityArgs, read: &Pairs, weighted: &[WeightedPair]) -> Result<Found> {
    let confidence = args.input.confidence;
    let largest = args.largest_weight;
    let mut repaired = match args.rejection_rate {
        Some(rate) => {
            let covered = rate - args.missed_mass.unwrap_or(0.0);
            if covered <= 0.0 {
                let problem = "--missed-mass is a part of --rejection-rate, and must be below it";
                return Err(BadUsage(problem.to_owned()).into());
            }
            hajek(weighted, RejectionRate::Known(covered), largest, confidence)?
        }
        None => horvitz_thompson(weighted, largest, confidence)?,
    };
    if let Some(mass) = args.missed_mass {
        let quality = &mut repaired.quality;
        quality.guaranteed = with_missing_mass(&quality.guaranteed, mass)?;
        if let Some(normal) = &mut quality.normal {
            *normal = with_missing_mass(normal, mass)?;
        }
    }
    let found = found(args, read, repaired.quality, largest.is_some())?;
    Ok(Found {
        effective_ratings: Some(repaired.effective_ratings),
        unweighted: unweighted(args, read)?,
        ..found
    })
}

/// The quality seen as though prompts had been drawn rightly; none where that takes a rejection rate
/// that is not known.
fn unweighted(args: &QualityArgs, read: &Pairs) -> Result<Option<f64>> {
    let confidence = args.input.confidence;
    let rated = |pair: &Pair| match pair.outcome {
        PairOutcome::Rated(preference) => Some(Rating {
            prompt: pair.prompt,
            preference,
        }),
        PairOutcome::Accepted => None,
    };
    let ratings: Vec<Rating> = read.pairs.iter().filter_map(rated).collect();
    let quality = match args.rejection_rate {
        Some(rate) => known_rejection(&ratings, RejectionRate::Known(rate), confidence)?,
        None if ratings.len() < read.pairs.len() => skip_pairs(&read.pairs, confidence)?,
        None => return Ok(None),
    };
    Ok(quality.guaranteed.value)
}

fn words(found: &Found) -> String {
    let prompts = found
        .prompts
        .map(|n| format!(" of {} prompts", grouped(n as u64)));
    let mut out = format!(
        "{} of {} pairs{} are rated.\n",
        grouped(found.rated as u64),
        grouped(found.pairs as u64),
        prompts.unwrap_or_default()
    );
    let mut line = |name: &str, text: &str| out.push_str(&format!("{name:<14}{text}\n"));
    match &found.guaranteed {
        Some(quality) => line("Quality:", &whole(quality)),
        None => line(
            "Guaranteed:",
            "nothing without --largest-weight, the largest that any prompt could have had",
        ),
    }
    match &found.normal {
        Some(quality) => line("Normal:", &whole(quality)),
        None => line("Normal:", "none, for the ratings show no spread"),
    }
    if let Some(error) = found.standard_error {
        line("Std. error:", &rate(error, Towards::Nearest));
    }
    match (&found.other_raters, found.raters) {
        (Some(quality), _) => line("Other raters:", &whole(quality)),
        (None, Some(1)) => line("Other raters:", "unknown, for there is only one"),
        _ => {}
    }
    if let Some(rejected) = &found.rejected {
        line("Rejected:", &whole(rejected));
    }
    if let Some(effective) = found.effective_ratings {
        let worth = format!("the weighted ratings are worth {effective:.1} of equal weight");
        line("Weights:", &worth);
    }
    if let Some(unweighted) = found.unweighted {
        let seen = rate(unweighted, Towards::Nearest);
        line("Unweighted:", &format!("{seen}, biased: not to be used"));
    }
    if let Some(mass) = found.missed_mass.filter(|&mass| mass > 0.0) {
        let left_open = format!(
            "prompts never reached leave the quality open by {} on either side, however many labels",
            rate(mass / 2.0, Towards::Up)
        );
        line("Missed:", &left_open);
    }
    if let Some(times) = found.times_without_skipping {
        let saved = format!(
            "to rate every pair would take {times:.1} times as many ratings for the same precision"
        );
        line("Saved:", &saved);
    }
    if found.unused_ratings > 0 {
        let unused = format!(
            "{} of pairs whose unfiltered completion was accepted: exactly even already",
            counted(found.unused_ratings, "rating")
        );
        line("Not used:", &unused);
    }
    if let Some(sides) = &found.sides {
        out.push_str(&sides.words());
    }
    out.push_str(assumptions(found));
    out
}

impl Sides {
    fn words(&self) -> String {
        let verdict = match (self.order_is_skewed, self.favours_a_side) {
            (true, _) => {
                "The order was not left to chance, so that a side's advantage shifts the quality itself."
            }
            (false, true) => {
                "Raters favour a side: it makes any difference in quality look smaller."
            }
            (false, false) => "No sign that raters favour a side.",
        };
        format!(
            "Left wins:    {}, of {} decided\nShown left:   {}, of {} (the filtered completion)\n              \
             {verdict}\n              Both suppose that ratings are independent.\n",
            whole(&self.left_wins),
            grouped(self.left_wins.n),
            whole(&self.filtered_left),
            grouped(self.filtered_left.n)
        )
    }
}

fn assumptions(found: &Found) -> &'static str {
    if found.effective_ratings.is_some() {
        "0.5 means that the filter costs nothing. Weights must be those by which prompts were drawn too\n\
         seldom, and each pair an independent draw of a prompt. Prompts and raters that occur again are\n\
         not allowed for."
    } else {
        "0.5 means that the filter costs nothing. Pairs must come from random prompts, with a filtered\n\
         completion that is a random accepted one (not the safest of a batch, not of the same random\n\
         seed), shown in random order."
    }
}
