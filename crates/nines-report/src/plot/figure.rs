//! A plot with its title, legend, caption and the numbers that it shows.

use super::thinning;
use crate::markup::{Element, el};
use crate::number::{self, Format};
use crate::report::{Curve, Point};
use crate::svg::{Look, key};

/// The two sizes that every plot is drawn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Wide,
    Narrow,
}

impl Size {
    /// The width of the drawing; a unit is a pixel.
    pub(crate) fn width(self) -> f64 {
        match self {
            Self::Wide => 760.0,
            Self::Narrow => 340.0,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Wide => "plot wide",
            Self::Narrow => "plot narrow",
        }
    }
}

/// What a plot draws.
pub(crate) struct Drawing {
    pub(crate) height: f64,
    pub(crate) elements: Vec<Element>,
}

/// What the legend says of one look.
pub(crate) struct Key {
    pub(crate) look: Look,
    pub(crate) line: bool,
    pub(crate) band: bool,
    pub(crate) text: String,
}

impl Key {
    /// A line with a band.
    pub(crate) fn banded(look: Look, text: impl Into<String>) -> Self {
        Self {
            look,
            line: true,
            band: true,
            text: text.into(),
        }
    }

    /// A line alone.
    pub(crate) fn line(look: Look, text: impl Into<String>) -> Self {
        Self {
            band: false,
            ..Self::banded(look, text)
        }
    }
}

/// The words around a plot.
pub(crate) struct Words {
    /// The figure's id on the page.
    pub(crate) id: String,
    /// The heading.
    pub(crate) title: String,
    /// What a reader who cannot see it should know.
    pub(crate) description: String,
    /// What it rests on, with n.
    pub(crate) caption: String,
}

/// Makes a figure: heading, legend, plot in both sizes, caption, plotted numbers.
pub(crate) fn figure(
    words: &Words,
    keys: Vec<Key>,
    draw: impl Fn(Size) -> Drawing,
    numbers: Option<Element>,
) -> Element {
    let mut figure = el("figure")
        .attr("id", &words.id)
        .child(el("h3").child(words.title.as_str()));
    if !keys.is_empty() {
        figure = figure.child(
            el("div").class("legend").children(
                keys.into_iter()
                    .map(|k| el("span").child(key(k.look, k.line, k.band)).child(k.text)),
            ),
        );
    }
    for size in [Size::Wide, Size::Narrow] {
        figure = figure.child(picture(words, size, draw(size)));
    }
    figure = figure.child(el("figcaption").child(words.caption.as_str()));
    if let Some(numbers) = numbers {
        figure = figure.child(
            el("details")
                .class("numbers")
                .child(el("summary").child("The plotted numbers"))
                .child(el("div").class("scroll").child(numbers)),
        );
    }
    figure
}

fn picture(words: &Words, size: Size, drawing: Drawing) -> Element {
    let suffix = if size == Size::Wide { "wide" } else { "narrow" };
    let title = format!("{}-title-{suffix}", words.id);
    let description = format!("{}-text-{suffix}", words.id);
    el("svg")
        .class(size.class())
        .attr("role", "img")
        .attr(
            "viewBox",
            format!("0 0 {} {}", size.width(), drawing.height.ceil()),
        )
        .attr("aria-labelledby", &title)
        .attr("aria-describedby", &description)
        .child(el("title").attr("id", title).child(words.title.as_str()))
        .child(
            el("desc")
                .attr("id", description)
                .child(words.description.as_str()),
        )
        .children(drawing.elements)
}

/// How a number on the horizontal axis is written in a table.
pub(crate) type WriteX = fn(f64) -> String;

/// Lists the points of curves: at most sixty of each, evenly chosen.
pub(crate) fn curve_table(
    x_title: &str,
    write_x: WriteX,
    format: Format,
    curves: &[&Curve],
    upper_only: &[usize],
) -> Element {
    let mut body = el("tbody");
    let mut left_out = false;
    for (index, curve) in curves.iter().enumerate() {
        let rows = thinning::rows(curve.points.len());
        left_out |= rows.len() < curve.points.len();
        for row in rows {
            let point: &Point = &curve.points[row];
            let estimate = curve.estimate(point);
            let shown = if upper_only.contains(&index) {
                number::upper_bound(&estimate, format)
            } else {
                number::estimate(&estimate, format)
            };
            body = body.child(
                el("tr")
                    .child(el("td").child(curve.name.as_str()))
                    .child(el("td").class("n").child(write_x(point.x)))
                    .child(el("td").class("n").child(shown)),
            );
        }
    }
    let mut table = el("table");
    if left_out {
        table =
            table
                .child(el("caption").child(
                    "Every so many points of the curve; the report's JSON has all of them.",
                ));
    }
    table
        .child(head(
            &["Curve", x_title, "Value and interval"].map(Column::Text),
        ))
        .child(body)
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column<'a> {
    /// Text, and numbers with intervals.
    Text(&'a str),
    /// Counts and amounts, which end at the same place.
    Amount(&'a str),
}

/// The head of a table.
pub(crate) fn head(columns: &[Column]) -> Element {
    el("thead").child(el("tr").children(columns.iter().map(|column| {
        let th = el("th").attr("scope", "col");
        match column {
            Column::Text(title) => th.child(*title),
            Column::Amount(title) => th.class("amount").child(*title),
        }
    })))
}
