use super::*;

/// Krippendorff's example: four raters, twelve units, with missing ratings.
fn example() -> Vec<Vec<Option<f64>>> {
    let rows: [[u32; 12]; 4] = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ];
    // 0 stands for a missing rating.
    (0..12)
        .map(|unit| {
            rows.iter()
                .map(|row| (row[unit] > 0).then(|| f64::from(row[unit])))
                .collect()
        })
        .collect()
}

fn alpha(ratings: &[Vec<Option<f64>>], metric: Metric) -> f64 {
    krippendorff_alpha(ratings, metric, &Bootstrap::default())
        .unwrap()
        .value
        .unwrap()
}

#[test]
fn the_published_example_comes_out() {
    assert!((alpha(&example(), Metric::Nominal) - 0.743421053).abs() < 5e-10);
    assert!((alpha(&example(), Metric::Interval) - 0.849107143).abs() < 5e-10);
    // Krippendorff 2011 prints 0.815 for the ordinal metric.
    assert!((alpha(&example(), Metric::Ordinal) - 0.815).abs() < 5e-4);
}

#[test]
fn names_do_not_matter_to_nominal_ratings_nor_scale_to_interval_ones() {
    let changed = |f: &dyn Fn(f64) -> f64| -> Vec<Vec<Option<f64>>> {
        example()
            .into_iter()
            .map(|unit| unit.into_iter().map(|r| r.map(f)).collect())
            .collect()
    };
    let renamed = changed(&|r| (r * 7.0) % 11.0);
    assert!((alpha(&renamed, Metric::Nominal) - 0.743421053).abs() < 5e-10);
    let scaled = changed(&|r| 10.0 - 3.0 * r);
    assert!((alpha(&scaled, Metric::Interval) - 0.849107143).abs() < 5e-10);
    let stretched = changed(&|r| r * r * r);
    let ordinal = alpha(&example(), Metric::Ordinal);
    assert!((alpha(&stretched, Metric::Ordinal) - ordinal).abs() < 1e-12);
}

#[test]
fn the_order_of_raters_and_units_does_not_matter() {
    let mut shuffled = example();
    shuffled.reverse();
    for unit in &mut shuffled {
        unit.rotate_left(1);
    }
    for metric in [Metric::Nominal, Metric::Ordinal, Metric::Interval] {
        assert!((alpha(&shuffled, metric) - alpha(&example(), metric)).abs() < 1e-12);
    }
}

#[test]
fn two_raters_agree_with_the_enumeration_of_all_pairs() {
    let units = [(0, 0), (1, 0), (1, 1), (2, 2), (2, 1), (0, 0), (0, 0)];
    let values: Vec<i32> = units.iter().flat_map(|&(a, b)| [a, b]).collect();
    let (mut pairs, mut different) = (0.0, 0.0);
    for i in 0..values.len() {
        for j in 0..values.len() {
            if i != j {
                pairs += 1.0;
                different += f64::from(u8::from(values[i] != values[j]));
            }
        }
    }
    let seen = units.iter().filter(|(a, b)| a != b).count() as f64 / units.len() as f64;
    let rows: Vec<_> = units
        .iter()
        .map(|&(a, b)| vec![Some(f64::from(a)), Some(f64::from(b))])
        .collect();
    let expected = 1.0 - seen / (different / pairs);
    assert!((alpha(&rows, Metric::Nominal) - expected).abs() < 1e-12);
}

#[test]
fn perfect_agreement_is_not_certain() {
    let rows: Vec<_> = (0..40).map(|i| vec![Some(f64::from(i % 2)); 2]).collect();
    let e = krippendorff_alpha(&rows, Metric::Nominal, &Bootstrap::default()).unwrap();
    assert_eq!((e.value, e.upper), (Some(1.0), 1.0));
    assert!(e.lower < 0.85 && e.lower > 0.5, "{}", e.lower);
    // All the same: no value, nothing known.
    let same = vec![vec![Some(0.0); 3]; 9];
    let e = krippendorff_alpha(&same, Metric::Nominal, &Bootstrap::default()).unwrap();
    assert_eq!((e.value, e.lower, e.upper), (None, -1.0, 1.0));
    // One unit: a value, but nothing to resample.
    let one = [vec![Some(0.0), Some(1.0), Some(1.0)]];
    let e = krippendorff_alpha(&one, Metric::Nominal, &Bootstrap::default()).unwrap();
    assert!(e.value.is_some() && (e.lower, e.upper) == (-1.0, 1.0));
}

#[test]
fn intervals_nest_and_hold_the_value() {
    let at = |confidence| {
        let bootstrap = Bootstrap {
            confidence,
            ..Bootstrap::default()
        };
        krippendorff_alpha(&example(), Metric::Nominal, &bootstrap).unwrap()
    };
    let (narrow, wide) = (at(0.8), at(0.95));
    assert!(wide.lower <= narrow.lower && narrow.upper <= wide.upper);
    assert!(narrow.lower < 0.7434 && 0.7434 < narrow.upper);
    assert!(wide.method.contains("approximate"));
}

#[test]
fn bad_ratings_are_errors() {
    let bootstrap = Bootstrap::default();
    let of = |rows: &[Vec<Option<f64>>]| krippendorff_alpha(rows, Metric::Nominal, &bootstrap);
    assert!(matches!(of(&[]), Err(StatsError::Empty { .. })));
    assert!(matches!(
        of(&[vec![Some(1.0)]]),
        Err(StatsError::TooFew {
            have: 1,
            needed: 2,
            ..
        })
    ));
    assert!(matches!(
        of(&[vec![Some(1.0), None], vec![None, None]]),
        Err(StatsError::TooFew { .. })
    ));
    assert!(matches!(
        of(&[vec![Some(1.0); 2], vec![Some(1.0); 3]]),
        Err(StatsError::Lengths { .. })
    ));
    let nan = of(&[vec![Some(1.0); 2], vec![Some(1.0), Some(f64::NAN)]]);
    assert!(matches!(nan, Err(StatsError::NotFinite { index: 3, .. })));
    let few = Bootstrap {
        resamples: 10,
        ..bootstrap
    };
    assert!(krippendorff_alpha(&example(), Metric::Nominal, &few).is_err());
}
