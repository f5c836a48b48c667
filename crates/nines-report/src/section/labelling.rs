//! How good the labels are and what they cost.

use super::{Body, amount_cell, cell, number_cell, paragraph, row_head, table};
use crate::markup::{Element, el};
use crate::number::{self, Format};
use crate::plot::figure::Column::{Amount, Text};
use crate::plot::figure::{Column, head};
use crate::report::{Confusion, Labelling, LabellingEffort, Report};
use nines_domain::label::LabellerKind;

pub(super) fn body(report: &Report) -> Body {
    let section = report.labelling.as_ref()?;
    if section.agreements.is_empty() && section.effort.is_empty() && section.confusion.is_none() {
        return None;
    }
    let mut parts = Vec::new();
    if !section.agreements.is_empty() {
        parts.push(paragraph(
            "Krippendorff's alpha: 1 is perfect agreement, 0 is chance. Items near the threshold decide the \
             leak, so they are listed on their own.",
        ));
        parts.push(table(
            &[
                Text("Items"),
                Text("About"),
                Text("Alpha"),
                Amount("Labelled twice or more"),
            ],
            section.agreements.iter().map(|agreement| {
                el("tr")
                    .child(row_head(agreement.items.as_str()))
                    .child(cell(agreement.about.as_str()))
                    .child(number_cell(number::estimate(
                        &agreement.alpha,
                        Format::Decimal(2),
                    )))
                    .child(amount_cell(number::count(agreement.alpha.n)))
            }),
        ));
    }
    parts.extend(section.confusion.as_ref().and_then(confusion));
    if !section.effort.is_empty() {
        parts.push(el("h3").child("Effort and cost"));
        parts.push(effort(section));
    }
    Some(parts)
}

fn confusion(confusion: &Confusion) -> Option<Element> {
    if confusion.verdicts.is_empty() {
        return None;
    }
    let total: u64 = confusion.counts.iter().flatten().sum();
    let mut titles = vec![Text(confusion.rows.as_str())];
    titles.extend(confusion.verdicts.iter().map(|verdict| Amount(verdict)));
    let rows = confusion.verdicts.iter().enumerate().map(|(row, verdict)| {
        el("tr")
            .child(row_head(verdict.as_str()))
            .children((0..confusion.verdicts.len()).map(|column| {
                let count = confusion
                    .counts
                    .get(row)
                    .and_then(|counts| counts.get(column));
                let same = if row == column {
                    "n amount same"
                } else {
                    "n amount"
                };
                el("td")
                    .class(same)
                    .child(count.map_or_else(|| number::NOTHING.to_owned(), |c| number::count(*c)))
            }))
    });
    Some(
        el("figure")
            .child(el("h3").child(format!(
                "Confusion: {} against {}",
                confusion.rows, confusion.columns
            )))
            .child(
                el("div").class("scroll").child(
                    el("table")
                        .class("counts")
                        .child(head(&titles))
                        .child(el("tbody").children(rows)),
                ),
            )
            .child(el("figcaption").child(format!(
                "Rows: {}. Columns: {}. n\u{a0}=\u{a0}{}. On the diagonal, shaded, they agree.",
                confusion.rows,
                confusion.columns,
                number::counted(total, "pair")
            ))),
    )
}

fn effort(section: &Labelling) -> Element {
    let currency = section.currency.as_str();
    let each = format!("{currency} per label");
    let titles: [Column; 7] = [
        Text("Who"),
        Text("Kind"),
        Amount("Labellers"),
        Amount("Labels"),
        Amount("Hours"),
        Amount(currency),
        Amount(&each),
    ];
    let all = (section.effort.len() > 1).then(|| sum(&section.effort));
    table(
        &titles,
        section
            .effort
            .iter()
            .map(|row| effort_row(row, Some(row.kind)))
            .chain(all.map(|all| effort_row(&all, None).class("total"))),
    )
}

fn effort_row(row: &LabellingEffort, kind: Option<LabellerKind>) -> Element {
    let or_nothing = |x: Option<f64>, decimals| {
        x.map_or_else(
            || number::NOTHING.to_owned(),
            |x| number::plain(x, decimals),
        )
    };
    let each = row
        .cost
        .filter(|_| row.labels > 0)
        .map(|c| c / row.labels as f64);
    el("tr")
        .child(row_head(row.who.as_str()))
        .child(cell(match kind {
            Some(LabellerKind::Person) => "people",
            Some(LabellerKind::Judge) => "judges (models)",
            None => "",
        }))
        .child(amount_cell(number::count(row.labellers)))
        .child(amount_cell(number::count(row.labels)))
        .child(amount_cell(or_nothing(row.hours, 1)))
        .child(amount_cell(or_nothing(row.cost, 2)))
        .child(amount_cell(or_nothing(each, 3)))
}

/// The sum over all groups; what one of them does not know, the sum does not know.
fn sum(effort: &[LabellingEffort]) -> LabellingEffort {
    let add = |of: fn(&LabellingEffort) -> Option<f64>| {
        effort.iter().map(of).try_fold(0.0, |sum, x| Some(sum + x?))
    };
    LabellingEffort {
        who: "All".into(),
        kind: LabellerKind::Person,
        labellers: effort.iter().map(|e| e.labellers).sum(),
        labels: effort.iter().map(|e| e.labels).sum(),
        hours: add(|e| e.hours),
        cost: add(|e| e.cost),
    }
}
