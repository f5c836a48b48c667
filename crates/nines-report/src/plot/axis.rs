//! Axes around the area that numbers are drawn in.

use super::scale::{Scale, TickLabel};
use crate::markup::{Element, Node, el};
use crate::svg::{Anchor, Place, segment, text};

/// An axis: what it measures, in which unit, and how it maps numbers.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    /// What it measures, with the unit.
    pub(crate) title: String,
    /// How it maps numbers.
    pub(crate) scale: Scale,
    /// Whether shares are shown as percentages.
    pub(crate) percent: bool,
}

impl Axis {
    /// Makes an axis of plain numbers.
    pub(crate) fn new(title: impl Into<String>, scale: Scale) -> Self {
        Self {
            title: title.into(),
            scale,
            percent: false,
        }
    }

    /// Makes an axis of shares, shown as percentages.
    pub(crate) fn percent(title: impl Into<String>, scale: Scale) -> Self {
        Self {
            percent: true,
            ..Self::new(title, scale)
        }
    }
}

/// Where the vertical axis's title stands: above everything else.
const TITLE_BASELINE: f64 = 14.0;

/// The room to the right of an area, so that half a tick's label fits.
pub(crate) const RIGHT: f64 = 26.0;

/// The area that numbers are drawn in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Area {
    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Places a number on the horizontal axis.
    pub(crate) fn x(&self, axis: &Axis, x: f64) -> Option<f64> {
        Some(self.left + self.width * axis.scale.at(x)?)
    }

    /// Places a number on the vertical axis.
    pub(crate) fn y(&self, axis: &Axis, y: f64) -> Option<f64> {
        Some(self.bottom() - self.height * axis.scale.at(y)?)
    }

    /// Places a point.
    pub(crate) fn place(&self, x_axis: &Axis, y_axis: &Axis, x: f64, y: f64) -> Place {
        // Beyond the ends of the horizontal axis there is nothing to see; an infinite height is drawn
        // at the end.
        x.is_finite()
            .then(|| Some((self.x(x_axis, x)?, self.y(y_axis, y)?)))?
    }

    /// Draws the horizontal axis, its grid and its title below.
    pub(crate) fn horizontal(&self, axis: &Axis, with_title: bool) -> Vec<Element> {
        let most = (self.width / 50.0) as usize;
        let mut drawn = Vec::new();
        for tick in axis.scale.ticks(most, axis.percent) {
            let x = self.left + self.width * tick.at;
            let length = if tick.label.is_some() { 5.0 } else { 3.0 };
            if tick.label.is_some() {
                drawn.push(segment((x, self.top), (x, self.bottom()), "grid"));
            }
            drawn.push(segment(
                (x, self.bottom()),
                (x, self.bottom() + length),
                "tick",
            ));
            if let Some(label) = tick.label {
                drawn.push(
                    text(x, self.bottom() + 19.0, Anchor::Middle, "number", "")
                        .children(written(&label)),
                );
            }
        }
        drawn.push(segment(
            (self.left, self.bottom()),
            (self.right(), self.bottom()),
            "axis",
        ));
        if let Some(share) = axis.scale.break_before_first() {
            let x = self.left + self.width * share;
            drawn.extend(axis_break((x, self.bottom()), (2.5, 0.0), (2.0, -5.0)));
        }
        if with_title {
            drawn.push(text(
                self.right(),
                self.bottom() + 38.0,
                Anchor::End,
                "title",
                axis.title.as_str(),
            ));
        }
        drawn
    }

    /// Draws the vertical axis, its grid and its title above.
    pub(crate) fn vertical(&self, axis: &Axis) -> Vec<Element> {
        let most = (self.height / 34.0) as usize;
        let mut drawn = Vec::new();
        for tick in axis.scale.ticks(most, axis.percent) {
            let y = self.bottom() - self.height * tick.at;
            let length = if tick.label.is_some() { 5.0 } else { 3.0 };
            if tick.label.is_some() {
                drawn.push(segment((self.left, y), (self.right(), y), "grid"));
            }
            drawn.push(segment((self.left - length, y), (self.left, y), "tick"));
            if let Some(label) = tick.label {
                drawn.push(
                    text(self.left - 9.0, y + 4.0, Anchor::End, "number", "")
                        .children(written(&label)),
                );
            }
        }
        drawn.push(segment(
            (self.left, self.top),
            (self.left, self.bottom()),
            "axis",
        ));
        if let Some(share) = axis.scale.break_before_first() {
            let y = self.bottom() - self.height * share;
            drawn.extend(axis_break((self.left, y), (0.0, 2.5), (5.0, -2.0)));
        }
        drawn.push(text(
            0.0,
            TITLE_BASELINE,
            Anchor::Start,
            "title",
            axis.title.as_str(),
        ));
        drawn
    }
}

/// Draws the sign of an axis that leaves something out: a gap between two slanted strokes.
fn axis_break((x, y): (f64, f64), gap: (f64, f64), stroke: (f64, f64)) -> [Element; 3] {
    let side = |sign: f64| {
        let (x, y) = (x + sign * gap.0, y + sign * gap.1);
        segment(
            (x - stroke.0, y - stroke.1),
            (x + stroke.0, y + stroke.1),
            "tick",
        )
    };
    [
        segment((x - gap.0, y - gap.1), (x + gap.0, y + gap.1), "axis-gap"),
        side(-1.0),
        side(1.0),
    ]
}

/// Writes a tick's label.
fn written(label: &TickLabel) -> Vec<Node> {
    match label {
        TickLabel::Plain(text) => vec![text.as_str().into()],
        TickLabel::Power(0) => vec!["1".into()],
        TickLabel::Power(1) => vec!["10".into()],
        TickLabel::Power(exponent) => vec!["10".into(), superscript(*exponent).into()],
        TickLabel::OneMinusPower(exponent) => {
            vec!["1−10".into(), superscript(*exponent).into()]
        }
    }
}

fn superscript(exponent: i32) -> Element {
    let sign = if exponent < 0 { "−" } else { "" };
    el("tspan")
        .attr("dy", "-0.42em")
        .class("superscript")
        .child(format!("{sign}{}", exponent.unsigned_abs()))
}
