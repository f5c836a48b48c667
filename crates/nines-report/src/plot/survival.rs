//! Survival curves: steps, bands, ends of sessions without a find, and how many were still running.

use super::axis::{Area, Axis, RIGHT};
use super::{Drawing, Size};
use crate::markup::{Element, el};
use crate::number;
use crate::report::{Point, SurvivalGroup};
use crate::svg::{Anchor, Look, Place, area, marker, polyline, segment, text};

/// Survival curves of several groups.
pub(crate) struct Survival<'a> {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) groups: &'a [SurvivalGroup],
    /// The groups' letters in the table below the plot, as in the legend.
    pub(crate) at_risk: bool,
}

impl Survival<'_> {
    /// Draws the plot.
    pub(crate) fn draw(&self, size: Size) -> Drawing {
        let (left, height) = match size {
            Size::Wide => (58.0, 270.0),
            Size::Narrow => (50.0, 220.0),
        };
        let plot = Area {
            left,
            top: 30.0,
            width: size.width() - left - RIGHT,
            height,
        };
        let mut elements = plot.vertical(&self.y);
        elements.extend(plot.horizontal(&self.x, true));
        for (place, group) in self.groups.iter().enumerate() {
            let (lower, upper) = (steps(group, |p| p.lower), steps(group, |p| p.upper));
            let ends: Vec<(Place, Place)> = lower
                .iter()
                .zip(&upper)
                .map(|(&(x, l), &(_, u))| (self.place(&plot, x, l), self.place(&plot, x, u)))
                .collect();
            elements.extend(area(&ends, &Look(place).class("band")));
        }
        for (place, group) in self.groups.iter().enumerate().rev() {
            elements.push(self.group(&plot, Look(place), group));
        }
        let mut bottom = plot.bottom() + 48.0;
        if self.at_risk {
            bottom += self.counts(&plot, bottom + 6.0, size, &mut elements);
        }
        Drawing {
            height: bottom,
            elements,
        }
    }

    fn place(&self, plot: &Area, x: f64, y: f64) -> Place {
        plot.place(&self.x, &self.y, x, y)
    }

    fn group(&self, plot: &Area, look: Look, group: &SurvivalGroup) -> Element {
        let line = steps(group, |p| p.value.unwrap_or(f64::NAN));
        let places: Vec<Place> = line.iter().map(|&(x, y)| self.place(plot, x, y)).collect();
        let mut drawn = el("g").children(polyline(&places, &look.class("line")));
        for &minutes in &group.censored_minutes {
            let Some((x, y)) = self.place(plot, minutes, survival_at(group, minutes)) else {
                continue;
            };
            drawn = drawn.child(segment((x, y - 5.0), (x, y + 5.0), &look.class("censored")));
        }
        // The marker tells the group; a find has none of its own, because a step is its mark.
        let finds: Vec<&Point> = group.curve.points.iter().collect();
        for point in finds.iter().step_by((finds.len() / 6).max(1)) {
            let Some(place) = point.value.and_then(|y| self.place(plot, point.x, y)) else {
                continue;
            };
            let said = number::spoken(&group.curve.estimate(point), number::Format::Percent);
            drawn = drawn.child(
                el("g")
                    .child(el("title").child(format!(
                        "{}: {said} without a find after {} min",
                        group.curve.name,
                        number::plain(point.x, 1)
                    )))
                    .child(marker(look, place, 3.4)),
            );
        }
        drawn
    }

    /// Writes how many sessions were still running; returns the height that it took.
    fn counts(&self, plot: &Area, top: f64, size: Size, elements: &mut Vec<Element>) -> f64 {
        elements.push(text(0.0, top, Anchor::Start, "title", "still searching"));
        let row = 19.0;
        let least = if size == Size::Wide { 34.0 } else { 40.0 };
        for (place, group) in self.groups.iter().enumerate() {
            let y = top + row * (place as f64 + 1.0);
            elements.push(marker(Look(place), (plot.left - 34.0, y - 4.0), 3.6));
            let mut free = f64::NEG_INFINITY;
            for at_risk in &group.at_risk {
                let Some((x, _)) = self.place(plot, at_risk.minutes, 0.0) else {
                    continue;
                };
                if x - free >= least {
                    elements.push(text(
                        x,
                        y,
                        Anchor::Middle,
                        "number",
                        number::count(at_risk.sessions),
                    ));
                    free = x;
                }
            }
        }
        row * (self.groups.len() as f64 + 1.0)
    }
}

/// Returns the corners of a step line, from one at time zero to the last session's end.
fn steps(group: &SurvivalGroup, of: impl Fn(&Point) -> f64) -> Vec<(f64, f64)> {
    let mut corners = vec![(0.0, 1.0)];
    let mut level = 1.0;
    for point in group.curve.points.iter().filter(|p| p.x.is_finite()) {
        corners.push((point.x, level));
        level = of(point);
        corners.push((point.x, level));
    }
    let last = corners.last().map_or(0.0, |corner| corner.0);
    let end = last_minutes(group);
    if end > last {
        corners.push((end, level));
    }
    corners
}

/// When the last session ended.
pub(crate) fn last_minutes(group: &SurvivalGroup) -> f64 {
    group
        .curve
        .points
        .iter()
        .map(|p| p.x)
        .chain(group.censored_minutes.iter().copied())
        .filter(|x| x.is_finite())
        .fold(0.0, f64::max)
}

/// The level of the curve at a time.
fn survival_at(group: &SurvivalGroup, minutes: f64) -> f64 {
    group
        .curve
        .points
        .iter()
        .take_while(|p| p.x <= minutes)
        .last()
        .map_or(1.0, |p| p.value.unwrap_or(f64::NAN))
}
