//! The leak on each distribution of prompts.

use super::{
    Body, amount_cell, cell, estimate_cell, number_cell, paragraph, reference, row_head, table,
};
use crate::markup::{Element, el};
use crate::number::{self, Format};
use crate::plot::dots::{Dot, Dots};
use crate::plot::figure::Column::{Amount, Text};
use crate::plot::figure::Words;
use crate::plot::{Axis, Key, Scale, figure};
use crate::report::{DistributionLeak, Report};

pub(super) fn body(report: &Report) -> Body {
    let section = report.leak_by_distribution.as_ref()?;
    if section.rows.is_empty() {
        return None;
    }
    let numbers = section.rows.iter().flat_map(|row| {
        let assisted = row
            .assisted
            .iter()
            .flat_map(|e| [e.value.unwrap_or(e.upper), e.lower, e.upper]);
        assisted.chain(row.assumption_free.iter().map(|e| e.upper))
    });
    let dots = Dots {
        x: Axis::new(
            format!("leak ({}), per request", section.reading),
            Scale::log(numbers.collect::<Vec<_>>()),
        ),
        rows: section.rows.iter().map(dot).collect(),
    };
    let words = Words {
        id: "plot-distributions".into(),
        title: format!("Leak ({}) on each distribution", section.reading),
        description: format!(
            "The leak with its interval and the assumption-free upper bound on a logarithmic axis, for {}. \
             The table below has the numbers.",
            number::counted(section.rows.len() as u64, "distribution")
        ),
        caption: "● model-assisted estimate with its interval; ◁ assumption-free upper bound, one-sided. An \
                  arrow means that the interval reaches zero, or goes on beyond the axis. n is in the table."
            .into(),
    };
    Some(vec![
        paragraph(
            "A leak speaks only of the prompts that it was measured on. Prompts that invite the catastrophe \
             leak more.",
        ),
        figure(&words, Vec::<Key>::new(), |size| dots.draw(size), None),
        table(
            &[
                Text("Prompts"),
                Text("Model-assisted estimate"),
                Text("Assumption-free bound"),
                Amount("n"),
                Text("Labels"),
                Text("Label error"),
                Text("Estimate"),
            ],
            section.rows.iter().map(|leak| row(report, leak)),
        ),
    ])
}

fn dot(row: &DistributionLeak) -> Dot {
    let mut said = row.prompts.clone();
    if let Some(estimate) = &row.assisted {
        said.push_str(": ");
        said.push_str(&number::spoken(estimate, Format::Rate));
    }
    if let Some(bound) = &row.assumption_free {
        said.push_str(&format!("; at most {}", number::bound(bound.upper)));
    }
    Dot {
        label: row.prompts.clone(),
        estimate: row.assisted.as_ref().map(|e| (e.value, e.lower, e.upper)),
        bound: row.assumption_free.as_ref().map(|e| e.upper),
        said,
    }
}

fn row(report: &Report, row: &DistributionLeak) -> Element {
    let n = row
        .assisted
        .as_ref()
        .or(row.assumption_free.as_ref())
        .map(|e| e.n);
    el("tr")
        .child(row_head(row.prompts.as_str()))
        .child(estimate_cell(row.assisted.as_ref(), |e| {
            number::estimate(e, Format::Rate)
        }))
        .child(estimate_cell(row.assumption_free.as_ref(), |e| {
            number::upper_bound(e, Format::Rate)
        }))
        .child(amount_cell(
            n.map_or_else(|| number::NOTHING.to_owned(), number::count),
        ))
        .child(cell(row.labels.to_string()))
        .child(cell(row.correction.to_string()))
        .child(number_cell(reference(report, row.id)))
}
