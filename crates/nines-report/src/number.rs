//! Numbers as text: an interval is never rounded inwards, and what is not finite says so.

use crate::markup::{Element, el};
use nines_domain::estimate::Estimate;
use nines_domain::rounding::{Rounding, scientific};

/// How a kind of number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A rate that may be tiny: `1.2e-4`.
    Rate,
    /// A share as a percentage.
    Percent,
    /// A plain number, with at least so many decimals.
    Decimal(usize),
}

/// The parts of a shown estimate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) value: String,
    pub(crate) lower: String,
    pub(crate) upper: String,
    /// What follows the value, such as ` %`.
    pub(crate) unit: &'static str,
}

/// What stands for a number that there is not.
pub(crate) const NOTHING: &str = "–";

/// Writes an estimate's numbers, its ends rounded outwards.
pub(crate) fn show(estimate: &Estimate, format: Format) -> Shown {
    let (scale, least, unit) = match format {
        Format::Rate => (1.0, 2, ""),
        Format::Percent => (100.0, 1, " %"),
        Format::Decimal(least) => (1.0, least, ""),
    };
    let plain = estimate.decimal(scale, least);
    let digits = significant(estimate);
    let one = |x: f64, plain: &str, rounding: Rounding| {
        if !x.is_finite() {
            return not_finite(x);
        }
        let small = format == Format::Rate && x != 0.0 && x.abs() < 1e-2;
        if x == 0.0 {
            "0".to_owned()
        } else if small || (scale * x).abs() >= 1e7 {
            // A percentage this large is no share; it is shown as it is all the same.
            scientific(scale * x, digits, rounding)
        } else {
            minus(plain)
        }
    };
    let [value, lower, upper] = &plain;
    Shown {
        value: estimate
            .value
            .map_or_else(|| NOTHING.to_owned(), |x| one(x, value, Rounding::Nearest)),
        lower: one(estimate.lower, lower, Rounding::Down),
        upper: one(estimate.upper, upper, Rounding::Up),
        unit,
    }
}

/// How many digits a rate needs so that the ends of its interval differ.
fn significant(estimate: &Estimate) -> usize {
    let relative = (estimate.upper - estimate.lower) / estimate.upper.abs();
    if relative > 0.0 && relative.is_finite() {
        ((1.0 - relative.log10().floor()).max(2.0) as usize).min(6)
    } else {
        2
    }
}

fn not_finite(x: f64) -> String {
    if x.is_nan() { NOTHING } else { "unbounded" }.to_owned()
}

/// Writes a plain number's minus sign as one.
fn minus(text: &str) -> String {
    text.strip_prefix('-')
        .map_or_else(|| text.to_owned(), |rest| format!("−{rest}"))
}

/// Writes a share that somebody chose, such as 0.95, as `95 %`, without the digits that binary
/// fractions leave behind.
pub(crate) fn chosen_percent(share: f64) -> String {
    if (0.0..=1.0).contains(&share) {
        format!("{}\u{a0}%", (share * 1e8).round() / 1e6)
    } else {
        NOTHING.to_owned()
    }
}

/// Writes a number that has no interval, such as a place on an axis.
pub(crate) fn plain(x: f64, decimals: usize) -> String {
    if !x.is_finite() {
        not_finite(x)
    } else if x.abs() >= 1e7 || (x != 0.0 && x.abs() < 0.5 * 10f64.powi(-(decimals as i32))) {
        format!("{x:.2e}")
    } else {
        minus(&grouped(&format!("{x:.decimals$}")))
    }
}

/// Sets a decimal number's thousands apart.
fn grouped(decimal: &str) -> String {
    let (sign, rest) = match decimal.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", decimal),
    };
    let (whole, fraction) = match rest.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (rest, String::new()),
    };
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    format!("{sign}{whole}{fraction}")
}

