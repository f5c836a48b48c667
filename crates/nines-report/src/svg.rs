//! Shapes for plots. Every coordinate is finite: what is not is left out, or breaks a line.

mod line;
mod marker;

pub(crate) use line::{area, polyline, segment};
pub(crate) use marker::{Look, arrow, key, marker};

use crate::markup::{Element, Node, el};

/// A point on the drawing; `None` where the numbers do not give one.
pub(crate) type Place = Option<(f64, f64)>;

/// Writes a coordinate with two decimals at most.
pub(crate) fn coordinate(x: f64) -> String {
    debug_assert!(x.is_finite(), "a coordinate is not finite");
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_owned()
}

/// How a text lies beside its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Places a text.
pub(crate) fn text(
    x: f64,
    y: f64,
    anchor: Anchor,
    class: &str,
    content: impl Into<Node>,
) -> Element {
    el("text")
        .attr("x", coordinate(x))
        .attr("y", coordinate(y))
        .attr(
            "text-anchor",
            match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            },
        )
        .class(class)
        .child(content)
}

/// Draws a rectangle.
pub(crate) fn rectangle(x: f64, y: f64, width: f64, height: f64, class: &str) -> Element {
    el("rect")
        .attr("x", coordinate(x))
        .attr("y", coordinate(y))
        .attr("width", coordinate(width.max(0.0)))
        .attr("height", coordinate(height.max(0.0)))
        .class(class)
}
