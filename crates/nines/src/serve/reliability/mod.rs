//! The numbers of the Reliability page, from rows that are there: no model is loaded, nothing is
//! generated, drawn or stored.

mod choice;
mod curves;
mod leak;
mod next;
mod plan;
mod quality;

use crate::commands::measure::{Asked, open_of};
use crate::commands::report::rows::{LeakRows, Rows};
use crate::commands::report::summary;
use crate::project::Project;
pub use plan::{NotMeasured, plan};

use anyhow::Result;
use choice::Choice;
use nines_domain::estimate::Estimate as Exact;
use nines_domain::label::LabellerKind;
use nines_report::report::{Figure, Summary};
use nines_server::estimate::Estimate;
use nines_server::reliability::{FirstStep, FirstStepKind, LabelsOf, MeasuredFilter, Reliability};
use nines_store::ModelKind;

/// Computes everything.
pub async fn compute(project: &Project) -> Result<Reliability> {
    let Choice {
        designs,
        leak: ready,
        quality,
    } = Choice::of(project).await?;
    let mut leak_numbers = None;
    let mut leak_rows = None;
    let mut by_people = Vec::new();
    if let Some(ready) = ready {
        let queue = open_of(&ready, Asked::PEOPLE).len() as u64;
        by_people = ready.items(LabellerKind::Person)?;
        leak_numbers = Some(leak::numbers(&ready, queue)?);
        leak_rows = Some(LeakRows::of(ready)?);
    }
    let quality_numbers = match &quality {
        Some(design) => Some(quality::numbers(design)?),
        None => None,
    };
    let rows = Rows::of_designs(project, designs, leak_rows, quality).await?;
    let mut draws = Summary::default();
    let mut next = Vec::new();
    if let (Some(leak), Some(numbers)) = (&rows.leak, &leak_numbers) {
        summary::of_draws(&rows, leak, &mut draws)?;
        next.extend(next::for_leak(leak, &by_people, numbers.goal)?);
    }
    if let (Some(design), Some(numbers)) = (&rows.quality, &quality_numbers) {
        next.extend(next::for_quality(design, numbers)?);
    }
    let estimate = |figure: Option<Figure>| figure.map(|figure| written(figure.estimate.0));
    Ok(Reliability {
        first: first_step(
            &rows,
            leak_numbers.as_ref().is_some_and(|l| !l.by.is_empty()),
        ),
        notice: rows.notice(),
        filter: filter(&rows),
        acceptance: estimate(draws.acceptance),
        draws_per_request: estimate(draws.draws_per_request),
        nines: leak_numbers
            .as_ref()
            .and_then(|leak| leak.by.first())
            .map(|by| by.strict.nines.clone()),
        curves: curves::all(&rows)?,
        leak: leak_numbers,
        quality: quality_numbers,
        next,
        ..Reliability::default()
    })
}

/// What has to be done before there can be numbers.
fn first_step(rows: &Rows<'_>, is_measured: bool) -> Option<FirstStep> {
    if is_measured {
        return None;
    }
    let (step, text) = if let Some(leak) = &rows.leak {
        let drawn = leak.design.items.iter().filter(|i| i.drawn.is_some());
        match drawn.count() {
            0 => (
                FirstStepKind::Measure,
                "The filter has answered, but nothing is drawn to be labelled yet. Draw some answers."
                    .to_owned(),
            ),
            n => (
                FirstStepKind::Label,
                format!(
                    "{n} answers of the filter are drawn. The first numbers come as they are labelled, from \
                     the queue's beginning."
                ),
            ),
        }
    } else {
        let newest = rows.models.iter().rev();
        let newest = newest.clone().find(|m| m.kind == ModelKind::Classifier);
        match newest {
            None => (
                FirstStepKind::Train,
                "There is no classifier yet. Import labelled snippets or label some, then train one."
                    .to_owned(),
            ),
            Some(model) if rows.calibrations.iter().all(|c| c.model != model.id) => (
                FirstStepKind::Calibrate,
                format!("{} has no threshold yet. Calibrate it.", model.label()),
            ),
            Some(model) => (
                FirstStepKind::Measure,
                format!(
                    "The filter of {} has not been measured yet. Measure its leak: that asks it many requests \
                     and draws what to label.",
                    model.label()
                ),
            ),
        }
    };
    Some(FirstStep { step, text })
}

fn filter(rows: &Rows<'_>) -> Option<MeasuredFilter> {
    let filter = rows.filter()?;
    let rule = rows.leak.as_ref().and_then(|leak| {
        let rule = &leak.design.design.record["frame"]["filter"]["rule"];
        rule.as_str().map(str::to_owned)
    });
    Some(MeasuredFilter {
        classifier: filter.classifier,
        model: filter.model.0,
        threshold: filter.threshold.map(|t| t.logit()),
        rule,
        law: filter.law,
        caution: filter.caution,
        path: filter.path,
        generator: filter.generator,
        budget: filter.budget,
    })
}

/// An estimate as the API writes it.
fn written(estimate: Exact) -> Estimate {
    estimate.into()
}

fn labels_of(kind: LabellerKind) -> LabelsOf {
    match kind {
        LabellerKind::Person => LabelsOf::People,
        LabellerKind::Judge => LabelsOf::Judges,
    }
}
