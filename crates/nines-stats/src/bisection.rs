//! Halving a bracket: of real numbers, for bounds that must err to a known side, and of counts.

use crate::error::MOST_COUNTED;

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

/// Returns the smallest count in (`low`, `high`] at which `holds`, which must go from false to true
/// once; it is taken to fail at `low` and to hold at `high`, and is asked at neither.
pub(crate) fn first_count<E>(
    low: u64,
    high: u64,
    holds: impl Fn(u64) -> Result<bool, E>,
) -> Result<u64, E> {
    let (mut low, mut high) = (low, high);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

/// Returns the smallest count from `start` up at which `holds`, which must go from false to true
/// once; `None` when it does not hold at 2⁵³.
pub(crate) fn first_count_from<E>(
    start: u64,
    holds: impl Fn(u64) -> Result<bool, E>,
) -> Result<Option<u64>, E> {
    let (mut low, mut high) = (start.saturating_sub(1), start.max(1));
    while high <= MOST_COUNTED {
        if holds(high)? {
            return first_count(low, high, holds).map(Some);
        }
        (low, high) = (high, high.saturating_mul(2));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn counts_are_found_from_any_start() {
        for wanted in [1, 2, 3, 7, 1000, 1 << 40] {
            let holds = |n: u64| Ok::<bool, Infallible>(n >= wanted);
            assert_eq!(first_count_from(1, holds), Ok(Some(wanted)));
            assert_eq!(first_count(0, u64::MAX, holds), Ok(wanted));
        }
        let never = |_: u64| Ok::<bool, Infallible>(false);
        assert_eq!(first_count_from(1, never), Ok(None));
        assert_eq!(first_count_from(u64::MAX, never), Ok(None));
    }

    #[test]
    fn the_ends_enclose_the_root() {
        let (low, high) = bracket(0.0, past(1e-3, |x| x * x < 2.0), |x| x * x < 2.0);
        assert!(low * low < 2.0 && high * high >= 2.0);
        assert!((high - 2f64.sqrt()).abs() < 1e-14);
        let (low, high) = bracket(0.0, 1.0, |x| x < 1e-300);
        assert!(low < 1e-300 && (1e-300..2e-300).contains(&high));
    }
}
