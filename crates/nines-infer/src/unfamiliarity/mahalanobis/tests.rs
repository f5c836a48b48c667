use super::*;

const ROWS: usize = 30;
const WIDTH: usize = 4;

/// Rows that the oracle's program makes by the same formula.
fn rows() -> Vec<Vec<f32>> {
    let at = |i: usize, j: usize| {
        let (i, j) = (i as f64, j as f64);
        ((1.7 * i + 0.9 * j * j).sin() + 0.3 * j * (0.4 * i).cos()) as f32
    };
    (0..ROWS)
        .map(|i| (0..WIDTH).map(|j| at(i, j)).collect())
        .collect()
}

const QUERY: [f32; WIDTH] = [0.5, -1.0, 2.0, 0.25];

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-6 * expected.abs(),
        "{found}, not {expected}"
    );
}

/// The numbers are scikit-learn's: `LedoitWolf(assume_centered=True)` on centred rows, and the inverse of its
/// covariance.
#[test]
fn one_class_is_as_scikit_learn_has_it() {
    let fit = Mahalanobis::fit(&rows(), &[false; ROWS]).expect("fitted");
    assert_eq!(fit.means.len(), 1);
    near(fit.shrinkage, 0.119_965_335_404);
    near(fit.distance(&QUERY).expect("a distance"), 4.321_399_910_201);
}

#[test]
fn two_classes_share_a_covariance_and_the_nearer_mean_counts() {
    let classes: Vec<bool> = (0..ROWS).map(|i| i % 3 == 0).collect();
    let fit = Mahalanobis::fit(&rows(), &classes).expect("fitted");
    assert_eq!(fit.means.len(), 2);
    near(fit.shrinkage, 0.120_755_978_804);
    near(
        fit.distance(&QUERY).expect("a distance"),
        4.346_091_320_180_f64.min(4.271_667_849_132),
    );
    for mean in &fit.means {
        let mean: Vec<f32> = mean.iter().map(|x| *x as f32).collect();
        assert!(fit.distance(&mean).expect("a distance") < 1e-5);
    }
}

#[test]
fn rows_in_fewer_directions_than_they_are_wide_still_make_distances_finite() {
    // Twenty rows of width 40 leave the plain covariance without an inverse.
    let rows: Vec<Vec<f32>> = (0..20)
        .map(|i| (0..40).map(|j| ((i * 7 + j * 3) % 11) as f32).collect())
        .collect();
    let fit = Mahalanobis::fit(&rows, &[false; 20]).expect("fitted");
    assert!(fit.shrinkage > 0.0 && fit.is_whole());
    let far = fit.distance(&[100.0; 40]).expect("a distance");
    assert!(far.is_finite() && far > fit.distance(&rows[3]).expect("a distance"));
}

#[test]
fn what_cannot_be_fitted_is_told() {
    let fit = |rows: &[Vec<f32>]| Mahalanobis::fit(rows, &vec![false; rows.len()]);
    assert!(matches!(
        fit(&rows()[..19]),
        Err(FitError::TooFew { given: 19, .. })
    ));
    assert_eq!(fit(&vec![vec![1.0, 2.0]; 30]), Err(FitError::NoVariance));
    assert_eq!(fit(&vec![Vec::new(); 30]), Err(FitError::Width(0)));
    let mut uneven = rows();
    uneven[4].pop();
    assert_eq!(fit(&uneven), Err(FitError::Width(4)));
    let mut broken = rows();
    broken[7][1] = f32::NAN;
    assert_eq!(fit(&broken), Err(FitError::NotFinite(7)));
}

#[test]
fn what_has_another_width_has_no_distance() {
    let fit = Mahalanobis::fit(&rows(), &[true; ROWS]).expect("fitted");
    assert_eq!(fit.distance(&QUERY[..3]), None);
    assert!(fit.distance(&[f32::NAN; WIDTH]).is_some_and(f64::is_nan));
}

#[test]
fn what_is_no_number_for_either_class_is_no_distance() {
    let classes: Vec<bool> = (0..ROWS).map(|i| i % 3 == 0).collect();
    let whole = Mahalanobis::fit(&rows(), &classes).expect("fitted");
    for class in 0..2 {
        let mut fit = whole.clone();
        fit.means[class][1] = f64::NAN;
        assert!(fit.distance(&QUERY).is_some_and(f64::is_nan), "{class}");
    }
}

#[test]
fn a_damaged_file_is_not_taken_for_a_fit() {
    let fit = Mahalanobis::fit(&rows(), &[true; ROWS]).expect("fitted");
    let text = serde_json::to_string(&fit).expect("JSON");
    let read: Mahalanobis = serde_json::from_str(&text).expect("read");
    assert!(read == fit && read.is_whole());
    let damaged: [fn(&mut Mahalanobis); 4] = [
        |fit| fit.means.clear(),
        |fit| fit.means[0].push(1.0),
        |fit| fit.factor[2] = 0.0,
        |fit| fit.factor.truncate(3),
    ];
    for damage in damaged {
        let mut other = fit.clone();
        damage(&mut other);
        assert!(!other.is_whole());
    }
}
