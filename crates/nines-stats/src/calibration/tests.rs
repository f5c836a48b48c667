use super::*;
use crate::random::Stream;

const LOGITS: [f64; 8] = [2.0, 1.0, -1.0, 3.0, -2.0, 0.5, -0.5, 4.0];
const LABELS: [bool; 8] = [true, false, false, true, false, true, true, true];

fn near(got: f64, expected: f64, within: f64) {
    assert!(
        (got - expected).abs() <= within,
        "{got} instead of {expected}"
    );
}

fn mapped(map: impl Fn(f64) -> f64) -> Vec<f64> {
    LOGITS.iter().map(|&z| map(z)).collect()
}

#[test]
fn a_change_of_mix_shifts_logits() {
    let shift = prior_shift(0.10, 0.025).unwrap();
    near(shift, -1.4663370688, 5e-11);
    let shifted = |p: f64| logistic((p / (1.0 - p)).ln() + shift);
    near(shifted(0.008), 0.0018575851, 5e-11);
    near(shifted(0.10), 0.025, 1e-15);
    // The score .5 comes to the odds ratio of the two shares: (.025/.975)/(.1/.9) = 3/13.
    near(shifted(0.5), 0.1875, 1e-12);
    for bad in [0.0, 1.0, f64::NAN] {
        assert!(prior_shift(bad, 0.1).is_err() && prior_shift(0.1, bad).is_err());
    }
}

#[test]
fn temperature_comes_out() {
    let fitted = fit_temperature(&LOGITS, &LABELS).unwrap();
    near(fitted.temperature, 0.948_060_239_023_559_5, 1e-14);
    let at = mapped(|z| fitted.logit(z));
    near(
        negative_log_likelihood(&LOGITS, &LABELS).unwrap(),
        0.42440883,
        5e-9,
    );
    near(
        negative_log_likelihood(&at, &LABELS).unwrap(),
        0.42405024,
        5e-9,
    );
    near(brier_score(&LOGITS, &LABELS).unwrap(), 0.14597001, 5e-9);
    near(brier_score(&at, &LABELS).unwrap(), 0.14691282, 5e-9);
    // Another unit of the scores is another temperature.
    let scaled: Vec<f64> = LOGITS.iter().map(|z| 1e6 * z).collect();
    let again = fit_temperature(&scaled, &LABELS).unwrap();
    near(again.temperature / fitted.temperature, 1e6, 1e-6);
}

#[test]
fn platt_comes_out() {
    let (catastrophe, safe) = platt_targets(5, 3);
    assert_eq!((catastrophe, safe), (6.0 / 7.0, 0.2));
    let fitted = fit_platt(&LOGITS, &LABELS).unwrap();
    near(fitted.a, -0.502_825_753_764_295_5, 1e-13);
    near(fitted.b, -0.115_893_911_314_448_08, 1e-13);
    // Classes that separate are no trouble.
    let apart = fit_platt(&[-1.0, -2.0, 1.0, 2.0], &[false, false, true, true]).unwrap();
    assert!(apart.a < 0.0 && apart.a.is_finite());
    // Shifted scores shift back.
    let moved: Vec<f64> = LOGITS.iter().map(|z| z - 1000.0).collect();
    let again = fit_platt(&moved, &LABELS).unwrap();
    near(again.logit(-999.0), fitted.logit(1.0), 1e-9);
}

#[test]
fn pooling_comes_out() {
    let fitted = pool_adjacent_violators(&[0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0]).unwrap();
    let third = 1.0 / 3.0;
    let expected = [0.0, third, third, third, 0.5, 0.5, 1.0, 1.0];
    for (got, expected) in fitted.iter().zip(expected) {
        near(*got, expected, 1e-15);
    }
}

