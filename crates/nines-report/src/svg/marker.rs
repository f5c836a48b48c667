//! Markers: a series is told by its shape and its dashes, never by colour alone.

use super::{coordinate, segment};
use crate::markup::{Element, el};

/// What a series looks like: its shape, dashes and grey come from the style sheet by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look(pub(crate) usize);

impl Look {
    /// Different looks; more series than that repeat them.
    pub(crate) const COUNT: usize = 5;

    /// Returns the class of a part (`line`, `band`, `mark`) of a series.
    pub(crate) fn class(self, part: &str) -> String {
        format!("{part} {part}-{}", self.0 % Self::COUNT)
    }
}

/// Draws the marker of a series: disc, square, triangle, diamond, cross.
pub(crate) fn marker(look: Look, (x, y): (f64, f64), size: f64) -> Element {
    let class = look.class("mark");
    let r = size;
    let path = |points: &[(f64, f64)], close: &str| {
        let mut d = String::new();
        for (place, (dx, dy)) in points.iter().enumerate() {
            d.push(if place == 0 { 'M' } else { 'L' });
            d.push_str(&coordinate(x + dx * r));
            d.push(' ');
            d.push_str(&coordinate(y + dy * r));
        }
        d.push_str(close);
        el("path").attr("d", d).class(&class)
    };
    match look.0 % Look::COUNT {
        0 => el("circle")
            .attr("cx", coordinate(x))
            .attr("cy", coordinate(y))
            .attr("r", coordinate(r))
            .class(&class),
        1 => path(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)], "Z"),
        2 => path(&[(0.0, -1.2), (1.1, 0.9), (-1.1, 0.9)], "Z"),
        3 => path(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)], "Z"),
        _ => path(
            &[(-1.1, 0.0), (1.1, 0.0), (0.0, 0.0), (0.0, -1.1), (0.0, 1.1)],
            "",
        ),
    }
}

/// Draws an arrow head that points left or right, for what goes on beyond the axis.
pub(crate) fn arrow((x, y): (f64, f64), rightwards: bool) -> Element {
    let back = if rightwards { -7.0 } else { 7.0 };
    el("path")
        .attr(
            "d",
            format!(
                "M{} {}L{} {}L{} {}",
                coordinate(x + back),
                coordinate(y - 4.0),
                coordinate(x),
                coordinate(y),
                coordinate(x + back),
                coordinate(y + 4.0)
            ),
        )
        .class("arrow")
}

/// Draws the legend's key of a series.
pub(crate) fn key(look: Look, line: bool, band: bool) -> Element {
    let mut svg = el("svg")
        .class("key")
        .attr("viewBox", "0 0 34 14")
        .attr("width", 34)
        .attr("height", 14)
        .attr("aria-hidden", "true");
    if band {
        svg = svg.child(super::rectangle(0.0, 1.0, 34.0, 12.0, &look.class("band")));
    }
    if line {
        svg = svg.child(segment((0.0, 7.0), (34.0, 7.0), &look.class("line")));
    }
    svg.child(marker(look, (17.0, 7.0), 3.6))
}
