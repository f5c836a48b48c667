use super::*;
use crate::random::Stream;

const Y: [f64; 10] = [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
const F: [f64; 10] = [0.1, 0.9, 0.8, 0.1, 0.3, 0.7, 0.05, 0.1, 0.9, 0.2];
const UNLABELLED: [f64; 20] = [
    0.1, 0.9, 0.1, 0.05, 0.8, 0.7, 0.1, 0.15, 0.2, 0.9, 0.05, 0.4, 0.1, 0.2, 0.6, 0.1, 0.1, 0.95,
    0.3, 0.2,
];

fn close(got: f64, expected: f64, within: f64) {
    assert!((got - expected).abs() < within, "{got} is not {expected}");
}

#[test]
fn the_worked_example() {
    let plain = classical(&Y, 0.95).unwrap();
    close(plain.estimate.value.unwrap(), 0.3, 1e-15);
    close(plain.standard_error, 0.15275252, 5e-9);
    let ppi = prediction_powered(&Y, &F, &UNLABELLED, 0.95).unwrap();
    close(ppi.estimate.value.unwrap(), 0.235, 1e-15);
    close(ppi.standard_error, 0.15124193, 5e-9);
    assert_eq!(ppi.lambda, 1.0);
    close(covariance(&Y, &F), 0.095, 1e-15);
    close(
        variance(&[&F[..], &UNLABELLED].concat()),
        0.1116695402,
        5e-11,
    );
    let tuned = power_tuned(&Y, &F, &UNLABELLED, 0.95).unwrap();
    close(tuned.lambda, 0.5671495844, 5e-11);
    close(tuned.estimate.value.unwrap(), 0.263135277, 5e-10);
    close(tuned.standard_error, 0.136092970, 5e-10);
    assert_eq!((tuned.rarer, tuned.trusted), (3, false));
    assert!(
        tuned
            .estimate
            .method
            .contains("approximate, not to be trusted: 3.0")
    );
}

#[test]
fn lambda_is_clipped() {
    let opposed: Vec<f64> = F.iter().map(|f| 1.0 - f).collect();
    let tuned = power_tuned(&Y, &opposed, &UNLABELLED, 0.95).unwrap();
    assert_eq!(tuned.lambda, 0.0);
    close(tuned.standard_error, 0.15275252, 5e-9);
    let timid: Vec<f64> = F.iter().map(|f| 0.1 * f).collect();
    let timid_unlabelled: Vec<f64> = UNLABELLED.iter().map(|f| 0.1 * f).collect();
    assert_eq!(
        power_tuned(&Y, &timid, &timid_unlabelled, 0.95)
            .unwrap()
            .lambda,
        1.0
    );
    let constant = power_tuned(&Y, &[0.5; 10], &[0.5; 20], 0.95).unwrap();
    assert_eq!(constant.lambda, 0.0);
}

#[test]
fn one_stratum_is_the_unstratified_estimate() {
    let stratum = PredictionStratum {
        weight: 1.0,
        labels: &Y,
        predictions: &F,
        unlabelled: &UNLABELLED,
    };
    let tuned = power_tuned(&Y, &F, &UNLABELLED, 0.95).unwrap();
    let one = stratified(&[stratum], 0.95).unwrap();
    close(one.powered.estimate.lower, tuned.estimate.lower, 1e-15);
    let half = PredictionStratum {
        weight: 0.5,
        ..stratum
    };
    let two = stratified(&[half, half], 0.95).unwrap();
    close(
        two.powered.standard_error,
        tuned.standard_error / 2.0_f64.sqrt(),
        1e-15,
    );
    let nothing = PredictionStratum {
        weight: 0.0,
        labels: &[],
        ..stratum
    };
    assert_eq!(
        stratified(&[stratum, nothing], 0.95).unwrap().lambdas.len(),
        2
    );
    let unlabelled = PredictionStratum {
        labels: &[],
        ..half
    };
    let error = stratified(&[half, unlabelled], 0.95).unwrap_err();
    assert!(matches!(error, StatsError::ItemOutOfRange { index: 1, .. }));
    let negative = PredictionStratum {
        weight: -0.5,
        ..stratum
    };
    assert!(stratified(&[negative, stratum, half], 0.95).is_err());
}

#[test]
fn active_inference_is_unbiased_by_enumeration() {
    let (f, y, pi) = ([0.9, 0.2, 0.5], [1.0, 0.0, 1.0], [0.3, 0.5, 0.8]);
    let mut mean = 0.0;
    for set in 0..8_u32 {
        let chosen = |i: usize| set >> i & 1 == 1;
        let p: f64 = (0..3)
            .map(|i| if chosen(i) { pi[i] } else { 1.0 - pi[i] })
            .product();
        let labels: Vec<Option<f64>> = (0..3).map(|i| chosen(i).then_some(y[i])).collect();
        // Small sets are refused, so their value is written out.
        let value = active_inference(&f, &pi, &labels, 0.95).map_or_else(
            |_| {
                (0..3)
                    .map(|i| {
                        f[i] + if chosen(i) {
                            (y[i] - f[i]) / pi[i]
                        } else {
                            0.0
                        }
                    })
                    .sum::<f64>()
                    / 3.0
            },
            |e| e.estimate.value.unwrap(),
        );
        mean += p * value;
    }
    close(mean, 2.0 / 3.0, 1e-14);
}

#[test]
fn labels_without_variety_are_refused() {
    assert!(classical(&[0.0; 30], 0.95).is_err());
    let error = power_tuned(&[0.0; 10], &F, &UNLABELLED, 0.95).unwrap_err();
    assert!(
        error.to_string().contains("standard error collapses"),
        "{error}"
    );
    // A predictor that was never seen to be wrong.
    assert!(prediction_powered(&Y, &Y, &UNLABELLED, 0.95).is_err());
    assert!(classical(&[1.0], 0.95).is_err());
    assert!(power_tuned(&Y, &F, &[0.5], 0.95).is_err());
    assert!(power_tuned(&Y, &F, &[0.5, f64::NAN], 0.95).is_err());
    assert!(power_tuned(&Y, &F, &UNLABELLED, 1.0).is_err());
    assert!(active_inference(&F, &[0.5; 10], &[None; 10], 0.95).is_err());
    assert!(active_inference(&F, &[1.0; 10], &[None; 10], 0.95).is_err());
}

#[test]
fn intervals_hold_a_common_mean_and_gain_from_good_predictions() {
    let (mut held, mut held_active, mut narrower) = (0, 0, 0);
    let runs = 300;
    for run in 0..runs {
        let mut stream = Stream::new(31, run);
        // A risk u, a prediction of it, a label: the mean is a half.
        let mut draw = |n: usize| -> (Vec<f64>, Vec<f64>) {
            (0..n)
                .map(|_| {
                    let u = stream.unit();
                    let sharp = u * u * (3.0 - 2.0 * u);
                    (f64::from(u8::from(stream.unit() < sharp)), sharp)
                })
                .unzip()
        };
        let (y, f) = draw(100);
        let (all_y, all_f) = draw(1000);
        let e = power_tuned(&y, &f, &all_f, 0.9).unwrap();
        held += u32::from(e.trusted && e.estimate.lower <= 0.5 && 0.5 <= e.estimate.upper);
        let plain = classical(&y, 0.9).unwrap();
        narrower += u32::from(e.standard_error < plain.standard_error);
        let pi: Vec<f64> = all_f
            .iter()
            .map(|f| 0.02 + 0.2 * (f * (1.0 - f)).sqrt())
            .collect();
        let mut coins = Stream::new(37, run);
        let labels: Vec<Option<f64>> = all_y
            .iter()
            .zip(&pi)
            .map(|(y, p)| (coins.unit() < *p).then_some(*y))
            .collect();
        let e = active_inference(&all_f, &pi, &labels, 0.9)
            .unwrap()
            .estimate;
        held_active += u32::from(e.lower <= 0.5 && 0.5 <= e.upper);
    }
    assert!((255..=287).contains(&held), "{held}");
    assert!((252..=290).contains(&held_active), "{held_active}");
    assert!(narrower > 295, "{narrower}");
}
