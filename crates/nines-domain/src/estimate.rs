//! A number with its interval. Nothing in the product shows a number without one.

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

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with(|x| {
            if x != 0.0 && x.abs() < 1e-2 {
                format!("{x:.2e}")
            } else {
                format!("{x:.3}")
            }
        }))
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
        assert_eq!(e.to_string(), "0.000  [0.000, 1.23e-3] 95 %");
        let e = Estimate {
            upper: 1.2288e-4,
            ..e
        };
        assert_eq!(e.to_string(), "0.000  [0.000, 1.23e-4] 95 %");
    }
}
