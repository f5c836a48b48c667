use super::*;
use crate::binomial;

const RATER: RaterAccuracy = RaterAccuracy {
    sensitivity: 0.9,
    specificity: 0.98,
};

const ITEMS: FlaggedItems = FlaggedItems {
    flagged: 110,
    rated: 100_000,
    sensitivity: Accuracy::Known(0.95),
    specificity: Accuracy::Measured {
        right: 99_900,
        trials: 100_000,
    },
};

#[test]
fn specificity_is_everything_at_rare_rates() {
    for (specificity, times, digits) in [
        (0.99, 334.0, 0.5),
        (0.999, 34.3, 0.05),
        (0.9999, 4.28, 5e-3),
    ] {
        let rater = RaterAccuracy {
            sensitivity: 0.95,
            specificity,
        };
        let got = observed_rate(3e-5, rater).unwrap() / 3e-5;
        assert!((got - times).abs() < digits, "{got}");
    }
}

#[test]
fn two_raters_by_either_rule() {
    let either = either_rater(RATER, RATER).unwrap();
    let both = both_raters(RATER, RATER).unwrap();
    let value = |rater| positive_predictive_value(0.025, rater).unwrap().unwrap();
    assert!((value(either) - 0.3906).abs() < 5e-5);
    assert!((value(both) - 0.9811).abs() < 5e-5);
    // Either rule enumerates the outcomes of two raters.
    assert!((either.sensitivity - (0.81 + 2.0 * 0.09)).abs() < 1e-12);
    assert!((1.0 - both.specificity - 0.02 * 0.02).abs() < 1e-12);
    let never = RaterAccuracy {
        sensitivity: 0.0,
        specificity: 1.0,
    };
    assert_eq!(positive_predictive_value(0.3, never).unwrap(), None);
}

#[test]
fn correction_undoes_the_raters() {
    for prevalence in [0.0, 1e-4, 0.3, 1.0] {
        let observed = observed_rate(prevalence, RATER).unwrap();
        let items = FlaggedItems {
            flagged: (observed * 1e9).round() as u64,
            rated: 1_000_000_000,
            sensitivity: Accuracy::Known(0.9),
            specificity: Accuracy::Known(0.98),
        };
        let corrected = rogan_gladen(&items, 0.95).unwrap();
        assert!((corrected.uncut - prevalence).abs() < 1e-8);
    }
}

#[test]
fn imperfect_specificity_leaves_almost_nothing_known() {
    let delta = rogan_gladen(&ITEMS, 0.95).unwrap();
    assert!((delta.uncut - 1.054e-4).abs() < 5e-8);
    assert!((delta.standard_error - 1.526e-4).abs() < 5e-8);
    let bounds = corrected_bounds(&ITEMS, 0.95).unwrap();
    assert_eq!((delta.estimate.lower, bounds.estimate.lower), (0.0, 0.0));
    assert!(bounds.estimate.upper > delta.estimate.upper);
    assert!(delta.estimate.method.contains("approximate"));
    assert!(delta.estimate.method.contains("corrected for"));
    let seen = uncorrected_rate(110, 100_000, 0.95).unwrap();
    assert!(seen.estimate.method.contains("not corrected"));
}

#[test]
fn adjudicated_flags_only_divide_by_the_sensitivity() {
    let items = FlaggedItems {
        flagged: 3,
        rated: 1000,
        sensitivity: Accuracy::Known(0.9),
        specificity: Accuracy::Known(1.0),
    };
    let bounds = corrected_bounds(&items, 0.95).unwrap().estimate;
    let exact = clopper_pearson(3, 1000, 0.95).unwrap();
    assert!((bounds.lower - exact.lower / 0.9).abs() < 1e-15);
    assert!((bounds.upper - exact.upper / 0.9).abs() < 1e-15);
}

#[test]
fn no_interval_has_zero_width_and_all_nest() {
    for flagged in [0, 1, 30, 100] {
        for right in [0, 90, 100] {
            let items = FlaggedItems {
                flagged,
                rated: 100,
                sensitivity: Accuracy::Known(0.95),
                specificity: Accuracy::Measured { right, trials: 100 },
            };
            for estimate in [rogan_gladen, corrected_bounds] {
                let (Ok(narrow), Ok(wide)) = (estimate(&items, 0.8), estimate(&items, 0.99)) else {
                    assert_eq!(right, 0);
                    continue;
                };
                let (narrow, wide) = (narrow.estimate, wide.estimate);
                for e in [&narrow, &wide] {
                    assert!(e.lower < e.upper, "{flagged} {right} {e:?}");
                }
                // Flags that contradict the accuracy at the lower confidence need not at the higher.
                let contradicted = narrow.method.contains("contradict");
                assert!(
                    contradicted || (wide.lower <= narrow.lower && narrow.upper <= wide.upper),
                    "{flagged} {right} {narrow:?} {wide:?}"
                );
            }
        }
    }
}

/// Probabilities of every count of a binomial experiment.
fn outcomes(n: u64, p: f64) -> Vec<f64> {
    let below = |k: u64| {
        if k == 0 {
            0.0
        } else {
            binomial::cdf(k - 1, n, p).unwrap()
        }
    };
    (0..=n)
        .map(|k| binomial::cdf(k, n, p).unwrap() - below(k))
        .collect()
}

#[test]
fn bounds_cover_as_often_as_stated() {
    // All outcomes of small experiments, by their probabilities.
    for (prevalence, sensitivity, specificity) in [(0.1, 0.9, 0.95), (0.02, 0.8, 0.9)] {
        let rater = RaterAccuracy {
            sensitivity,
            specificity,
        };
        let mut covered = 0.0;
        for (flagged, p) in outcomes(30, observed_rate(prevalence, rater).unwrap())
            .into_iter()
            .enumerate()
        {
            for (right, q) in outcomes(25, specificity).into_iter().enumerate() {
                let items = FlaggedItems {
                    flagged: flagged as u64,
                    rated: 30,
                    sensitivity: Accuracy::Known(sensitivity),
                    specificity: Accuracy::Measured {
                        right: right as u64,
                        trials: 25,
                    },
                };
                let holds = corrected_bounds(&items, 0.9)
                    .is_ok_and(|c| (c.estimate.lower..=c.estimate.upper).contains(&prevalence));
                covered += if holds { p * q } else { 0.0 };
            }
        }
        assert!(covered >= 0.9, "{covered}");
    }
}

#[test]
fn bad_accuracies_are_errors() {
    let known = FlaggedItems {
        flagged: 1,
        rated: 10,
        sensitivity: Accuracy::Known(0.9),
        specificity: Accuracy::Known(0.9),
    };
    let with_specificity = |right, trials| FlaggedItems {
        specificity: Accuracy::Measured { right, trials },
        ..known
    };
    let with_sensitivity = |value| FlaggedItems {
        sensitivity: Accuracy::Known(value),
        ..known
    };
    for bad in [
        FlaggedItems {
            flagged: 11,
            ..known
        },
        FlaggedItems {
            rated: 0,
            flagged: 0,
            ..known
        },
        with_sensitivity(f64::NAN),
        with_sensitivity(0.1),
        with_specificity(0, 0),
        with_specificity(3, 2),
    ] {
        assert!(rogan_gladen(&bad, 0.95).is_err(), "{bad:?}");
        assert!(corrected_bounds(&bad, 0.95).is_err(), "{bad:?}");
    }
    assert!(rogan_gladen(&known, 1.0).is_err());
}
