//! A matrix of rates: a table whose cells are shaded, so that it reads aloud, prints and scrolls.

use crate::markup::{Element, el};
use crate::number::{self, Format};
use crate::report::{Transfer, TransferCell};

/// The number of shades.
const SHADES: usize = 7;

/// Draws the transfer matrix.
pub(crate) fn matrix(transfer: &Transfer) -> Element {
    let columns = transfer.replayed_on.len();
    let head = el("thead")
        .child(
            el("tr")
                .child(
                    el("th")
                        .attr("rowspan", 2)
                        .attr("scope", "col")
                        .class("corner")
                        .child("Attacks found on"),
                )
                .child(
                    el("th")
                        .attr("colspan", columns.max(1))
                        .attr("scope", "colgroup")
                        .class("over")
                        .child("replayed on"),
                ),
        )
        .child(
            el("tr").children(
                transfer
                    .replayed_on
                    .iter()
                    .map(|name| el("th").attr("scope", "col").child(name.as_str())),
            ),
        );
    let body = el("tbody").children(transfer.found_on.iter().enumerate().map(|(row, name)| {
        let cells = transfer.cells.get(row).map_or(&[][..], Vec::as_slice);
        el("tr")
            .child(el("th").attr("scope", "row").child(name.as_str()))
            .children((0..columns).map(|column| cell(cells.get(column).and_then(Option::as_ref))))
    }));
    el("div")
        .class("scroll")
        .child(el("table").class("matrix").child(head).child(body))
}

fn cell(cell: Option<&TransferCell>) -> Element {
    let Some(cell) = cell else {
        return el("td").class("empty").child("not replayed");
    };
    let shade = cell
        .rate
        .value
        .filter(|rate| rate.is_finite())
        .map_or(0, |rate| {
            (rate.clamp(0.0, 1.0) * (SHADES - 1) as f64).round() as usize
        });
    let forgotten = if cell.forgotten { " forgotten" } else { "" };
    let mut td = el("td")
        .class(format!("shade-{shade}{forgotten}"))
        .child(number::estimate(&cell.rate, Format::Percent))
        .child(
            el("span")
                .class("of")
                .child(format!("n\u{a0}=\u{a0}{}", number::count(cell.rate.n))),
        );
    if cell.forgotten {
        td = td.child(el("span").class("flag").child("forgotten"));
    }
    td
}
