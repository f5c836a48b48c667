//! Guaranteed intervals for the mean of independent numbers in [0, 1].

use crate::bisection::bracket;
use crate::interval::exact_ends;

/// Returns n·KL(sum/n ‖ mean): minus the logarithm of Hoeffding's bound on so extreme a sum.
pub(crate) fn scaled_divergence(sum: f64, n: f64, mean: f64) -> f64 {
    let seen = sum / n;
    let hits = if sum <= 0.0 {
        0.0
    } else {
        sum * (seen / mean).ln()
    };
    let misses = if sum >= n {
        0.0
    } else {
        (n - sum) * ((-seen).ln_1p() - (-mean).ln_1p())
    };
    hits + misses
}

/// Returns the ends of an interval for the mean of `n` independent numbers in [0, 1] with a common
/// mean and the given sum, each end wrong with probability at most `tail`.
///
/// Hoeffding-Bentkus: P(S ≤ s) is at most exp(−n·KL(s/n ‖ μ)) and at most e·P(Bin(n, μ) ≤ ⌈s⌉);
/// both bound the same probability, so the better one may be taken. Without a failure it is the
/// Clopper-Pearson bound.
pub(crate) fn mean_ends(sum: f64, n: f64, tail: f64) -> (f64, f64) {
    let limit = -tail.ln();
    let seen = (sum / n).clamp(0.0, 1.0);
    let bentkus_lower = exact_ends(sum.floor(), n, tail / std::f64::consts::E).0;
    let bentkus_upper = exact_ends(sum.ceil().min(n), n, tail / std::f64::consts::E).1;
    let hoeffding_lower = if sum <= 0.0 {
        0.0
    } else if sum >= n {
        (-limit / n).exp()
    } else {
        // Keeps the side on which the mean is surely too small.
        bracket(0.0, seen, |mean| scaled_divergence(sum, n, mean) > limit).0
    };
    let hoeffding_upper = if sum <= 0.0 {
        -(-limit / n).exp_m1()
    } else if sum >= n {
        1.0
    } else {
        bracket(seen, 1.0, |mean| scaled_divergence(sum, n, mean) <= limit).1
    };
    (
        bentkus_lower.max(hoeffding_lower),
        bentkus_upper.min(hoeffding_upper),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn without_a_failure_it_is_clopper_pearson() {
        let (lower, upper) = mean_ends(0.0, 3000.0, 0.05);
        assert_eq!(lower, 0.0);
        assert!((upper - 9.98079012e-4).abs() < 1e-12, "{upper}");
        let (lower, upper) = mean_ends(3000.0, 3000.0, 0.05);
        assert_eq!(upper, 1.0);
        assert!((1.0 - lower - 9.98079012e-4).abs() < 1e-12, "{lower}");
    }

    #[test]
    fn ends_agree_with_roots_found_by_scipy() {
        for (sum, n, tail, lower, upper) in [
            (2.5, 40.0, 0.025, 0.0059347403077, 0.2183047678131),
            (17.0, 30.0, 0.025, 0.3406509940426, 0.7742419835271),
            (0.6, 2000.0, 0.05, 7.509228917e-7, 0.0024222058164),
        ] {
            let ends = mean_ends(sum, n, tail);
            assert!((ends.0 - lower).abs() < 1e-12, "{ends:?}");
            assert!((ends.1 - upper).abs() < 1e-12, "{ends:?}");
        }
    }

    #[test]
    fn the_ends_mirror_each_other_and_nest() {
        for (sum, n) in [(0.3, 10.0), (2.5, 40.0), (17.0, 30.0), (0.001, 1e6)] {
            let (lower, upper) = mean_ends(sum, n, 0.025);
            let (mirrored_lower, mirrored_upper) = mean_ends(n - sum, n, 0.025);
            assert!((lower - (1.0 - mirrored_upper)).abs() < 1e-9);
            assert!((upper - (1.0 - mirrored_lower)).abs() < 1e-9);
            assert!(lower < sum / n && sum / n < upper);
            let (wide_lower, wide_upper) = mean_ends(sum, n, 0.005);
            assert!(wide_lower <= lower && wide_upper >= upper);
        }
    }

    #[test]
    fn it_contains_the_mean_at_least_as_often_as_promised() {
        let mut held = 0;
        for run in 0..400 {
            let mut stream = Stream::new(3, run);
            // 1 with probability 0.02, 0.1 with probability 0.2: the mean is 0.04.
            let sum: f64 = (0..150)
                .map(|_| match stream.unit() {
                    u if u < 0.02 => 1.0,
                    u if u < 0.22 => 0.1,
                    _ => 0.0,
                })
                .sum();
            let (lower, upper) = mean_ends(sum, 150.0, 0.05);
            held += u32::from(lower <= 0.04 && 0.04 <= upper);
        }
        assert!(held >= 370, "{held} of 400");
    }
}
