use super::*;

fn near(got: f64, expected: f64, relative: f64) {
    assert!(
        (got - expected).abs() <= relative * expected.abs(),
        "{got:e} instead of {expected:e}"
    );
}

// The expected numbers are from 40-digit arithmetic: the series with Newton's method.

#[test]
fn lower_quantiles_have_twelve_digits() {
    for (p, a, expected) in [
        (0.025, 0.01, 3.522_685_997_313_792_4e-161),
        (0.05, 0.5, 0.001_966_070_000_009_761_6),
        (0.3, 0.7, 0.172_519_800_333_608_53),
        (0.025, 2.3, 0.342_237_404_699_040_9),
        (0.5, 15.9, 15.567_937_666_878_58),
        (0.001, 77.7, 53.279_861_664_027_76),
        (0.025, 12_345.6, 12_128.775_615_877_748),
        (0.05, 1e6, 998_355.715_083_717_8),
        (0.025, 1e7, 9_993_802.996_884_267),
    ] {
        near(quantile(p, a).unwrap(), expected, 1e-12);
    }
    // Too small for a number, but not an error.
    assert_eq!(quantile(0.025, 1e-3).unwrap(), 0.0);
}

#[test]
fn upper_quantiles_have_twelve_digits() {
    for (q, a, expected) in [
        (0.025, 1e-3, 5.679_251_996_823_418_4e-12),
        (0.05, 0.01, 0.003_362_623_998_074_705),
        (0.5, 0.3, 0.073_131_135_866_951_9),
        (0.025, 0.999, 3.686_775_668_810_270_6),
        (0.025, 2.3, 6.083_455_774_632_757),
        (1e-12, 9.5, 49.250_049_159_957_85),
        (0.05, 77.7, 92.744_867_758_661_64),
        (0.025, 12_345.6, 12_564.318_678_970_2),
        (0.025, 1e7, 10_006_198.897_421_6),
    ] {
        near(upper_quantile(q, a).unwrap(), expected, 1e-12);
    }
}

#[test]
fn both_tails_keep_their_digits() {
    for (a, x, lower, upper) in [
        (
            1e-3,
            0.5,
            -0.000_560_223_552_384_776_6,
            -7.487_454_751_906_464,
        ),
        (0.3, 1.4, -0.049_359_505_775_974_68, -3.033_203_151_992_659),
        (0.7, 1.6, -0.127_119_130_746_403_7, -2.125_516_947_791_357),
        (
            2.5,
            0.01,
            -12.721_039_655_708_713,
            -2.987_605_994_796_939_3e-6,
        ),
        (
            10.0,
            40.0,
            -3.925_932_233_992_66e-9,
            -19.355_662_004_031_213,
        ),
        (
            100.0,
            50.0,
            -21.862_679_706_410_287,
            -3.2000653250971462e-10,
        ),
        (1e4, 10_300.0, -0.001471577135086933, -6.522_156_270_642_224),
    ] {
        let tails = ln_tails(a, x).unwrap();
        near(tails.lower, lower, 2e-12);
        near(tails.upper, upper, 2e-12);
    }
    let at_zero = ln_tails(0.5, 0.0).unwrap();
    assert_eq!((at_zero.lower, at_zero.upper), (f64::NEG_INFINITY, 0.0));
    let at_infinity = ln_tails(0.5, f64::INFINITY).unwrap();
    assert_eq!(
        (at_infinity.lower, at_infinity.upper),
        (0.0, f64::NEG_INFINITY)
    );
}

#[test]
fn whole_shapes_count_poisson_arrivals() {
    // P(Gamma(k) > x) = P(Poisson(x) < k).
    for k in 1..30u32 {
        for x in [0.1f64, 1.0, 4.5, 17.0, 40.0] {
            let (mut term, mut sum) = ((-x).exp(), 0.0);
            for j in 0..k {
                sum += term;
                term *= x / f64::from(j + 1);
            }
            near(ln_tails(f64::from(k), x).unwrap().upper.exp(), sum, 1e-13);
        }
    }
}

#[test]
fn quantiles_invert_the_tails_for_any_shape() {
    for a in [1e-3, 0.02, 0.4, 0.99, 1.0, 1.01, 3.3, 61.0, 5e3, 1e8] {
        // Far out at shape 10⁸ the rounding of x alone moves the tail by 1e-9 of itself.
        for p in [1e-300, 1e-9, 0.05, 0.5, 0.8, 0.999] {
            let x = quantile(p, a).unwrap();
            if x > 0.0 {
                near(ln_tails(a, x).unwrap().lower.exp(), p, 1e-8);
            }
            let y = upper_quantile(p, a).unwrap();
            if y > 0.0 {
                near(ln_tails(a, y).unwrap().upper.exp(), p, 1e-8);
            }
        }
    }
}

#[test]
fn tails_join_where_the_method_changes() {
    for a in [0.2, 0.9, 1.0, 7.5, 1e4, 1e9] {
        for x in [1.5, a] {
            let below = ln_tails(a, x * (1.0 - 1e-14)).unwrap();
            let above = ln_tails(a, x * (1.0 + 1e-14)).unwrap();
            near(below.lower, above.lower, 1e-8);
            near(below.upper, above.upper, 1e-8);
        }
    }
}

#[test]
fn chi_square_takes_degrees_of_freedom_that_are_not_whole() {
    near(
        chi_square_quantile(0.025, 60.0).unwrap(),
        40.481_748_042_841_83,
        1e-12,
    );
    near(
        chi_square_upper_quantile(0.025, 122.0).unwrap(),
        154.46378681328665,
        1e-12,
    );
    near(
        chi_square_quantile(0.025, 3.7).unwrap(),
        0.394576875341516,
        1e-12,
    );
}

#[test]
fn parameters_outside_their_range_are_errors() {
    for a in [0.0, -1.0, f64::NAN, f64::INFINITY, 2e10] {
        assert!(quantile(0.5, a).is_err());
        assert!(upper_quantile(0.5, a).is_err());
        assert!(ln_tails(a, 1.0).is_err());
        assert!(chi_square_quantile(0.5, 2.0 * a).is_err());
    }
    for p in [0.0, 1.0, -0.1, f64::NAN] {
        assert!(quantile(p, 2.0).is_err());
        assert!(chi_square_upper_quantile(p, 2.0).is_err());
    }
    assert!(ln_tails(2.0, -1.0).is_err());
    assert!(ln_tails(2.0, f64::NAN).is_err());
}

#[test]
fn poisson_probabilities_add_up() {
    for mean in [0.3, 1.0, 7.5, 40.0] {
        let sum: f64 = (0..200)
            .map(|j| ln_front(f64::from(j), mean, mean.ln()).exp())
            .sum();
        assert!((sum - 1.0).abs() < 1e-12, "{mean}: {sum}");
    }
}
