//! Numbers in powers of ten, rounded exactly: an interval's end that moves inwards claims more than is
//! known.

/// Which way the last digit shown is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest.
    Nearest,
    /// Towards minus infinity: for lower ends.
    Down,
    /// Towards infinity: for upper ends.
    Up,
}

/// Writes a number as `1.2e-4` with so many digits (1 to 17); rounding down or up is exact.
///
/// A number that the digits hold exactly stays as it is. What is not finite is written as Rust writes it.
///
/// # Example
/// ```
/// use nines_domain::rounding::{Rounding, scientific};
/// assert_eq!(scientific(1.224e-4, 3, Rounding::Nearest), "1.22e-4");
/// assert_eq!(scientific(1.224e-4, 3, Rounding::Up), "1.23e-4");
/// assert_eq!(scientific(1.22e-4, 3, Rounding::Up), "1.22e-4");
/// assert_eq!(scientific(9.996e-5, 3, Rounding::Up), "1.00e-4");
/// ```
pub fn scientific(x: f64, digits: usize, rounding: Rounding) -> String {
    let digits = digits.clamp(1, 17);
    let text = format!("{:.*e}", digits - 1, x);
    let near: f64 = text.parse().unwrap_or(x);
    let step: i64 = match rounding {
        Rounding::Down if near > x => -1,
        Rounding::Up if near < x => 1,
        _ => return text,
    };
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let whole: i64 = mantissa.replace('.', "").parse().unwrap_or(0);
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // Written with one digit more, a step across a power of ten needs no care.
    let (sign, size) = (whole.signum(), (whole + step).abs());
    let ten = 10i64.pow(digits as u32);
    let (size, exponent) = if size >= ten {
        (size / 10, exponent + 1)
    } else if size < ten / 10 {
        (size * 10 + 9, exponent - 1)
    } else {
        (size, exponent)
    };
    let all = format!("{size}");
    let (first, rest) = all.split_at(1);
    let dot = if rest.is_empty() { "" } else { "." };
    let sign = if sign < 0 { "-" } else { "" };
    format!("{sign}{first}{dot}{rest}e{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_across_a_power_of_ten_keeps_its_digits() {
        assert_eq!(scientific(9.96e-5, 2, Rounding::Up), "1.0e-4");
        assert_eq!(scientific(9.91e-5, 2, Rounding::Up), "1.0e-4");
        assert_eq!(scientific(9.99e-5, 2, Rounding::Down), "9.9e-5");
        assert_eq!(scientific(1.0e-4, 2, Rounding::Down), "1.0e-4");
        assert_eq!(scientific(9.999e-5, 2, Rounding::Down), "9.9e-5");
        assert_eq!(scientific(3e-5, 2, Rounding::Up), "3.0e-5");
        assert_eq!(scientific(-1.23e-4, 2, Rounding::Down), "-1.3e-4");
        assert_eq!(scientific(-1.23e-4, 2, Rounding::Up), "-1.2e-4");
        assert_eq!(scientific(-9.99e-4, 2, Rounding::Down), "-1.0e-3");
    }

    #[test]
    fn what_is_not_finite_stays_as_it_is() {
        assert_eq!(scientific(f64::INFINITY, 3, Rounding::Up), "inf");
        assert_eq!(scientific(f64::NAN, 3, Rounding::Down), "NaN");
        assert_eq!(scientific(0.0, 3, Rounding::Down), "0.00e0");
    }
}
