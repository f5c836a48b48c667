//! The worked numbers of the statistics the product rests on. Two of the published ones are
//! misprints, and stand here as scipy has them: Wilson's upper end for 0/30000 (1.28032233e-4, not
//! …033e-4) and the one-sided bound for 10/100 (0.1637176, not 0.1637163).

use nines_stats::interval::{clopper_pearson, trials_needed, upper_bound, wilson};
use nines_stats::threshold::neyman_pearson_order;
use nines_stats::{StatsError, reliability};

/// Says whether `got` prints as the `digits`-digit figure `want`.
fn agrees(got: f64, want: f64, digits: i32) -> bool {
    (got - want).abs() <= 0.6 * 10f64.powi(1 - digits) * 10f64.powf(want.abs().log10().floor())
        || got == want
}

#[test]
fn intervals_of_rare_counts() {
    #[rustfmt::skip]
    let rows = [
        (0, 100, 0.0, 0.0362166926, 0.0295130496, 0.0, 0.0369934982),
        (0, 3_000, 0.0, 1.22887080e-3, 9.98079012e-4, 0.0, 1.27884873e-3),
        (0, 30_000, 0.0, 1.22955089e-4, 9.98527568e-5, 0.0, 1.28032233e-4),
        (0, 100_000, 0.0, 3.68881142e-5, 2.99568740e-5, 0.0, 3.84131126e-5),
        (1, 100, 2.53146033e-4, 0.0544593854, 0.0465598115, 1.76743206e-3, 0.0544861962),
        (3, 1_000, 6.19099932e-4, 8.74202324e-3, 7.73524472e-3, 1.02078388e-3, 8.78301405e-3),
        (2, 100_000, 2.42210196e-6, 7.22449894e-5, 6.29565840e-5, 5.48473852e-6, 7.29268375e-5),
        (3, 100_000, 6.18676396e-6, 8.76702026e-5, 7.75347224e-5, 1.02027585e-5, 8.82080493e-5),
        (10, 100, 0.0490046892, 0.1762225978, 0.1637176, 0.0552291371, 0.1743656615),
    ];
    for (k, n, lower, upper, one_sided, wilson_lower, wilson_upper) in rows {
        let cp = clopper_pearson(k, n, 0.95).expect("valid");
        let w = wilson(k, n, 0.95).expect("valid");
        let bound = upper_bound(k, n, 0.95).expect("valid").upper;
        for (got, want, digits) in [
            (cp.lower, lower, 9),
            (cp.upper, upper, 9),
            (bound, one_sided, 7),
            (w.lower, wilson_lower, 9),
            (w.upper, wilson_upper, 9),
        ] {
            assert!(
                agrees(got, want, digits),
                "{k}/{n}: {got:e} instead of {want:e}"
            );
        }
    }
}

#[test]
fn trials_needed_for_a_claim() {
    let rows = [
        (1e-2, 0, 0.95, 299),
        (1e-3, 0, 0.95, 2_995),
        (1e-4, 0, 0.95, 29_956),
        (1e-5, 0, 0.95, 299_572),
        (1e-2, 0, 0.99, 459),
        (1e-3, 0, 0.99, 4_603),
        (1e-4, 0, 0.99, 46_050),
        (1e-5, 0, 0.99, 460_515),
        (1e-3, 1, 0.95, 4_742),
        (1e-3, 2, 0.95, 6_294),
    ];
    for (p, failures, confidence, want) in rows {
        assert_eq!(
            trials_needed(p, failures, confidence),
            Ok(want),
            "{p} {failures}"
        );
    }
}

#[test]
fn neyman_pearson_orders() {
    let rows = [
        (59, 0.05, 1, 0.0484945),
        (299, 0.01, 1, f64::NAN),
        (1_000, 0.01, 5, 0.0286864),
        (1_000, 0.05, 39, 0.0433482),
        (2_995, 0.001, 1, f64::NAN),
        (5_000, 0.001, 2, 0.0403603),
        (10_000, 0.001, 5, 0.0291960),
        (10_000, 0.01, 84, 0.0455192),
    ];
    for (n, max_miss, k, violation) in rows {
        let order = neyman_pearson_order(n, max_miss, 0.95).expect("feasible");
        assert_eq!(order.k, k, "{n} {max_miss}");
        if !violation.is_nan() {
            assert!(
                agrees(order.violation, violation, 6),
                "{n}: {}",
                order.violation
            );
        }
    }
    let error = neyman_pearson_order(58, 0.05, 0.95).expect_err("infeasible");
    assert!(
        matches!(
            error,
            StatsError::TooFewForGuarantee {
                n: 58,
                needed: 59,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn nines_and_survival() {
    let lower = |k, n| reliability::nines(k, n, 0.95).expect("valid").lower;
    assert!(agrees(lower(0, 30_000), 4.0006, 5));
    assert!(agrees(lower(3, 100_000), 4.1105, 5));
    assert!(agrees(lower(2, 100_000), 4.2010, 5));
    let point = |k, n| reliability::nines(k, n, 0.95).expect("valid").point;
    assert!(agrees(point(3, 100_000).expect("failures"), 4.5229, 5));
    assert!(agrees(point(2, 100_000).expect("failures"), 4.6990, 5));
    assert_eq!(reliability::nines(0, 0, 0.95).expect("valid").lower, 0.0);
    assert!(agrees(
        reliability::clean_again(30_000, 1_000_000),
        0.17066473,
        8
    ));
    assert!(agrees(reliability::clean_again(0, 1), 0.5, 12));
}

#[test]
fn wilson_covers_too_seldom_at_a_rare_rate() {
    let (n, p) = (1_000, 1.76e-4);
    let mut covered = 0.0;
    for k in 0..=n {
        let e = wilson(k, n, 0.95).expect("valid");
        if e.lower <= p && p <= e.upper {
            covered += nines_stats::binomial::cdf(k, n, p).expect("valid")
                - if k == 0 {
                    0.0
                } else {
                    nines_stats::binomial::cdf(k - 1, n, p).expect("valid")
                };
        }
    }
    assert!((covered - 0.839).abs() < 5e-4, "{covered}");
}