#[test]
fn beta_calibration_is_the_optimum() {
    let fitted = fit_beta_calibration(&LOGITS, &LABELS).unwrap();
    let loss =
        |map: BetaCalibration| negative_log_likelihood(&mapped(|z| map.logit(z)), &LABELS).unwrap();
    let best = loss(fitted);
    for step in [-1e-3, 1e-3] {
        let BetaCalibration { a, b, c } = fitted;
        for other in [
            BetaCalibration { a: a + step, b, c },
            BetaCalibration { a, b: b + step, c },
            BetaCalibration { a, b, c: c + step },
        ] {
            if other.a >= 0.0 && other.b >= 0.0 {
                assert!(loss(other) >= best, "{fitted:?} {other:?}");
            }
        }
    }
    // Temperature scaling is the case a = b and c = 0.
    assert!(best <= 0.42405024 + 5e-9);
}

#[test]
fn beta_calibration_finds_its_own_map_again() {
    let truth = BetaCalibration {
        a: 0.6,
        b: 1.8,
        c: -0.7,
    };
    let mut stream = Stream::new(3, 0);
    let logits: Vec<f64> = (0..60_000).map(|_| 3.0 * stream.normal()).collect();
    let labels: Vec<bool> = logits
        .iter()
        .map(|&z| stream.unit() < logistic(truth.logit(z)))
        .collect();
    let fitted = fit_beta_calibration(&logits, &labels).unwrap();
    near(fitted.a, truth.a, 0.05);
    near(fitted.b, truth.b, 0.1);
    near(fitted.c, truth.c, 0.1);
}

#[test]
fn beta_calibration_never_falls() {
    // Safe items at both ends: a free fit would fall.
    let logits = [-5.0, -4.0, -3.0, -1.0, 0.0, 1.0, 3.0, 4.0, 5.0];
    let labels = [false, false, true, true, true, false, true, false, false];
    let fitted = fit_beta_calibration(&logits, &labels).unwrap();
    assert!(fitted.a >= 0.0 && fitted.b >= 0.0);
    // Scores that point the wrong way leave the constant.
    let turned = fit_beta_calibration(
        &[2.0, 1.0, -1.0, -2.0, 1.5],
        &[false, false, true, true, true],
    )
    .unwrap();
    assert_eq!((turned.a, turned.b), (0.0, 0.0));
    near(logistic(turned.c), 0.6, 1e-12);
}

#[test]
fn isotonic_steps_are_never_certain() {
    let logits: Vec<f64> = (0..8).map(f64::from).collect();
    let labels = [false, true, false, false, true, false, true, true];
    let fitted = fit_isotonic(&logits, &labels).unwrap();
    let steps: Vec<_> = fitted
        .blocks()
        .iter()
        .map(|b| (b.catastrophes, b.count, b.probability))
        .collect();
    let third = 1.0 / 3.0;
    let expected = [(0, 1, 0.25), (1, 3, third), (1, 2, 0.5), (2, 2, 5.0 / 6.0)];
    assert_eq!(steps, expected);
    assert_eq!(fitted.probability(3.5), 0.5);
    assert_eq!(fitted.probability(99.0), 5.0 / 6.0);
    assert!(fitted.probability(f64::NAN).is_nan());
    // A first step of one item would be ¼, above the next one's tenth.
    let logits: Vec<f64> = (0..11).map(f64::from).collect();
    let labels: Vec<bool> = (0..11).map(|i| i == 1).collect();
    let fitted = fit_isotonic(&logits, &labels).unwrap();
    assert_eq!(
        (fitted.probability(0.0), fitted.probability(1.0)),
        (0.1, 0.1)
    );
    // A single class is one step.
    let fitted = fit_isotonic(&[1.0, 2.0, 3.0], &[false; 3]).unwrap();
    assert_eq!((fitted.blocks().len(), fitted.probability(0.0)), (1, 0.125));
    let fitted = fit_isotonic(&[1.0, 2.0, 3.0], &[true; 3]).unwrap();
    assert_eq!(fitted.probability(0.0), 0.875);
}

