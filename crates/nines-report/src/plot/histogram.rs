//! Histograms of the score, one below the other, with a logarithmic count.

use super::axis::{Area, Axis, RIGHT};
use super::curve::threshold_line;
use super::{Drawing, Scale, Size};
use crate::markup::{Element, el};
use crate::number;
use crate::svg::{Anchor, rectangle, segment, text};

/// One histogram.
pub(crate) struct Panel<'a> {
    pub(crate) title: String,
    pub(crate) counts: &'a [u64],
    /// The class that gives the bars their grey and pattern.
    pub(crate) class: &'static str,
    /// What lies below the threshold and above it, in words.
    pub(crate) sides: Option<[String; 2]>,
}

/// Histograms over the same edges.
pub(crate) struct Histogram<'a> {
    pub(crate) x: Axis,
    pub(crate) edges: &'a [f64],
    pub(crate) panels: Vec<Panel<'a>>,
    pub(crate) threshold: Option<(f64, String)>,
}

impl Histogram<'_> {
    /// Draws the panels.
    pub(crate) fn draw(&self, size: Size) -> Drawing {
        let left = 50.0;
        let (height, gap) = (92.0, 46.0);
        let mut elements = Vec::new();
        let mut top = 52.0;
        let most = self
            .panels
            .iter()
            .flat_map(|panel| panel.counts)
            .max()
            .copied()
            .unwrap_or(0);
        // A bar of one must be seen, so the axis begins at one half of a decade below it; the scale
        // itself is that of the counts.
        let y = Axis::new("", Scale::log([1.0, (most as f64).max(10.0)]));
        let mut last = None;
        let mut words = Vec::new();
        for (place, panel) in self.panels.iter().enumerate() {
            let area = Area {
                left,
                top,
                width: size.width() - left - RIGHT,
                height,
            };
            self.panel(&area, &y, panel, &mut elements);
            words.extend(panel.words(&area));
            if place + 1 == self.panels.len() {
                elements.extend(area.horizontal(&self.x, true));
            } else {
                elements.push(segment(
                    (area.left, area.bottom()),
                    (area.right(), area.bottom()),
                    "axis",
                ));
            }
            last = Some(area);
            top += height + gap;
        }
        let Some(last) = last else {
            return Drawing {
                height: 20.0,
                elements,
            };
        };
        if let Some((at, label)) = &self.threshold
            && let Some(x) = last.x(&self.x, *at)
        {
            let whole = Area {
                top: 30.0,
                height: last.bottom() - 30.0,
                ..last
            };
            elements.extend(threshold_line(&whole, x, label));
        }
        // Words last: the threshold's line may cross them.
        elements.extend(words);
        Drawing {
            height: last.bottom() + 48.0,
            elements,
        }
    }

    fn panel(&self, area: &Area, y: &Axis, panel: &Panel, elements: &mut Vec<Element>) {
        // The lowest part of the panel belongs to a count of one.
        let foot = 14.0;
        let upper = Area {
            height: area.height - foot,
            ..*area
        };
        if let Some((at, _)) = &self.threshold
            && let Some(x) = area.x(&self.x, *at)
        {
            elements.push(rectangle(
                area.left,
                area.top,
                x - area.left,
                area.height,
                "accept-side",
            ));
            elements.push(rectangle(
                x,
                area.top,
                area.right() - x,
                area.height,
                "reject-side",
            ));
        }
        for tick in y.scale.ticks(3, false) {
            let Some(super::scale::TickLabel::Plain(label)) = count_label(&tick) else {
                continue;
            };
            let at = upper.bottom() - upper.height * tick.at;
            elements.push(segment((area.left, at), (area.right(), at), "grid"));
            elements.push(text(
                area.left - 9.0,
                at + 4.0,
                Anchor::End,
                "number",
                label,
            ));
        }
        for (bin, &count) in panel.counts.iter().enumerate() {
            let (Some(&from), Some(&to)) = (self.edges.get(bin), self.edges.get(bin + 1)) else {
                continue;
            };
            if count == 0 {
                continue;
            }
            let (Some(from), Some(to), Some(top)) = (
                area.x(&self.x, from),
                area.x(&self.x, to),
                upper.y(y, count as f64),
            ) else {
                continue;
            };
            let width = (to - from - 1.0).max(0.75);
            elements.push(
                rectangle(from + 0.5, top, width, area.bottom() - top, panel.class)
                    .child(el("title").child(number::counted(count, "completion"))),
            );
        }
    }
}

impl Panel<'_> {
    /// Writes the panel's title and what lies on each side of the threshold.
    fn words(&self, area: &Area) -> Vec<Element> {
        let mut words = vec![text(
            area.left,
            area.top - 8.0,
            Anchor::Start,
            "note strong halo",
            self.title.as_str(),
        )];
        if let Some([accepted, rejected]) = &self.sides {
            let y = area.top + 14.0;
            words.push(text(
                area.left + 6.0,
                y,
                Anchor::Start,
                "accept-word halo",
                accepted.as_str(),
            ));
            words.push(text(
                area.right() - 6.0,
                y,
                Anchor::End,
                "reject-word halo",
                rejected.as_str(),
            ));
        }
        words
    }
}

/// A power of ten is written out up to a thousand, and short above.
fn count_label(tick: &super::scale::Tick) -> Option<super::scale::TickLabel> {
    use super::scale::TickLabel::{Plain, Power};
    match tick.label.as_ref()? {
        Power(exponent) => Some(Plain(match exponent {
            0 => "1".into(),
            1 => "10".into(),
            2 => "100".into(),
            3..=5 => format!("{}k", 10u64.pow(*exponent as u32 - 3)),
            6..=8 => format!("{}M", 10u64.pow(*exponent as u32 - 6)),
            other => format!("1e{other}"),
        })),
        other => Some(other.clone()),
    }
}
