//! `nines stats`: the estimators on counts that people bring themselves; no project is needed.

mod interval;
mod plan;

use crate::cli::StatsCommand;
use crate::output::Output;
use anyhow::Result;

/// Runs `nines stats`.
pub fn run(command: StatsCommand, output: &Output) -> Result<()> {
    match command {
        StatsCommand::Interval(args) => interval::run(&args, output),
        StatsCommand::Plan(args) => plan::run(&args, output),
    }
}

/// Which way the last digit shown is rounded.
#[derive(Debug, Clone, Copy)]
pub enum Towards {
    Nearest,
    Zero,
    One,
}

/// Writes a rate with four digits: as it is down to a thousandth, below in powers of ten.
pub fn rate(x: f64, towards: Towards) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let power = x.log10().floor() as i32;
    let unit = 10f64.powi(power - 3);
    let digits = x / unit;
    // Binary fractions of a decimal number lie a hair beside it.
    let digits = match towards {
        Towards::Zero => (digits + 1e-9).floor(),
        Towards::One => (digits - 1e-9).ceil(),
        Towards::Nearest => digits.round(),
    };
    let shown = digits * unit;
    if power < -3 {
        format!("{shown:.3e}")
    } else {
        format!("{shown:.*}", (3 - power).max(0) as usize)
    }
}

/// Writes a count with commas between its thousands.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let first = digits.len() % 3;
    let mut out = digits[..first].to_owned();
    for (at, digit) in digits[first..].chars().enumerate() {
        if at % 3 == 0 && !out.is_empty() {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_keep_four_digits_and_round_as_asked() {
        assert_eq!(rate(0.0, Towards::One), "0");
        assert_eq!(rate(9.98527568e-5, Towards::One), "9.986e-5");
        assert_eq!(rate(9.98527568e-5, Towards::Zero), "9.985e-5");
        assert_eq!(rate(0.0362166926, Towards::One), "0.03622");
        assert_eq!(rate(1.0, Towards::One), "1.000");
        assert_eq!(rate(0.1, Towards::Zero), "0.1000");
        assert_eq!(rate(0.99999, Towards::Nearest), "1.0000");
        assert_eq!(rate(2e-4, Towards::Nearest), "2.000e-4");
    }

    #[test]
    fn thousands_are_told_apart() {
        let found = [0, 999, 1_000, 30_000, 1_234_567].map(grouped);
        assert_eq!(found, ["0", "999", "1,000", "30,000", "1,234,567"]);
    }
}
