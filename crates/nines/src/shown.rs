//! How numbers are written for people.

use nines_domain::estimate::Estimate;

/// Which way the last digit shown is rounded.
#[derive(Debug, Clone, Copy)]
pub enum Towards {
    Nearest,
    Down,
    Up,
}

/// Writes a rate with four digits: as it is down to a thousandth, below in powers of ten.
pub fn rate(x: f64, towards: Towards) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    if x < 0.0 {
        let mirrored = match towards {
            Towards::Nearest => Towards::Nearest,
            Towards::Down => Towards::Up,
            Towards::Up => Towards::Down,
        };
        return format!("-{}", rate(-x, mirrored));
    }
    if !x.is_finite() {
        return "infinity".to_owned();
    }
    let power = x.log10().floor() as i32;
    let unit = 10f64.powi(power - 3);
    let digits = x / unit;
    // Binary fractions of a decimal number lie a hair beside it.
    let digits = match towards {
        Towards::Down => (digits + 1e-9).floor(),
        Towards::Up => (digits - 1e-9).ceil(),
        Towards::Nearest => digits.round(),
    };
    let shown = digits * unit;
    if power < -3 {
        format!("{shown:.3e}")
    } else {
        format!("{shown:.*}", (3 - power).max(0) as usize)
    }
}

/// Writes a number that people gave with at most two decimals.
pub fn trimmed(x: f64) -> String {
    let text = format!("{x:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
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

/// Writes how many of something there are: "1 find", "2,000 finds".
pub fn counted(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(n))
}

/// Writes an interval's two ends, rounded outwards.
pub fn ends(of: &Estimate) -> String {
    let (lower, upper) = (rate(of.lower, Towards::Down), rate(of.upper, Towards::Up));
    let closes = if of.upper.is_finite() { ']' } else { ')' };
    format!("[{lower}, {upper}{closes}")
}

/// Writes a value with its interval; where the data give no value, a dash stands for it.
pub fn with_ends(of: &Estimate) -> String {
    let value = of
        .value
        .map_or_else(|| "-".to_owned(), |value| rate(value, Towards::Nearest));
    format!("{value}  {}", ends(of))
}

/// Writes a value with its interval, confidence and method.
pub fn whole(of: &Estimate) -> String {
    format!(
        "{} {} %, {}",
        with_ends(of),
        percent(of.confidence),
        of.method
    )
}

/// Writes what an upper bound promises.
pub fn at_most(of: &Estimate) -> String {
    let upper = rate(of.upper, Towards::Up);
    format!(
        "{upper} with {} % confidence, {}",
        percent(of.confidence),
        of.method
    )
}

/// Returns a share as a percentage, without the digits that binary fractions leave behind.
pub fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

/// Writes rows of cells in columns: the first one to the left, the others to the right; each line is
/// indented.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            if at == 0 {
                line.push_str(&format!("  {cell:<width$}"));
            } else {
                line.push_str(&format!("  {cell:>width$}"));
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_keep_four_digits_and_round_as_asked() {
        assert_eq!(rate(0.0, Towards::Up), "0");
        assert_eq!(rate(9.98527568e-5, Towards::Up), "9.986e-5");
        assert_eq!(rate(9.98527568e-5, Towards::Down), "9.985e-5");
        assert_eq!(rate(0.0362166926, Towards::Up), "0.03622");
        assert_eq!(rate(1.0, Towards::Up), "1.000");
        assert_eq!(rate(0.1, Towards::Down), "0.1000");
        assert_eq!(rate(0.99999, Towards::Nearest), "1.0000");
        assert_eq!(rate(2e-4, Towards::Nearest), "2.000e-4");
        assert_eq!(rate(-9.98527568e-5, Towards::Down), "-9.986e-5");
        assert_eq!(rate(f64::INFINITY, Towards::Up), "infinity");
    }

    #[test]
    fn what_people_gave_keeps_its_digits() {
        let found = [780.0, 12_345.25, 0.0, 5.5].map(trimmed);
        assert_eq!(found, ["780", "12345.25", "0", "5.5"]);
    }

    #[test]
    fn thousands_are_told_apart() {
        let found = [0, 999, 1_000, 30_000, 1_234_567].map(grouped);
        assert_eq!(found, ["0", "999", "1,000", "30,000", "1,234,567"]);
    }
}
