//! A number with its interval. Nothing in the product shows a number without one.

use crate::rounding::{Rounding, scientific};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A value with its interval, and what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The point estimate; `None` where the data cannot give one.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
    /// The interval's confidence, such as 0.95.
    pub confidence: f64,
    /// The method, with its version; approximate methods say so.
    pub method: String,
    /// How many independent units (prompts, answers, labels) it rests on.
    pub n: u64,
}

impl Estimate {
    /// Formats the value and its interval with a number format of the caller's.
    pub fn with(&self, number: impl Fn(f64) -> String) -> String {
        let value = self.value.map_or_else(|| "-".to_owned(), &number);
        format!(
            "{value}  [{}, {}] {} %",
            number(self.lower),
            number(self.upper),
            self.confidence * 100.0
        )
    }
}

impl Estimate {
    /// Formats value, lower and upper end in units of 1/`scale` (100 for percent), with so many
    /// decimals (`least` or more) that the interval never looks empty. Its ends are rounded outwards.
    pub fn decimal(&self, scale: f64, least: usize) -> [String; 3] {
        let width = scale * (self.upper - self.lower);
        let decimals = if width > 0.0 && width.is_finite() {
            ((1.0 - width.log10().floor()).max(0.0) as usize).clamp(least, 12)
        } else {
            least
        };
        let outwards = |x: f64, round: fn(f64) -> f64| {
            let units = 10f64.powi(decimals as i32);
            let exact = scale * x * units;
            // Binary fractions of a decimal number lie a hair beside it.
            let near = exact.round();
            let whole = if (exact - near).abs() < 1e-6 {
                near
            } else {
                round(exact)
            };
            format!("{:.decimals$}", whole / units)
        };
        let value = self
            .value
            .map_or_else(|| "-".to_owned(), |x| format!("{:.decimals$}", scale * x));
        [
            value,
            outwards(self.lower, f64::floor),
            outwards(self.upper, f64::ceil),
        ]
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [value, lower, upper] = self.decimal(1.0, 3);
        let or_small = |x: f64, text: String, rounding| {
            if x != 0.0 && x.abs() < 1e-2 {
                scientific(x, 3, rounding)
            } else {
                text
            }
        };
        write!(
            f,
            "{}  [{}, {}] {} %",
            self.value
                .map_or(value.clone(), |x| or_small(x, value, Rounding::Nearest)),
            or_small(self.lower, lower, Rounding::Down),
            or_small(self.upper, upper, Rounding::Up),
            self.confidence * 100.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_small_numbers_in_scientific_form() {
        let e = Estimate {
            value: Some(0.0),
            lower: 0.0,
            upper: 1.2288e-3,
            confidence: 0.95,
            method: "Clopper-Pearson".into(),
            n: 3000,
        };
        assert_eq!(e.to_string(), "0.0000  [0.0000, 1.23e-3] 95 %");
        let e = Estimate {
            upper: 1.2288e-4,
            ..e
        };
        assert_eq!(e.to_string(), "0.00000  [0.00000, 1.23e-4] 95 %");
    }

    #[test]
    fn small_ends_are_never_rounded_inwards() {
        let e = Estimate {
            value: Some(1.224e-4),
            lower: 1.226e-5,
            upper: 1.224e-3,
            confidence: 0.95,
            method: "Clopper-Pearson".into(),
            n: 3000,
        };
        assert_eq!(e.to_string(), "1.22e-4  [1.22e-5, 1.23e-3] 95 %");
    }

    #[test]
    fn an_interval_never_looks_empty() {
        let e = Estimate {
            value: Some(0.0),
            lower: 0.0,
            upper: 3.6882e-4,
            confidence: 0.95,
            method: "Clopper-Pearson".into(),
            n: 10_000,
        };
        assert_eq!(e.decimal(100.0, 1), ["0.000", "0.000", "0.037"]);
        let e = Estimate {
            value: Some(1.0),
            lower: 0.999_631_18,
            upper: 1.0,
            ..e
        };
        assert_eq!(e.to_string(), "1.00000  [0.99963, 1.00000] 95 %");
        let e = Estimate {
            value: Some(0.527),
            lower: 0.4711,
            upper: 0.5819,
            ..e
        };
        assert_eq!(e.decimal(100.0, 1), ["52.7", "47.1", "58.2"]);
        let e = Estimate {
            value: None,
            lower: 0.25,
            upper: 0.7,
            ..e
        };
        assert_eq!(e.decimal(100.0, 1), ["-", "25.0", "70.0"]);
    }
}
