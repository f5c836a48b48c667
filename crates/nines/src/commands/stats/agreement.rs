//! `nines stats agreement`.

use super::rows;
use crate::cli::{AgreementArgs, MetricArg};
use crate::output::Output;
use crate::shown::{Towards, columns, counted, grouped, rate, whole};
use anyhow::{Result, bail};
use nines_domain::estimate::Estimate;
use nines_io::TableRow;
use nines_measure::estimate;
use nines_stats::agreement::{Metric, krippendorff_alpha};
use nines_stats::bootstrap::Bootstrap;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many different labels are listed for people.
const LISTED: usize = 20;

#[derive(Serialize)]
struct Found {
    items: usize,
    /// Items with at least two labels: the others say nothing about agreement.
    compared: u64,
    labellers: usize,
    labels: usize,
    seed: u64,
    alpha: Estimate,
    used: Vec<Used>,
}

#[derive(Serialize)]
struct Used {
    label: String,
    times: usize,
}

/// The labels of a file, by item and labeller.
#[derive(Default)]
struct Labels {
    items: BTreeMap<String, BTreeMap<String, String>>,
    labellers: BTreeMap<String, usize>,
}

impl Labels {
    fn add(&mut self, row: &TableRow) -> Result<()> {
        let item = row.needed("item", row.word("item")?)?;
        let labeller = row.needed("labeller", row.word("labeller")?)?;
        let Some(label) = row.word("label")? else {
            return Ok(());
        };
        *self.labellers.entry(labeller.clone()).or_default() += 1;
        let labels = self.items.entry(item.clone()).or_default();
        if labels.contains_key(&labeller) {
            let reason = format!(
                "{labeller:?} has labelled item {item:?} before: keep the label that counts"
            );
            return Err(row.bad("labeller", reason).into());
        }
        labels.insert(labeller, label);
        Ok(())
    }
}

/// Runs `nines stats agreement`.
pub fn run(args: &AgreementArgs, output: &Output) -> Result<()> {
    let file = rows::name(&args.input.file);
    let mut read = Labels::default();
    let known = ["item", "labeller", "label"];
    rows::each(&args.input, &known, output, |row| {
        if args.metric != MetricArg::Nominal {
            row.number("label")?;
        }
        read.add(row)
    })?;
    if read.labellers.len() < 2 {
        bail!(
            "{file}: field `labeller`: {} labelled, but agreement takes at least two: let somebody else \
             label some of the items too",
            counted(read.labellers.len() as u64, "labeller")
        );
    }
    let most = read.items.values().map(BTreeMap::len).max().unwrap_or(0);
    if most < 2 {
        bail!(
            "{file}: field `item`: no item has labels of two labellers: let somebody else label some of \
             the items too, under the same names of items"
        );
    }
    let mut used: BTreeMap<&String, usize> = BTreeMap::new();
    for label in read.items.values().flat_map(BTreeMap::values) {
        *used.entry(label).or_default() += 1;
    }
    let names: Vec<&String> = used.keys().copied().collect();
    let number = |label: &String| match args.metric {
        MetricArg::Nominal => Some(names.partition_point(|name| *name < label) as f64),
        MetricArg::Ordinal | MetricArg::Interval => label.parse().ok(),
    };
    // Labellers are interchangeable, so that an item's labels stand side by side whoever gave them.
    let ratings: Vec<Vec<Option<f64>>> = read
        .items
        .values()
        .map(|labels| {
            let mut row: Vec<Option<f64>> = labels.values().map(number).collect();
            row.resize(most, None);
            row
        })
        .collect();
    let metric = match args.metric {
        MetricArg::Nominal => Metric::Nominal,
        MetricArg::Ordinal => Metric::Ordinal,
        MetricArg::Interval => Metric::Interval,
    };
    let bootstrap = Bootstrap {
        seed: args.seed,
        confidence: args.input.confidence,
        ..Bootstrap::default()
    };
    let alpha = krippendorff_alpha(&ratings, metric, &bootstrap).map_err(Into::into);
    let alpha = estimate(rows::about(&args.input.file, alpha)?);
    let found = Found {
        items: read.items.len(),
        compared: alpha.n,
        labellers: read.labellers.len(),
        labels: used.values().sum(),
        seed: args.seed,
        alpha,
        used: used
            .into_iter()
            .map(|(label, times)| Used {
                label: label.clone(),
                times,
            })
            .collect(),
    };
    output.result(&found, || words(&found));
    Ok(())
}

fn words(found: &Found) -> String {
    let mut out = format!(
        "{} by {} on {}; {} have at least two.\nAlpha:  {}, seed {}\n",
        counted(found.labels as u64, "label"),
        counted(found.labellers as u64, "labeller"),
        counted(found.items as u64, "item"),
        grouped(found.compared),
        whole(&found.alpha),
        found.seed,
    );
    if found.alpha.value.is_none() {
        out.push_str("Every label is the same, so that agreement beyond chance has no value.\n");
    }
    out.push('\n');
    let mut rows = vec![["label", "times", "share"].map(str::to_owned)];
    for used in found.used.iter().take(LISTED) {
        let share = used.times as f64 / found.labels as f64;
        rows.push([
            used.label.clone(),
            grouped(used.times as u64),
            rate(share, Towards::Nearest),
        ]);
    }
    out.push_str(&columns(&rows));
    if found.used.len() > LISTED {
        out.push_str(&format!("  (and {} more)\n", found.used.len() - LISTED));
    }
    out.push_str(
        "\n1 is perfect agreement, 0 what chance gives. Alpha is low where one label is rare, even for\n\
         careful labellers: look at items near the threshold apart from the others. It supposes\n\
         independent items and labellers who label apart.",
    );
    out
}
