use super::*;
use crate::random::Stream;

#[test]
fn largest_totals_match_the_published_numbers() {
    for (n, max_risk, total) in [
        (999, 0.01, 9.0),
        (499, 0.01, 4.0),
        (99, 0.01, 0.0),
        (9999, 0.001, 9.0),
    ] {
        assert_eq!(largest_total_loss(n, max_risk, 1.0).unwrap(), total);
    }
    assert_eq!(
        largest_total_loss(98, 0.01, 1.0).unwrap_err(),
        StatsError::TooFew {
            what: "calibration items that can keep this expected risk",
            have: 98,
            needed: 99,
        }
    );
}

#[test]
fn decimals_do_not_lose_a_whole_loss() {
    for hundredths in 1..100u64 {
        let max_risk = hundredths as f64 / 100.0;
        let total = largest_total_loss(999, max_risk, 1.0).unwrap();
        assert_eq!(total, (10 * hundredths - 1) as f64, "{max_risk}");
        let needed = items_needed(max_risk, 1.0).unwrap();
        assert!(needed == 100u64.div_ceil(hundredths) - 1, "{max_risk}");
        assert!(largest_total_loss(needed, max_risk, 1.0).is_ok());
        if needed > 1 {
            assert!(largest_total_loss(needed - 1, max_risk, 1.0).is_err());
        }
    }
    assert_eq!(items_needed(1e-5, 1.0).unwrap(), 99_999);
    assert_eq!(items_needed(0.3, 2.5).unwrap(), 8);
}

#[test]
fn ties_are_accepted_together() {
    let scores = [1.0, 2.0, 2.0, 2.0, 3.0];
    let losses = [0.0, 0.4, 0.0, 0.3, 0.0];
    // 6·0.25 − 1 = 0.5 is less than the 0.7 of the tied.
    let chosen = threshold(&scores, &losses, 0.25, 1.0).unwrap();
    assert_eq!((chosen.threshold, chosen.total_loss), (2.0, 0.0));
    // 6·0.3 − 1 = 0.8.
    let chosen = threshold(&scores, &losses, 0.3, 1.0).unwrap();
    assert_eq!(chosen.threshold, f64::INFINITY);
}

#[test]
fn the_order_of_the_items_does_not_matter() {
    let scores: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 101)).collect();
    let losses: Vec<f64> = (0..200).map(|i| f64::from(i * 17 % 11) / 40.0).collect();
    let chosen = threshold(&scores, &losses, 0.05, 1.0).unwrap();
    let reversed = |v: &[f64]| v.iter().rev().copied().collect::<Vec<f64>>();
    let again = threshold(&reversed(&scores), &reversed(&losses), 0.05, 1.0).unwrap();
    assert_eq!(chosen, again);
}

#[test]
fn the_average_risk_is_kept_though_single_thresholds_exceed_it() {
    // Score U uniform, a catastrophe with probability U/4: the risk of accepting below t is t²/8.
    let (max_risk, n, runs) = (0.05, 99, 2000);
    let (mut sum, mut above) = (0.0, 0);
    for run in 0..runs {
        let mut stream = Stream::new(11, run);
        let scores: Vec<f64> = (0..n).map(|_| stream.unit()).collect();
        let losses: Vec<f64> = scores
            .iter()
            .map(|u| f64::from(u8::from(stream.unit() < u / 4.0)))
            .collect();
        let t = threshold(&scores, &losses, max_risk, 1.0)
            .unwrap()
            .threshold
            .min(1.0);
        let risk = t * t / 8.0;
        sum += risk;
        above += u32::from(risk > max_risk);
    }
    let mean = sum / runs as f64;
    // The standard deviation of the risk is about 0.02, so the mean's is 0.0005.
    assert!(mean < max_risk + 0.0012 && mean > 0.6 * max_risk, "{mean}");
    assert!(above > runs as u32 / 5, "{above} of {runs} exceed it");
}

#[test]
fn bad_input_is_refused() {
    assert!(threshold(&[], &[], 0.1, 1.0).is_err());
    assert!(threshold(&[1.0; 20], &[0.0; 19], 0.1, 1.0).is_err());
    assert!(threshold(&[f64::NAN; 20], &[0.0; 20], 0.1, 1.0).is_err());
    assert!(threshold(&[1.0; 20], &[1.5; 20], 0.1, 1.0).is_err());
    assert!(threshold(&[1.0; 20], &[-0.5; 20], 0.1, 1.0).is_err());
    assert!(threshold(&[1.0; 20], &[0.0; 20], 1.0, 1.0).is_err());
    assert!(threshold(&[1.0; 20], &[0.0; 20], f64::NAN, 1.0).is_err());
    assert!(largest_total_loss(99, 0.1, 0.0).is_err());
    assert!(largest_total_loss(99, 0.1, f64::INFINITY).is_err());
    assert!(items_needed(1e-300, 1.0).is_err());
}
