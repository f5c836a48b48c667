//! Lines with bands over two axes.

use super::axis::{Area, Axis, RIGHT};
use super::thinning;
use super::{Drawing, Size};
use crate::markup::{Element, el};
use crate::number::{self, Format};
use crate::report::Point;
use crate::svg::{Anchor, Look, Place, area, marker, polyline, rectangle, segment, text};

/// A line to draw.
pub(crate) struct Series<'a> {
    pub(crate) name: &'a str,
    pub(crate) look: Look,
    pub(crate) points: Vec<Point>,
    /// Whether the intervals are drawn as a band.
    pub(crate) band: bool,
    pub(crate) confidence: f64,
}

/// A straight line across the plot with a few words on it.
pub(crate) struct Rule {
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// A single point of interest, with its interval in both directions.
pub(crate) struct Spot {
    pub(crate) x: [f64; 3],
    pub(crate) y: [f64; 3],
    pub(crate) label: String,
}

/// A plot of curves.
pub(crate) struct CurvePlot<'a> {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series<'a>>,
    /// The chosen threshold, where the horizontal axis has thresholds.
    pub(crate) threshold: Option<Rule>,
    /// A level to compare with.
    pub(crate) level: Option<Rule>,
    /// Whether what lies below the level is accepted and what lies above is rejected.
    pub(crate) level_divides: bool,
    pub(crate) spot: Option<Spot>,
    pub(crate) format: Format,
}

