use super::*;
use nines_stats::random::Stream;

fn random_table(rows: usize, width: usize) -> (Vec<f32>, Vec<bool>) {
    let mut stream = Stream::new(3, 0);
    let features: Vec<f32> = (0..rows * width)
        .map(|i| (stream.normal() * (1.0 + (i % width) as f64) + 2.0) as f32)
        .collect();
    let truths = features
        .chunks(width)
        .map(|row| f64::from(row[0]) - 2.0 + stream.normal() > 0.0)
        .collect();
    (features, truths)
}

#[test]
fn the_gradient_is_nothing_at_the_fit() {
    // The loss is strictly convex: where its gradient, computed anew here, is nothing, is the minimum.
    let (features, truths) = random_table(60, 3);
    let weights = vec![1.0; 60];
    let table = Table {
        features: &features,
        width: 3,
        truths: &truths,
        weights: &weights,
    };
    let fit = Ridge::fit(&table, 2.0).expect("fits");
    let mut gradient = [0.0f64; 4];
    for (row, truth) in features.chunks(3).zip(&truths) {
        let miss = sigmoid(fit.log_odds(row).expect("width")) - f64::from(u8::from(*truth));
        gradient[0] += miss;
        for k in 0..3 {
            gradient[k + 1] += miss * (f64::from(row[k]) - fit.means[k]) / fit.scales[k];
        }
    }
    for k in 0..3 {
        gradient[k + 1] += 2.0 * fit.weights[k];
    }
    for slope in gradient {
        assert!(slope.abs() < 1e-6, "{gradient:?}");
    }
    assert!(fit.weights[0] > 3.0 * fit.weights[1].abs());
    assert_eq!(fit.log_odds(&[1.0]), None);
}

#[test]
fn one_free_bias_is_the_log_odds_of_the_share() {
    // A column that never changes says nothing: 3 of 4 gives ln 3.
    let table = Table {
        features: &[5.0; 4],
        width: 1,
        truths: &[true, true, true, false],
        weights: &[1.0; 4],
    };
    let fit = Ridge::fit(&table, 1.0).expect("fits");
    assert!((fit.bias - 3f64.ln()).abs() < 1e-8, "{fit:?}");
    assert_eq!(fit.weights, [0.0]);
}

#[test]
fn a_batch_with_more_features_than_rows_is_learnt_by_heart() {
    let (features, _) = random_table(24, 40);
    let truths: Vec<bool> = (0..24).map(|i| i % 3 == 0).collect();
    let weights = vec![1.0; 24];
    let table = Table {
        features: &features,
        width: 40,
        truths: &truths,
        weights: &weights,
    };
    let fit = Ridge::fit(&table, 1e-4).expect("fits");
    for (row, truth) in features.chunks(40).zip(&truths) {
        let log_odds = fit.log_odds(row).expect("width");
        assert!(
            (log_odds > 3.0) == *truth && log_odds.abs() > 3.0,
            "{log_odds}"
        );
    }
}

#[test]
fn threads_change_no_bit() {
    let (features, truths) = random_table(80, 9);
    let weights: Vec<f64> = (0..80).map(|i| 0.5 + f64::from(i % 3)).collect();
    let table = Table {
        features: &features,
        width: 9,
        truths: &truths,
        weights: &weights,
    };
    let with = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("a pool")
            .install(|| Ridge::fit(&table, 0.5).expect("fits"))
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn what_cannot_be_fitted_is_named() {
    let fit = |features: &[f32], truths: &[bool], ridge| {
        let weights = vec![1.0; truths.len()];
        Ridge::fit(
            &Table {
                features,
                width: 1,
                truths,
                weights: &weights,
            },
            ridge,
        )
        .expect_err("refused")
    };
    assert!(matches!(
        fit(&[1.0], &[true, false], 1.0),
        RidgeError::Shape { .. }
    ));
    assert!(matches!(
        fit(&[1.0, 2.0], &[true, true], 1.0),
        RidgeError::OneClass {
            injurious: 2,
            safe: 0
        }
    ));
    assert!(matches!(
        fit(&[1.0, f32::NAN], &[true, false], 1.0),
        RidgeError::NotFinite(1)
    ));
    assert!(matches!(
        fit(&[1.0, 2.0], &[true, false], 0.0),
        RidgeError::Ridge(_)
    ));
}
