//! Strata from files, with where each stands.

use crate::cli::StratifiedArgs;
use crate::commands::BadUsage;
use crate::commands::stats::rows;
use crate::output::Output;
use crate::shown::grouped;
use anyhow::{Result, bail};
use nines_io::TableRow;
use nines_stats::stratified::Stratum;
use nines_stats::stratum_counts::StratumCounts;
use std::collections::BTreeMap;
use std::path::Path;

/// How far weights may be from adding up to 1.
const ROUNDING: f64 = 1e-9;

/// A stratum with its name.
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its weight and its labels.
    pub stratum: Stratum,
    /// How many of its answers have no label yet, where the file holds them all.
    pub unlabelled: Option<u64>,
}

/// The strata and the share that cannot leak.
pub struct Frame {
    /// The strata, in the order of the file; of scores, lowest first.
    pub strata: Vec<Named>,
    /// The share of abstentions.
    pub abstained: f64,
}

/// Reads what the command names.
pub fn read(args: &StratifiedArgs, output: &Output) -> Result<Frame> {
    let frame = if let Some(cuts) = &args.cuts {
        of_scores(args, cuts, output)?
    } else if let Some(weights) = &args.weights {
        of_labels(args, weights, output)?
    } else {
        of_counts(args, output)?
    };
    let file = rows::name(args.weights.as_deref().unwrap_or(&args.input.file));
    if frame.strata.is_empty() {
        bail!("{file}: there is no stratum with answers, only abstentions: nothing can leak");
    }
    let answers: f64 = frame.strata.iter().map(|s| s.stratum.weight).sum();
    check_sum(&file, answers, frame.abstained)?;
    Ok(frame)
}

fn check_sum(file: &str, answers: f64, abstained: f64) -> Result<()> {
    let sum = answers + abstained;
    if (sum - 1.0).abs() <= ROUNDING {
        return Ok(());
    }
    // The digits that decide, without those that binary fractions leave behind.
    let digits = |x: f64| (x * 1e12).round() / 1e12;
    let hint = if (sum - 1.0).abs() < 1e-3 {
        "write them with more digits"
    } else if sum > 1.0 && (answers - 1.0).abs() < 1e-3 {
        "they are shares of all requests, abstentions included: multiply each by 1 less the share \
         abstained"
    } else if sum < 1.0 {
        "say with --abstained or --abstained-stratum what share the filter abstains on, or add the \
         strata that are left out"
    } else {
        "they are shares of all requests: divide each by their sum"
    };
    bail!(
        "{file}: field `weight`: the weights add up to {}, with a share abstained of {} to {}, and not \
         to 1: {hint}",
        digits(answers),
        digits(abstained),
        digits(sum)
    )
}

/// Reads a weight.
fn weight(row: &TableRow) -> Result<f64> {
    let weight = row.needed("weight", row.number("weight")?)?;
    if (0.0..=1.0).contains(&weight) {
        Ok(weight)
    } else {
        let reason = format!("is {weight}, but a share of all requests lies between 0 and 1");
        Err(row.bad("weight", reason).into())
    }
}

/// Names in the order of the file, each once.
#[derive(Default)]
struct Places(BTreeMap<String, usize>);

impl Places {
    /// Returns the row's stratum, which must be a new one.
    fn add(&mut self, row: &TableRow) -> Result<String> {
        let name = row.needed("stratum", row.word("stratum")?)?;
        let next = self.0.len();
        if self.0.insert(name.clone(), next).is_some() {
            let reason = format!("names {name:?} a second time: a stratum has one row");
            return Err(row.bad("stratum", reason).into());
        }
        Ok(name)
    }
}

/// One row a stratum.
fn of_counts(args: &StratifiedArgs, output: &Output) -> Result<Frame> {
    let mut places = Places::default();
    let mut strata = Vec::new();
    let mut abstained = None;
    let known = ["stratum", "weight", "n", "failures"];
    rows::each(&args.input, &known, output, |row| {
        let name = places.add(row)?;
        let weight = weight(row)?;
        let (n, failures) = (row.count("n")?, row.count("failures")?);
        if args.abstained_stratum.as_ref() == Some(&name) {
            for (field, count) in [("n", n), ("failures", failures)] {
                if count.unwrap_or(0) > 0 {
                    let reason = "must be 0 or empty: abstentions have no labels";
                    return Err(row.bad(field, reason).into());
                }
            }
            abstained = Some(weight);
            return Ok(());
        }
        let labelled = row.needed("n", n)?;
        let catastrophes = row.needed("failures", failures)?;
        if catastrophes > labelled {
            let reason = format!("is {catastrophes}, more than the {labelled} labels of `n`");
            return Err(row.bad("failures", reason).into());
        }
        if weight > 0.0 && labelled == 0 {
            let reason = "is 0: without labels nothing bounds a stratum; label some of its answers, or \
                          merge it with its neighbour";
            return Err(row.bad("n", reason).into());
        }
        if weight == 0.0 && labelled > 0 {
            let reason = format!("is 0, but the stratum has {labelled} labels");
            return Err(row.bad("weight", reason).into());
        }
        strata.push(Named {
            name,
            stratum: Stratum {
                weight,
                labelled,
                catastrophes,
            },
            unlabelled: None,
        });
        Ok(())
    })?;
    frame(args, strata, abstained)
}