impl CurvePlot<'_> {
    /// Draws the plot.
    pub(crate) fn draw(&self, size: Size) -> Drawing {
        let (left, height) = match size {
            Size::Wide => (58.0, 300.0),
            Size::Narrow => (50.0, 240.0),
        };
        let area = Area {
            left,
            top: if self.threshold.is_some() { 46.0 } else { 30.0 },
            width: size.width() - left - RIGHT,
            height,
        };
        let mut elements = Vec::new();
        self.sides(&area, &mut elements);
        elements.extend(area.vertical(&self.y));
        elements.extend(area.horizontal(&self.x, true));
        // Bands lie below every line.
        for series in self.series.iter().filter(|series| series.band) {
            elements.extend(self.band(&area, series));
        }
        for series in self.series.iter().rev() {
            elements.push(self.line(&area, series));
        }
        self.rules(&area, &mut elements);
        elements.extend(self.spot.as_ref().and_then(|spot| self.spot(&area, spot)));
        Drawing {
            height: area.bottom() + 48.0,
            elements,
        }
    }

    fn sides(&self, area: &Area, elements: &mut Vec<Element>) {
        let level = self.level.as_ref().filter(|_| self.level_divides);
        let Some(y) = level.and_then(|level| area.y(&self.y, level.at)) else {
            return;
        };
        elements.push(rectangle(
            area.left,
            area.top,
            area.width,
            y - area.top,
            "reject-side",
        ));
        elements.push(rectangle(
            area.left,
            y,
            area.width,
            area.bottom() - y,
            "accept-side",
        ));
        if y - area.top > 20.0 {
            elements.push(text(
                area.right() - 6.0,
                area.top + 16.0,
                Anchor::End,
                "reject-word",
                "rejected ✕",
            ));
        }
        if area.bottom() - y > 20.0 {
            elements.push(text(
                area.right() - 6.0,
                area.bottom() - 8.0,
                Anchor::End,
                "accept-word",
                "accepted ✓",
            ));
        }
    }

    fn band(&self, plot: &Area, series: &Series) -> Option<Element> {
        let ends: Vec<(Place, Place)> = series
            .points
            .iter()
            .map(|p| {
                (
                    plot.place(&self.x, &self.y, p.x, p.lower),
                    plot.place(&self.x, &self.y, p.x, p.upper),
                )
            })
            .collect();
        // Both ends count: one may stand still while the other moves.
        let upper: Vec<Place> = ends.iter().map(|e| e.0.and(e.1)).collect();
        let lower: Vec<Place> = ends.iter().map(|e| e.1.and(e.0)).collect();
        let mut kept = thinning::apart(&upper, 0.5);
        kept.extend(thinning::apart(&lower, 0.5));
        kept.sort_unstable();
        kept.dedup();
        if let [only] = kept[..] {
            // A single point has no width: its band is a bar.
            let (from, to) = (ends[only].0?, ends[only].1?);
            return Some(segment(from, to, "bar"));
        }
        let ends: Vec<(Place, Place)> = kept.into_iter().map(|i| ends[i]).collect();
        area(&ends, &series.look.class("band"))
    }

    fn line(&self, plot: &Area, series: &Series) -> Element {
        let places: Vec<Place> = series
            .points
            .iter()
            .map(|p| plot.place(&self.x, &self.y, p.x, p.value?))
            .collect();
        let kept = thinning::apart(&places, 0.5);
        let line: Vec<Place> = kept.iter().map(|&i| places[i]).collect();
        let mut group = el("g").children(polyline(&line, &series.look.class("line")));
        // Enough markers to tell the series, not so many that they hide it.
        let every = (kept.len() / 12).max(1);
        for &index in kept.iter().step_by(every) {
            let (Some(place), Some(value)) = (places[index], series.points[index].value) else {
                continue;
            };
            let point = &series.points[index];
            let estimate = nines_domain::estimate::Estimate {
                value: Some(value),
                lower: point.lower,
                upper: point.upper,
                confidence: series.confidence,
                method: String::new(),
                n: 0,
            };
            let said = if series.band {
                number::spoken(&estimate, self.format)
            } else {
                number::show(&estimate, self.format).value
            };
            group = group.child(
                el("g")
                    .child(el("title").child(format!("{}: {said}", series.name)))
                    .child(marker(series.look, place, 3.2)),
            );
        }
        group
    }

    fn rules(&self, area: &Area, elements: &mut Vec<Element>) {
        if let Some(rule) = &self.level
            && let Some(y) = area.y(&self.y, rule.at)
        {
            elements.push(segment((area.left, y), (area.right(), y), "level"));
            let at_start = self.is_free_at_start(rule.at);
            let (x, anchor) = if at_start {
                (area.left + 8.0, Anchor::Start)
            } else {
                (area.right() - 8.0, Anchor::End)
            };
            // At the top edge the words would meet those above the plot, and elsewhere perhaps a curve.
            let is_crossed = self.values(at_start).any(|value| {
                let height = area.y(&self.y, value).map(|there| y - there);
                height.is_some_and(|height| (0.0..20.0).contains(&height))
            });
            let dy = if y < area.top + 18.0 || is_crossed {
                16.0
            } else {
                -6.0
            };
            elements.push(text(x, y + dy, anchor, "note halo", rule.label.as_str()));
        }
        if let Some(rule) = &self.threshold
            && let Some(x) = area.x(&self.x, rule.at)
        {
            elements.extend(threshold_line(area, x, &rule.label));
        }
    }

    /// Says whether the curves stay further from a level near the left end than near the right, where no
    /// threshold stands in the way.
    fn is_free_at_start(&self, level: f64) -> bool {
        if let Some(at) = self.threshold.as_ref().and_then(|t| self.x.scale.at(t.at)) {
            if at < 0.2 {
                return false;
            } else if at > 0.8 {
                return true;
            }
        }
        let nearest = |at_start| {
            let distances = self.values(at_start).map(|value| (value - level).abs());
            distances.fold(f64::INFINITY, f64::min)
        };
        nearest(true) >= nearest(false)
    }

    /// The curves' values near the left end, or near the right.
    fn values(&self, at_start: bool) -> impl Iterator<Item = f64> {
        let points = self.series.iter().flat_map(|series| &series.points);
        points
            .filter(move |point| {
                let at = self.x.scale.at(point.x);
                at.is_some_and(|at| if at_start { at < 0.3 } else { at > 0.7 })
            })
            .filter_map(|point| point.value)
    }

    fn spot(&self, area: &Area, spot: &Spot) -> Option<Element> {
        let (x, y) = (area.x(&self.x, spot.x[0])?, area.y(&self.y, spot.y[0])?);
        let mut group = el("g").child(el("title").child(spot.label.as_str()));
        if let (Some(from), Some(to)) = (area.x(&self.x, spot.x[1]), area.x(&self.x, spot.x[2])) {
            group = group.child(segment((from, y), (to, y), "bar"));
        }
        if let (Some(from), Some(to)) = (area.y(&self.y, spot.y[1]), area.y(&self.y, spot.y[2])) {
            group = group.child(segment((x, from), (x, to), "bar"));
        }
        // Curves rise to the right, so that there is room below on the right and above on the left.
        let (anchor, dx, dy) = if x > area.left + area.width * 0.6 {
            (Anchor::End, -12.0, -10.0)
        } else if y > area.bottom() - 24.0 {
            (Anchor::Start, 12.0, -10.0)
        } else {
            (Anchor::Start, 12.0, 20.0)
        };
        Some(
            group
                .child(
                    el("circle")
                        .attr("cx", crate::svg::coordinate(x))
                        .attr("cy", crate::svg::coordinate(y))
                        .attr("r", 6)
                        .class("chosen"),
                )
                .child(text(
                    x + dx,
                    y + dy,
                    anchor,
                    "note strong halo",
                    spot.label.as_str(),
                )),
        )
    }
}

/// Draws the chosen threshold as an upright line with its words above the plot.
pub(crate) fn threshold_line(area: &Area, x: f64, label: &str) -> Vec<Element> {
    // Words about this wide must stay on the drawing.
    let half = 3.2 * label.chars().count() as f64;
    let (anchor, at) = if x + half > area.right() + 10.0 {
        (Anchor::End, x.max(area.left + 2.0 * half - 10.0))
    } else if x - half < area.left {
        (Anchor::Start, x)
    } else {
        (Anchor::Middle, x)
    };
    vec![
        segment((x, area.top - 6.0), (x, area.bottom()), "threshold"),
        text(at, area.top - 10.0, anchor, "note strong halo", label),
    ]
}
