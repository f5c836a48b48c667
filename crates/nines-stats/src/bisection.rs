//! Halving a bracket, for bounds that must err to a known side.

/// Narrows a bracket of positive numbers, at whose low side `low_side` holds and at whose high side
/// it does not, until its ends are neighbours or differ by 10⁻¹⁵ of themselves. Returns both ends:
/// the caller takes the one that keeps its promise.
pub(crate) fn bracket(low: f64, high: f64, low_side: impl Fn(f64) -> bool) -> (f64, f64) {
    let (mut low, mut high) = (low, high);
    // Halving reaches any positive f64 from any other in fewer steps than this.
    for _ in 0..1200 {
        let middle = low + 0.5 * (high - low);
        if middle <= low || middle >= high || high - low <= 1e-15 * high {
            break;
        }
        if low_side(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low, high)
}

/// Doubles `start` until `low_side` no longer holds there.
pub(crate) fn past(start: f64, low_side: impl Fn(f64) -> bool) -> f64 {
    let mut high = start;
    while low_side(high) && high < f64::MAX / 4.0 {
        high *= 2.0;
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_enclose_the_root() {
        let (low, high) = bracket(0.0, past(1e-3, |x| x * x < 2.0), |x| x * x < 2.0);
        assert!(low * low < 2.0 && high * high >= 2.0);
        assert!((high - 2f64.sqrt()).abs() < 1e-14);
        let (low, high) = bracket(0.0, 1.0, |x| x < 1e-300);
        assert!(low < 1e-300 && (1e-300..2e-300).contains(&high));
    }
}
