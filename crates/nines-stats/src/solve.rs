//! One root finder for every quantile: Newton on the logarithm of a distribution function, kept
//! inside a bracket.

/// The logarithm of a distribution function at a point, and its slope there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogCdf {
    pub(crate) ln_cdf: f64,
    pub(crate) slope: f64,
}

/// Finds `t` where the increasing function `ln_cdf(t)` reaches `target`.
///
/// For a log-concave density the logarithm of the distribution function is concave, so Newton's
/// steps approach the root from the left without overshooting; the bracket guards the rest.
pub(crate) fn solve(target: f64, start: f64, log_cdf: impl Fn(f64) -> LogCdf) -> f64 {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut t = start;
    let mut widening = 1.0;
    for _ in 0..200 {
        let at = log_cdf(t);
        let excess = at.ln_cdf - target;
        if excess == 0.0 {
            return t;
        }
        if excess > 0.0 {
            high = t;
        } else {
            low = t;
        }
        let mut next = t - excess / at.slope;
        let inside = next > low && next < high;
        if !inside {
            next = match (low.is_finite(), high.is_finite()) {
                (true, true) => 0.5 * (low + high),
                (true, false) => t + widening,
                _ => t - widening,
            };
            widening *= 2.0;
        }
        if (next - t).abs() <= 2.0 * f64::EPSILON * t.abs().max(0.25) {
            return next;
        }
        t = next;
    }
    t
}
