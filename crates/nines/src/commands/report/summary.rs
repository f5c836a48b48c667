//! The numbers that most readers come for.

use super::CONFIDENCE;
use super::rows::{LeakRows, Rows, figure, prompts};
use crate::commands::filter::answer_of;
use anyhow::Result;
use nines_domain::estimate::Estimate;
use nines_domain::snippet::ContentHash;
use nines_measure::filter_report::{FilterSettings, filter_report};
use nines_measure::report::nines;
use nines_report::report::{Basis, Correction, Figure, Labels, Leak, Summary};

/// Fills the section from stored estimates, and from the newest frame's answers.
pub fn section(rows: &Rows<'_>) -> Result<Option<Summary>> {
    let mut summary = Summary::default();
    if let Some(leak) = &rows.leak {
        summary.leak_strict = leak_of(rows, leak, "leak.strict");
        summary.leak_broad = leak_of(rows, leak, "leak.broad");
        let id = leak.design.design.id;
        summary.abstention = rows.newest("leak.abstention", id).map(|stored| Figure {
            basis: counted(&prompts(&stored.new.record)),
            ..figure(stored)
        });
        if let Some(Leak {
            assisted: Some(leak),
            assumption_free: Some(bound),
        }) = &summary.leak_strict
        {
            let number = |id: Option<u64>| id.map_or_else(String::new, |id| format!(" #{id}"));
            summary.nines = Some(Figure {
                estimate: nines(&leak.estimate, &bound.estimate).into(),
                id: None,
                basis: bound.basis.clone(),
                meaning: format!(
                    "−log10 of the strict leak, estimate{}. Only the lower end, from the assumption-free \
                     bound{}, is vouched for.",
                    number(leak.id),
                    number(bound.id)
                ),
            });
        }
        of_draws(rows, leak, &mut summary)?;
    }
    if let Some(quality) = &rows.quality {
        summary.quality = rows.newest("quality", quality.design.id).map(|stored| {
            let mut figure = figure(stored);
            figure.basis.labels = super::quality::ratings(&stored.new.record, &stored.new.estimate);
            figure
        });
    }
    Ok((summary != Summary::default()).then_some(summary))
}

fn leak_of(rows: &Rows<'_>, leak: &LeakRows, quantity: &str) -> Option<Leak> {
    let design = leak.design.design.id;
    let assisted = rows.newest(quantity, design).map(figure);
    let bound = rows
        .newest(&format!("{quantity}.bound"), design)
        .map(figure);
    (assisted.is_some() || bound.is_some()).then_some(Leak {
        assisted,
        assumption_free: bound,
    })
}

/// Acceptance and draws, counted on the frame's answers.
pub fn of_draws(rows: &Rows<'_>, leak: &LeakRows, summary: &mut Summary) -> Result<()> {
    let Some(filter) = rows.filter() else {
        return Ok(());
    };
    let (Some(threshold), Some(budget)) = (filter.threshold, filter.budget) else {
        return Ok(());
    };
    let record = &leak.design.design.record;
    let law = serde_json::from_value(record["frame"]["filter"]["law"].clone())?;
    let settings = FilterSettings {
        threshold,
        budget,
        law,
    };
    let answers: Vec<_> = leak.answers.iter().map(answer_of).collect();
    // Requests are independent draws from the distribution, so that each is a unit of its own.
    let units: Vec<_> = leak
        .answers
        .iter()
        .zip(&answers)
        .map(|(stored, answer)| {
            let position = stored.position.to_string();
            (ContentHash::of_fields("request", &[&position]), answer)
        })
        .collect();
    let report = filter_report(settings, &units, CONFIDENCE)?;
    let mut about = record.clone();
    about["frame"]["requests"] = leak.answers.len().into();
    let basis = counted(&prompts(&about));
    let from = |estimate: Option<Estimate>, meaning: &str| {
        estimate.map(|estimate| Figure {
            estimate: estimate.into(),
            id: None,
            basis: basis.clone(),
            meaning: meaning.to_owned(),
        })
    };
    summary.acceptance = from(
        report.first_draw_acceptance,
        "The share of requests whose first draw, a random completion, the filter accepts.",
    );
    summary.draws_per_request = from(
        report.draws_mean,
        "Completions drawn for a request, on average, abstentions included.",
    );
    Ok(())
}

/// The basis of a number that rests on no labels.
fn counted(prompts: &str) -> Basis {
    Basis {
        prompts: prompts.to_owned(),
        labels: Labels::default(),
        correction: Correction::NotNeeded,
    }
}