#[test]
fn isotonic_steps_rise_and_ignore_order() {
    for seed in 0..50 {
        let mut stream = Stream::new(seed, 0);
        // Few different scores: many ties.
        let logits: Vec<f64> = (0..40).map(|_| (2.0 * stream.normal()).round()).collect();
        let labels: Vec<bool> = logits
            .iter()
            .map(|&z| stream.unit() < logistic(z))
            .collect();
        let fitted = fit_isotonic(&logits, &labels).unwrap();
        for pair in fitted.blocks().windows(2) {
            assert!(pair[0].high < pair[1].low);
            assert!(pair[0].probability <= pair[1].probability);
        }
        for block in fitted.blocks() {
            assert!(block.probability > 0.0 && block.probability < 1.0);
        }
        let turn = |v: &[f64]| v.iter().rev().copied().collect::<Vec<_>>();
        let turned: Vec<bool> = labels.iter().rev().copied().collect();
        assert_eq!(fit_isotonic(&turn(&logits), &turned).unwrap(), fitted);
        near(
            brier_score(&turn(&logits), &turned).unwrap(),
            brier_score(&logits, &labels).unwrap(),
            1e-14,
        );
    }
}

#[test]
fn bins_cover_calibrated_scores_and_catch_others() {
    let mut stream = Stream::new(1, 0);
    let logits: Vec<f64> = (0..100_000).map(|_| -6.0 + 2.5 * stream.normal()).collect();
    let labels: Vec<bool> = logits
        .iter()
        .map(|&z| stream.unit() < logistic(z))
        .collect();
    let bins = reliability_bins(&logits, &labels, 5, 0.99).unwrap();
    assert_eq!(bins.len(), 6);
    assert_eq!(bins.iter().map(|b| b.count).sum::<u64>(), 100_000);
    for bin in &bins {
        let expected = bin.expected / bin.count as f64;
        assert!((bin.low..bin.high).contains(&expected));
        assert!((bin.observed.lower..=bin.observed.upper).contains(&expected));
    }
    // Scores that are too sure by a factor of 30 show in the bins.
    let sure: Vec<f64> = logits.iter().map(|z| z - 30f64.ln()).collect();
    let bins = reliability_bins(&sure, &labels, 5, 0.99).unwrap();
    let caught = bins
        .iter()
        .filter(|b| b.observed.lower > b.expected / b.count as f64)
        .count();
    assert!(caught >= 3, "{caught}");
    let ends = reliability_bins(&[800.0, -800.0], &[true, false], 2, 0.95).unwrap();
    assert_eq!((ends[0].count, ends[2].count), (1, 1));
}

#[test]
fn bad_items_are_errors() {
    assert!(matches!(
        fit_temperature(&[1.0], &[]),
        Err(StatsError::Lengths { .. })
    ));
    assert!(matches!(fit_platt(&[], &[]), Err(StatsError::Empty { .. })));
    assert!(matches!(
        fit_isotonic(&[1.0, f64::NAN], &[true, false]),
        Err(StatsError::NotFinite { index: 1, .. })
    ));
    for labels in [[true; 2], [false; 2]] {
        assert!(matches!(
            fit_temperature(&[1.0, 2.0], &labels),
            Err(StatsError::OneClass { .. })
        ));
        assert!(fit_platt(&[1.0, 2.0], &labels).is_err());
        assert!(fit_beta_calibration(&[1.0, 2.0], &labels).is_err());
    }
    for (logits, labels) in [
        ([1.0, -1.0, 2.0], [true, false, true]),
        ([1.0, -1.0, -2.0], [false, true, true]),
        ([0.0, 0.0, 0.0], [false, true, true]),
    ] {
        assert!(matches!(
            fit_temperature(&logits, &labels),
            Err(StatsError::Undetermined { .. })
        ));
    }
    assert!(matches!(
        fit_platt(&[0.7; 3], &[false, true, true]),
        Err(StatsError::Undetermined { .. })
    ));
    for logits in [[-1.0, 1.0, 2.0], [3.0; 3]] {
        assert!(matches!(
            fit_beta_calibration(&logits, &[false, true, true]),
            Err(StatsError::Undetermined { .. })
        ));
    }
    assert!(reliability_bins(&[1.0], &[true], 301, 0.95).is_err());
    assert!(reliability_bins(&[1.0], &[true], 3, 1.0).is_err());
}