/// Writes a bound, `1.2e-4`, rounded upwards.
pub(crate) fn bound(x: f64) -> String {
    let estimate = Estimate {
        value: None,
        lower: 0.0,
        upper: x,
        confidence: 0.95,
        method: String::new(),
        n: 0,
    };
    show(&estimate, Format::Rate).upper
}

/// Writes a probability that somebody chose, such as a threshold, with three digits.
pub(crate) fn probability(p: f64) -> String {
    if !p.is_finite() {
        return not_finite(p);
    }
    let text = if p != 0.0 && p < 1e-3 {
        format!("{p:.2e}")
    } else {
        format!("{p:.4}")
    };
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("{}e{exponent}", trim(mantissa)),
        None => trim(&text).to_owned(),
    }
}

fn trim(decimal: &str) -> &str {
    if decimal.contains('.') {
        decimal.trim_end_matches('0').trim_end_matches('.')
    } else {
        decimal
    }
}

/// Writes a count with its thousands apart.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a count with its noun, in the plural where it needs one.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(n))
}

/// Sets a unit after a number; a word has none.
fn with_unit(number: &str, unit: &str) -> String {
    if number.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '−' | '-')) {
        format!("{number}{unit}")
    } else {
        number.to_owned()
    }
}

/// Says an estimate in one line of text, for a tooltip.
pub(crate) fn spoken(estimate: &Estimate, format: Format) -> String {
    let shown = show(estimate, format);
    format!(
        "{} [{}, {}] {}",
        with_unit(&shown.value, shown.unit),
        shown.lower,
        shown.upper,
        chosen_percent(estimate.confidence)
    )
}

/// Says what an estimate rests on.
pub(crate) fn provenance(estimate: &Estimate) -> String {
    format!("{}, n\u{a0}=\u{a0}{}", estimate.method, count(estimate.n))
}

/// Shows an estimate: value, interval, confidence; on hover, its method and n. The exact numbers
/// are its attributes.
pub(crate) fn estimate(estimate: &Estimate, format: Format) -> Element {
    let shown = show(estimate, format);
    exact(estimate)
        .child(
            el("span")
                .class("value")
                .child(with_unit(&shown.value, shown.unit)),
        )
        .child(" ")
        .child(
            el("span")
                .class("interval")
                .child(format!("[{}, {}]", shown.lower, shown.upper)),
        )
        .child(" ")
        .child(confidence(estimate))
}

/// Shows only the upper end, as a one-sided bound.
pub(crate) fn upper_bound(estimate: &Estimate, format: Format) -> Element {
    let shown = show(estimate, format);
    one_sided(estimate, "≤ ", &shown.upper, shown.unit)
}

/// Shows the value and its lower end, as a one-sided bound.
pub(crate) fn lower_bound(estimate: &Estimate, format: Format) -> Element {
    let shown = show(estimate, format);
    one_sided(estimate, "≥ ", &shown.lower, shown.unit)
}

fn one_sided(estimate: &Estimate, sign: &str, end: &str, unit: &str) -> Element {
    let sign = if end == "unbounded" || end == NOTHING {
        ""
    } else {
        sign
    };
    exact(estimate)
        .child(
            el("span")
                .class("value")
                .child(format!("{sign}{}", with_unit(end, unit))),
        )
        .child(" ")
        .child(confidence(estimate))
}

fn confidence(estimate: &Estimate) -> Element {
    el("span")
        .class("confidence")
        .child(chosen_percent(estimate.confidence))
}

fn exact(estimate: &Estimate) -> Element {
    let all = |x: f64| {
        if x.is_finite() {
            format!("{x:?}")
        } else {
            not_finite(x)
        }
    };
    el("data")
        .class("estimate")
        .attr(
            "value",
            estimate.value.map_or_else(|| NOTHING.to_owned(), all),
        )
        .attr("data-lower", all(estimate.lower))
        .attr("data-upper", all(estimate.upper))
        .attr("title", provenance(estimate))
}

#[cfg(test)]
mod tests;
