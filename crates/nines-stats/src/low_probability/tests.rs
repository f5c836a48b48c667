use super::*;
use crate::random::Stream;

const P: [f64; 4] = [0.5, 0.3, 0.15, 0.05];
const M: [f64; 4] = [0.0, 1.0, 2.0, 4.0];
const EVENT: [bool; 4] = [false, false, false, true];

fn close(got: f64, expected: f64, within: f64) {
    assert!((got - expected).abs() < within, "{got} is not {expected}");
}

#[test]
fn the_identity_returns_the_probability() {
    let q = tilt(&P, &M, 1.0).unwrap();
    for (q, expected) in q
        .iter()
        .zip([0.09701673, 0.15823128, 0.21505861, 0.52969338])
    {
        close(*q, expected, 5e-9);
    }
    let inside: f64 = q[3] * (-M[3]).exp();
    let all: f64 = q.iter().zip(M).map(|(q, m)| q * (-m).exp()).sum();
    close(inside / all, 0.05, 1e-16);
    close(
        tilt_variance(&P, &M, &EVENT, 1.0).unwrap(),
        0.0123852536,
        5e-11,
    );
    let flat = tilt_variance(&P, &[7.0; 4], &EVENT, 1.0).unwrap();
    close(flat, 0.0475, 1e-15);
    let enormous = tilt(&P, &[1e4, 0.0, -1e4, 1e4], 1.0).unwrap();
    close(enormous[0], 0.5 / 0.55, 1e-15);
}

#[test]
fn tilted_samples_estimate_it_and_the_interval_holds() {
    let q = tilt(&P, &M, 1.0).unwrap();
    let (mut held, mut sum, mut sum_squares) = (0, 0.0, 0.0);
    let runs = 1000;
    for run in 0..runs {
        let mut stream = Stream::new(43, run);
        let picked: Vec<usize> = (0..400)
            .map(|_| {
                let u = stream.unit();
                let below = |k: usize| q[..=k].iter().sum::<f64>();
                (0..3).find(|&k| u < below(k)).unwrap_or(3)
            })
            .collect();
        let hit: Vec<bool> = picked.iter().map(|&i| EVENT[i]).collect();
        let scores: Vec<f64> = picked.iter().map(|&i| M[i]).collect();
        let e = tilted_probability(&hit, &scores, 1.0, 0.9).unwrap();
        assert!(e.trusted);
        let value = e.estimate.value.unwrap();
        sum += value;
        sum_squares += (value - 0.05_f64).powi(2);
        held += u32::from(e.estimate.lower <= 0.05 && 0.05 <= e.estimate.upper);
    }
    close(sum / runs as f64, 0.05, 0.001);
    // 0.01287 for 400 samples by an independent simulation; 0.01239 for many.
    close(400.0 * sum_squares / runs as f64, 0.01287, 0.0015);
    assert!((870..=930).contains(&held), "{held}");
}

#[test]
fn gaps_give_the_normal_tail() {
    // Numbers with mean 6 and standard deviation 1.5 exactly.
    let n = 400;
    let raw: Vec<f64> = (0..n)
        .map(|i| f64::from(i) - f64::from(n - 1) / 2.0)
        .collect();
    let squares: f64 = raw.iter().map(|r| r * r).sum();
    let scale = 1.5 / (squares / f64::from(n - 1)).sqrt();
    let gaps: Vec<f64> = raw.iter().map(|r| 6.0 + scale * r).collect();
    let e = gaussian_logit_gap(&gaps, 0.95).unwrap();
    close(e.value.unwrap(), 3.16712418e-5, 5e-14);
    assert!(e.lower < 1.6e-5 && e.upper > 5e-5, "{e:?}");
    let wide = gaussian_logit_gap(&gaps, 0.99).unwrap();
    assert!(wide.lower < e.lower && wide.upper > e.upper);
}

#[test]
fn gap_intervals_hold_when_gaps_are_normal() {
    let truth = normal::ln_cdf(-3.0).exp();
    let held = (0..400)
        .filter(|&run| {
            let mut stream = Stream::new(47, run);
            let gaps: Vec<f64> = (0..60).map(|_| 3.0 + stream.normal()).collect();
            let e = gaussian_logit_gap(&gaps, 0.9).unwrap();
            e.lower <= truth && truth <= e.upper
        })
        .count();
    assert!((340..=382).contains(&held), "{held}");
}

#[test]
fn bad_input_is_refused() {
    assert!(tilt(&P, &M[..3], 1.0).is_err());
    assert!(tilt(&P, &[f64::NAN; 4], 1.0).is_err());
    assert!(tilt(&[-0.5, 1.5], &[0.0, 0.0], 1.0).is_err());
    assert!(tilt(&P, &M, f64::INFINITY).is_err());
    assert!(tilt_variance(&P, &M, &EVENT[..2], 1.0).is_err());
    let none = tilted_probability(&[false; 4], &M, 1.0, 0.95).unwrap_err();
    assert!(matches!(none, StatsError::TooFew { needed: 1, .. }));
    assert!(tilted_probability(&[true; 4], &M, 1.0, 0.95).is_err());
    assert!(tilted_probability(&EVENT, &M, -1.0, 0.95).is_err());
    assert!(tilted_probability(&EVENT, &[0.0, 0.0, 0.0, 1e6], 1.0, 0.95).is_err());
    assert!(tilted_probability(&EVENT, &M, 1.0, 0.0).is_err());
    assert!(gaussian_logit_gap(&[1.0; 9], 0.95).is_err());
    assert!(gaussian_logit_gap(&[1.0, f64::NAN], 0.95).is_err());
}
