//! Attacks found on one classifier, replayed on others.

use super::{Body, paragraph};
use crate::markup::el;
use crate::plot::matrix::matrix;
use crate::report::Report;

pub(super) fn body(report: &Report) -> Body {
    let section = report.transfer.as_ref()?;
    if section.found_on.is_empty() || section.replayed_on.is_empty() {
        return None;
    }
    let mut figure = el("figure")
        .attr("id", "plot-transfer")
        .child(el("h3").child("Share of attacks that still succeed"))
        .child(matrix(section));
    figure = figure.child(el("figcaption").child(format!(
        "Attacks: {}. The stronger the shade, the more are still accepted. Outlined and marked “forgotten”: a \
         classifier in between had stopped them.",
        section.attacks
    )));
    Some(vec![
        paragraph(
            "Each row holds the attacks found on one classifier; each column replays them on another. Right \
             of the diagonal, a low share means that later classifiers resist older attacks.",
        ),
        figure,
    ])
}
