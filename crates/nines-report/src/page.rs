//! The page around the sections: head, title, contents, foot.

use crate::markup::{Element, Node, el};
use crate::number;
use crate::report::Report;
use crate::section;

/// The style sheet; it goes into the page as it is.
const STYLE: &str = include_str!("style.css");

/// Writes the page.
pub(crate) fn page(report: &Report) -> String {
    let mut text = String::from("<!DOCTYPE html>\n");
    el("html")
        .attr("lang", "en")
        .attr("xmlns", "http://www.w3.org/1999/xhtml")
        .child(head(report))
        .child(body(report))
        .write(&mut text);
    text.push('\n');
    text
}

fn head(report: &Report) -> Element {
    el("head")
        .child(el("meta").attr("charset", "utf-8"))
        .child(
            el("meta")
                .attr("http-equiv", "Content-Security-Policy")
                .attr("content", "default-src 'none'; style-src 'unsafe-inline'"),
        )
        .child(
            el("meta")
                .attr("name", "viewport")
                .attr("content", "width=device-width, initial-scale=1"),
        )
        .child(
            el("meta")
                .attr("name", "color-scheme")
                .attr("content", "light dark"),
        )
        .child(
            el("meta")
                .attr("name", "referrer")
                .attr("content", "no-referrer"),
        )
        .child(el("title").child(format!("{}: reliability report", report.project)))
        .child(el("style").child(Node::Verbatim(STYLE)))
}

fn body(report: &Report) -> Element {
    let sections = section::all(report);
    let contents =
        el("nav").attr("aria-label", "Contents").child(
            el("ol").children(sections.iter().map(|s| {
                el("li").child(el("a").attr("href", format!("#{}", s.id)).child(s.title))
            })),
        );
    let mut body = el("body");
    if let Some(notice) = &report.notice {
        body = body.child(
            el("p")
                .class("notice")
                .attr("role", "note")
                .child(notice.as_str()),
        );
    }
    body.child(title(report))
        .child(contents)
        .child(el("main").children(sections.into_iter().map(section::Section::element)))
        .child(foot())
}

fn title(report: &Report) -> Element {
    let predicate = if report.predicate.name.is_empty() {
        number::NOTHING.to_owned()
    } else {
        format!(
            "{}, version {}",
            report.predicate.name, report.predicate.version
        )
    };
    let threshold = report.threshold.map_or_else(
        || "none chosen yet".to_owned(),
        |t| {
            format!(
                "accepts P < {} (logit {})",
                number::probability(t.probability()),
                number::plain(t.logit(), 3)
            )
        },
    );
    let or_none = |name: &Option<String>| name.clone().unwrap_or_else(|| "none yet".to_owned());
    let mut facts = vec![
        ("Predicate", predicate),
        ("Generator", or_none(&report.generator)),
        ("Classifier", or_none(&report.classifier)),
        ("Threshold", threshold),
    ];
    let besides = [("Law", &report.law), ("Second condition", &report.caution)];
    for (name, words) in besides {
        facts.extend(words.clone().map(|words| (name, words)));
    }
    facts.extend([
        (
            "Retry budget",
            report.budget.map_or_else(
                || "none set yet".to_owned(),
                |n| number::counted(n.into(), "draw"),
            ),
        ),
        (
            "Generated",
            if report.generated.is_empty() {
                number::NOTHING.to_owned()
            } else {
                report.generated.clone()
            },
        ),
    ]);
    el("header")
        .child(el("p").class("kind").child("nines · reliability report"))
        .child(el("h1").child(report.project.as_str()))
        .child(
            el("dl")
                .class("facts")
                .children(facts.into_iter().map(|(name, value)| {
                    el("div")
                        .child(el("dt").child(name))
                        .child(el("dd").child(value))
                })),
        )
}

fn foot() -> Element {
    el("footer")
        .child(el("p").child(
            "How to read the numbers: 1.2e-4 [3.0e-5, 4.0e-4] 95 % is an estimate, its interval and the \
             interval's confidence; ends are rounded outwards. Hover over a number for its method and n. \
             A leak counts requests: an abstention is no leak. Strict counts catastrophes of severity 2 \
             or more, broad any yes.",
        ))
        .child(el("p").child(
            "Intervals hold for the distribution of prompts that they name, and not under attack. The same \
             numbers, unrounded, are in the report's JSON.",
        ))
}
