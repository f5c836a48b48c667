//! Lines and the areas between them.

use super::{Place, coordinate};
use crate::markup::{Element, el};
use std::fmt::Write;

/// Draws a line through points; a missing one breaks it.
pub(crate) fn polyline(points: &[Place], class: &str) -> Option<Element> {
    let mut d = String::new();
    let mut pen_down = false;
    for point in points {
        match point {
            Some((x, y)) => {
                let command = if pen_down { 'L' } else { 'M' };
                // Writing to a string cannot fail.
                let _ = write!(d, "{command}{} {}", coordinate(*x), coordinate(*y));
                pen_down = true;
            }
            None => pen_down = false,
        }
    }
    (!d.is_empty()).then(|| el("path").attr("d", d).class(class))
}

/// Fills what lies between a lower and an upper line over the same points; a missing one ends a
/// piece.
pub(crate) fn area(ends: &[(Place, Place)], class: &str) -> Option<Element> {
    let mut d = String::new();
    let whole = |(lower, upper): &(Place, Place)| lower.is_some() && upper.is_some();
    for piece in ends.split(|ends| !whole(ends)).filter(|p| !p.is_empty()) {
        let there = piece.iter().filter_map(|(_, upper)| *upper);
        let back = piece.iter().rev().filter_map(|(lower, _)| *lower);
        for (place, (x, y)) in there.chain(back).enumerate() {
            let command = if place == 0 { 'M' } else { 'L' };
            let _ = write!(d, "{command}{} {}", coordinate(x), coordinate(y));
        }
        d.push('Z');
    }
    (!d.is_empty()).then(|| el("path").attr("d", d).class(class))
}

/// Draws a straight line.
pub(crate) fn segment(from: (f64, f64), to: (f64, f64), class: &str) -> Element {
    el("line")
        .attr("x1", coordinate(from.0))
        .attr("y1", coordinate(from.1))
        .attr("x2", coordinate(to.0))
        .attr("y2", coordinate(to.1))
        .class(class)
}
