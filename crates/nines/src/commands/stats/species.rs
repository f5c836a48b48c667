//! `nines stats species`.

use crate::cli::SpeciesArgs;
use crate::output::Output;
use crate::shown::{at_most, grouped, whole};
use anyhow::{Result, bail};
use nines_domain::estimate::Estimate;
use nines_measure::estimate;
use nines_stats::species::{
    Chao1, ModeFrequencies, mode_number, new_modes, unseen_mass, unseen_mass_bound,
};
use serde::Serialize;

/// How many more finds are looked ahead, as shares of those made.
const MORE: [f64; 3] = [0.25, 0.5, 1.0];

#[derive(Serialize)]
struct Found {
    modes: u64,
    finds: u64,
    /// The probability that the next find is of a new mode.
    unseen: Estimate,
    /// Its upper bound without approximation.
    unseen_at_most: Estimate,
    /// How many modes there are at least.
    at_least: Estimate,
    at_least_bias_corrected: Estimate,
    to_come: Vec<ToCome>,
}

#[derive(Serialize)]
struct ToCome {
    /// The finds to come as a multiple of those made.
    times: f64,
    new_modes: Estimate,
}

/// Runs `nines stats species`.
pub fn run(args: &SpeciesArgs, output: &Output) -> Result<()> {
    let confidence = args.confidence;
    let read = ModeFrequencies::from_frequencies(&args.counts)?;
    if let Some(finds) = args.finds.filter(|&finds| finds != read.finds()) {
        let sum: u64 = args.counts.iter().fold(0, |sum, &n| sum.saturating_add(n));
        let hint = if sum == finds {
            "these look like the finds of each mode: count instead how many modes were found once, \
             twice and so on"
        } else {
            "the first count is of modes found once, the second of modes found twice, and so on"
        };
        bail!(
            "--counts make {} finds, and --finds says {finds}: {hint}",
            read.finds()
        );
    }
    let to_come = MORE.iter().map(|&more| {
        Ok(ToCome {
            times: more,
            new_modes: estimate(new_modes(&read, more, confidence)?),
        })
    });
    let found = Found {
        modes: read.modes(),
        finds: read.finds(),
        unseen: estimate(unseen_mass(&read, confidence)?),
        unseen_at_most: estimate(unseen_mass_bound(&read, confidence)?),
        at_least: estimate(mode_number(&read, Chao1::Classic, confidence)?.estimate),
        at_least_bias_corrected: estimate(
            mode_number(&read, Chao1::BiasCorrected, confidence)?.estimate,
        ),
        to_come: to_come.collect::<Result<_>>()?,
    };
    output.result(&found, || words(&found));
    Ok(())
}

fn words(found: &Found) -> String {
    let bound = if found.unseen_at_most.upper < 1.0 {
        at_most(&found.unseen_at_most)
    } else {
        format!(
            "nothing is proved by so few finds ({})",
            found.unseen_at_most.method
        )
    };
    let mut out = format!(
        "{} modes in {} finds.\n\
         Next find is new:  {}\n\
         At most:           {bound}\n\
         Modes, at least:   {}\n\
         Bias-corrected:    {}\n",
        grouped(found.modes),
        grouped(found.finds),
        whole(&found.unseen),
        whole(&found.at_least),
        whole(&found.at_least_bias_corrected),
    );
    out.push_str("New modes in so many times as many finds again:\n");
    for to_come in &found.to_come {
        out.push_str(&format!(
            "  {:<4} {}\n",
            to_come.times,
            whole(&to_come.new_modes)
        ));
    }
    out.push_str(
        "All of it supposes modes fixed before counting, one filter throughout, and finds that are\n\
         independent. Attackers who copy each other make every number too low, and no number here says\n\
         that all modes are known.",
    );
    out
}