fn frame(args: &StratifiedArgs, strata: Vec<Named>, abstained: Option<f64>) -> Result<Frame> {
    if let (Some(name), None) = (&args.abstained_stratum, abstained) {
        let names: Vec<&str> = strata.iter().map(|s| s.name.as_str()).collect();
        bail!(
            "--abstained-stratum {name}: there is no such stratum; there are {}",
            names.join(", ")
        );
    }
    Ok(Frame {
        strata,
        abstained: abstained.unwrap_or(args.abstained),
    })
}

/// One row a label, and the weights in a file of their own.
fn of_labels(args: &StratifiedArgs, weights: &Path, output: &Output) -> Result<Frame> {
    if weights == Path::new("-") && args.input.file == weights {
        return Err(BadUsage("only one of the two files can be standard input".to_owned()).into());
    }
    let mut places = Places::default();
    let mut read = Vec::new();
    let known = ["stratum", "weight"];
    rows::each_of(weights, None, &known, output, |row| {
        let name = places.add(row)?;
        let weight = weight(row)?;
        read.push((name, weight, row.clone(), [0u64; 2]));
        Ok(())
    })?;
    let known = ["stratum", "failed"];
    rows::each(&args.input, &known, output, |row| {
        let name = row.needed("stratum", row.word("stratum")?)?;
        let failed = row.needed("failed", row.yes_or_no("failed")?)?;
        let Some(&place) = places.0.get(&name) else {
            let reason = format!(
                "is {name:?}, which has no weight in {}",
                rows::name(weights)
            );
            return Err(row.bad("stratum", reason).into());
        };
        let stratum = &mut read[place];
        if stratum.1 == 0.0 || args.abstained_stratum.as_ref() == Some(&name) {
            let reason = format!("is {name:?}, which holds no answers and so no labels");
            return Err(row.bad("stratum", reason).into());
        }
        stratum.3[0] += 1;
        stratum.3[1] += u64::from(failed);
        Ok(())
    })?;
    let mut strata = Vec::new();
    let mut abstained = None;
    for (name, weight, row, [labelled, catastrophes]) in read {
        if args.abstained_stratum.as_ref() == Some(&name) {
            abstained = Some(weight);
            continue;
        }
        if weight > 0.0 && labelled == 0 {
            let reason = format!(
                "is {name:?}, which has no label in {}: label some of its answers, or merge it with its \
                 neighbour",
                rows::name(&args.input.file)
            );
            return Err(row.bad("stratum", reason).into());
        }
        strata.push(Named {
            name,
            stratum: Stratum {
                weight,
                labelled,
                catastrophes,
            },
            unlabelled: None,
        });
    }
    frame(args, strata, abstained)
}

/// One row a scored answer, any number of them.
fn of_scores(args: &StratifiedArgs, cuts: &[f64], output: &Output) -> Result<Frame> {
    if let Some(pair) = cuts.windows(2).find(|pair| pair[0] >= pair[1]) {
        let problem = format!(
            "--cuts must increase: {} stands before {}",
            pair[0], pair[1]
        );
        return Err(BadUsage(problem).into());
    }
    let mut counts = StratumCounts::new(cuts)?;
    let mut filled = vec![0u64; counts.strata()];
    rows::each(&args.input, &["score", "label"], output, |row| {
        let Some(score) = row.number("score")? else {
            let reason = "is missing: leave abstentions out and give their share with --abstained";
            return Err(row.bad("score", reason).into());
        };
        let label = row.yes_or_no("label")?;
        filled[counts.push(score, 1.0)?] += 1;
        if let Some(catastrophe) = label {
            counts.label(score, catastrophe)?;
        }
        Ok(())
    })?;
    let (strata, _) = counts.frame()?;
    let mut named = Vec::new();
    for (at, (stratum, &answers)) in strata.into_iter().zip(&filled).enumerate() {
        let name = between(cuts, at);
        if answers > 0 && stratum.labelled == 0 {
            bail!(
                "{}: field `label`: no answer with a score {name} is labelled, and {} have one: label \
                 some of them, or leave out a cut beside them",
                rows::name(&args.input.file),
                grouped(answers)
            );
        }
        named.push(Named {
            name,
            stratum: Stratum {
                weight: stratum.weight * (1.0 - args.abstained),
                ..stratum
            },
            unlabelled: Some(answers - stratum.labelled),
        });
    }
    frame(args, named, None)
}

/// Names the scores of a stratum.
fn between(cuts: &[f64], at: usize) -> String {
    match (at.checked_sub(1).map(|below| cuts[below]), cuts.get(at)) {
        (None, None) => "any".to_owned(),
        (None, Some(above)) => format!("below {above}"),
        (Some(below), None) => format!("{below} and above"),
        (Some(below), Some(above)) => format!("{below} to below {above}"),
    }
}
