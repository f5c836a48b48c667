//! Dots with intervals, one a row, on one axis.

use super::axis::{Area, Axis, RIGHT};
use super::{Drawing, Size};
use crate::markup::{Element, el};
use crate::svg::{Anchor, Look, arrow, coordinate, marker, segment, text};

/// A row of the plot.
pub(crate) struct Dot {
    pub(crate) label: String,
    /// Value, lower and upper end.
    pub(crate) estimate: Option<(Option<f64>, f64, f64)>,
    /// A one-sided bound.
    pub(crate) bound: Option<f64>,
    /// What hovering says.
    pub(crate) said: String,
}

/// Dots with intervals.
pub(crate) struct Dots {
    pub(crate) x: Axis,
    pub(crate) rows: Vec<Dot>,
}

impl Dots {
    /// Draws the rows.
    pub(crate) fn draw(&self, size: Size) -> Drawing {
        let (left, row, letters, lines_at_most) = match size {
            Size::Wide => (236.0, 38.0, 32, 2),
            Size::Narrow => (14.0, 52.0, 48, 1),
        };
        let area = Area {
            left,
            top: 16.0,
            width: size.width() - left - RIGHT,
            height: row * self.rows.len() as f64,
        };
        let mut elements = area.horizontal(&self.x, true);
        for (place, dot) in self.rows.iter().enumerate() {
            let middle = area.top + row * (place as f64 + 0.5);
            let lines = wrap(&dot.label, letters, lines_at_most);
            let ((x, baseline), y) = match size {
                Size::Wide => {
                    let up = 7.5 * (lines.len() as f64 - 1.0);
                    ((0.0, middle + 4.0 - up), middle)
                }
                Size::Narrow => ((area.left, middle - 8.0), middle + 9.0),
            };
            for (line, words) in lines.iter().enumerate() {
                let y = baseline + 15.0 * line as f64;
                elements.push(text(x, y, Anchor::Start, "row-label halo", words.as_str()));
            }
            elements.push(self.row(&area, y, dot));
        }
        Drawing {
            height: area.bottom() + 48.0,
            elements,
        }
    }

    fn row(&self, area: &Area, y: f64, dot: &Dot) -> Element {
        let mut group = el("g").child(el("title").child(dot.said.as_str()));
        if let Some((value, lower, upper)) = dot.estimate {
            if let (Some(from), Some(to)) = (area.x(&self.x, lower), area.x(&self.x, upper)) {
                group = group.child(segment((from, y), (to, y), "interval"));
                group = group.child(if lower <= 0.0 {
                    arrow((from, y), false)
                } else {
                    segment((from, y - 5.0), (from, y + 5.0), "interval")
                });
                group = group.child(if self.x.scale.is_above(upper) {
                    arrow((to, y), true)
                } else {
                    segment((to, y - 5.0), (to, y + 5.0), "interval")
                });
            }
            if let Some(value) = value
                && value > 0.0
                && let Some(x) = area.x(&self.x, value)
            {
                group = group.child(marker(Look(0), (x, y), 4.6));
            }
        }
        if let Some(bound) = dot.bound
            && let Some(x) = area.x(&self.x, bound)
        {
            group = group.child(if self.x.scale.is_above(bound) {
                arrow((x, y), true)
            } else {
                bound_mark(x, y)
            });
        }
        group
    }
}

/// Draws the mark of an upper bound: a triangle that points down the axis.
pub(crate) fn bound_mark(x: f64, y: f64) -> Element {
    el("path")
        .attr(
            "d",
            format!(
                "M{} {}L{} {}L{} {}Z",
                coordinate(x),
                coordinate(y - 6.0),
                coordinate(x),
                coordinate(y + 6.0),
                coordinate(x - 8.0),
                coordinate(y)
            ),
        )
        .class("bound")
}

/// Breaks a label into lines between words, and cuts what would not fit; the table has all of it.
fn wrap(label: &str, letters: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in label.split_whitespace() {
        let full = lines.len() == most;
        if let Some(line) = lines.last_mut() {
            let length = line.chars().count() + 1 + word.chars().count();
            if line.is_empty() || length <= letters || full {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
                continue;
            }
        }
        lines.push(word.to_owned());
    }
    for line in &mut lines {
        if line.chars().count() > letters {
            let kept: String = line.chars().take(letters - 1).collect();
            *line = format!("{}…", kept.trim_end());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_breaks_between_words_and_is_cut_at_the_end() {
        let label = "prompts written to break the filter";
        assert_eq!(
            wrap(label, 20, 2),
            ["prompts written to", "break the filter"]
        );
        assert_eq!(wrap(label, 20, 1), ["prompts written to…"]);
        assert_eq!(wrap("extraordinarily", 8, 2), ["extraor…"]);
        assert_eq!(wrap("", 8, 2), [""]);
    }
}
