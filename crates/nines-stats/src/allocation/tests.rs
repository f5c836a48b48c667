use super::*;

const WEIGHTS: [f64; 4] = [0.02, 0.10, 0.30, 0.20];
const RATES: [f64; 4] = [2e-3, 2e-4, 2e-5, 1e-6];

fn times(fractions: &[f64], total: f64) -> Vec<f64> {
    fractions.iter().map(|f| f * total).collect()
}

#[test]
fn the_worked_plan() {
    let close = |value: f64, expected: f64, last: f64| {
        assert!(
            (value - expected).abs() <= 0.5 * last + 1e-18,
            "{value} and not {expected}"
        );
    };
    let leak: f64 = WEIGHTS.iter().zip(RATES).map(|(w, p)| w * p).sum();
    assert!((leak - 6.62e-5).abs() < 1e-18);
    let everything = planned_deviation(&[1.0], &[leak], &[1e4]).unwrap();
    close(everything, 8.136069e-5, 1e-11);
    let accepted = planned_deviation(&[0.62], &[leak / 0.62], &[1e4]).unwrap();
    close(accepted, 6.406217e-5, 1e-11);
    let proportional = times(&proportional_fractions(&WEIGHTS).unwrap(), 1e4);
    close(
        planned_deviation(&WEIGHTS, &RATES, &proportional).unwrap(),
        6.402487e-5,
        1e-11,
    );
    let fractions = neyman_fractions(&WEIGHTS, &RATES).unwrap();
    for (fraction, expected) in fractions.iter().zip([0.23213, 0.36736, 0.34854, 0.05196]) {
        close(*fraction, expected, 1e-5);
    }
    let neyman = times(&fractions, 1e4);
    let deviation = planned_deviation(&WEIGHTS, &RATES, &neyman).unwrap();
    close(deviation, 3.849232e-5, 1e-11);
    close((everything / deviation).powi(2), 4.47, 0.01);
    let bound = |labels: &[f64]| bound_without_failures(&WEIGHTS, labels, 0.95).unwrap();
    close(bound(&proportional), 1.857e-4, 1e-7);
    close(bound(&neyman), 1.153e-3, 1e-6);
    close(bound(&neyman) / bound(&proportional), 6.2, 0.1);
}

#[test]
fn whole_labels_of_the_worked_plan_add_up() {
    let fractions = neyman_fractions(&WEIGHTS, &RATES).unwrap();
    assert_eq!(
        whole_labels(&fractions, 10_000, 1).unwrap(),
        [2321, 3674, 3485, 520]
    );
    assert_eq!(
        whole_labels(&fractions, 10_000, 1000)
            .unwrap()
            .iter()
            .sum::<u64>(),
        10_000
    );
}

#[test]
fn whole_labels_keep_minimum_total_and_order() {
    for total in [12, 13, 29, 100, 1001, 1 << 40] {
        for minimum in [1, 2, 3] {
            let labels = whole_labels(&[0.001, 0.3, 0.3, 0.399], total, minimum).unwrap();
            assert_eq!(labels.iter().sum::<u64>(), total);
            assert!(labels.iter().all(|&n| n >= minimum), "{labels:?}");
            assert!(labels[1] - labels[2] <= 1 && labels[3] >= labels[1]);
        }
    }
    assert_eq!(whole_labels(&[1.0, 1.0, 1.0], 8, 1).unwrap(), [3, 3, 2]);
    assert_eq!(whole_labels(&[0.5, 0.5], 10, 5).unwrap(), [5, 5]);
    // The minimum of the first pushes the second below it in turn.
    assert_eq!(
        whole_labels(&[0.01, 0.11, 0.88], 90, 10).unwrap(),
        [10, 10, 70]
    );
}

#[test]
fn no_allocation_beats_neyman_or_certifies_with_fewer_than_proportional() {
    let best = whole_labels(&neyman_fractions(&WEIGHTS, &RATES).unwrap(), 400, 1).unwrap();
    let float = |labels: &[u64]| labels.iter().map(|&n| n as f64).collect::<Vec<_>>();
    let deviation = |n: &[u64]| planned_deviation(&WEIGHTS, &RATES, &float(n)).unwrap();
    let bound = |n: &[u64]| bound_without_failures(&WEIGHTS, &float(n), 0.95).unwrap();
    // The weights over the labels times ln 20, which proportional fractions reach.
    let cheapest = 0.62 / 400.0 * 20f64.ln();
    let proportional = times(&proportional_fractions(&WEIGHTS).unwrap(), 400.0);
    let reached = bound_without_failures(&WEIGHTS, &proportional, 0.95).unwrap();
    assert!((reached / cheapest - 1.0).abs() < 1e-12);
    for from in 0..4 {
        for to in 0..4 {
            for step in [1, 5, 10] {
                let moved = |labels: &[u64]| {
                    let mut moved = labels.to_vec();
                    if moved[from] > step {
                        moved[from] -= step;
                        moved[to] += step;
                    }
                    moved
                };
                // Rounding may leave a hair's breadth.
                assert!(deviation(&moved(&best)) >= deviation(&best) * (1.0 - 1e-5));
                assert!(bound(&moved(&best)) >= cheapest);
            }
        }
    }
}

#[test]
fn certificates_cost_what_no_cleverness_can_save() {
    for (no_leak, epsilon, expected) in [
        (0.0, 3e-5, 99_858),
        (0.55, 3e-5, 44_936),
        (0.55, 1e-5, 134_808),
        (0.55, 1e-4, 13_481),
    ] {
        let frame: f64 = 1.0 - no_leak;
        assert_eq!(
            labels_for_certificate(epsilon, no_leak, 0.95).unwrap(),
            expected
        );
        let weights = [0.2 * frame, 0.3 * frame, 0.5 * frame];
        let labels = certificate_labels(&weights, no_leak, epsilon, 0.95, 200_000).unwrap();
        let total: u64 = labels.iter().sum();
        assert!(total >= expected && total < expected + 3);
        let planned: Vec<f64> = labels.iter().map(|&n| n as f64).collect();
        let shown = bound_without_failures(&weights, &planned, 0.95).unwrap();
        assert!(shown <= epsilon * (1.0 + 1e-15), "{shown}");
        let error = certificate_labels(&weights, no_leak, epsilon, 0.95, total - 1).unwrap_err();
        assert_eq!(
            error,
            StatsError::TooFew {
                what: "labels for a certificate",
                have: total - 1,
                needed: total
            }
        );
    }
}

#[test]
fn impossible_plans_are_refused() {
    assert!(proportional_fractions(&[]).is_err());
    assert!(proportional_fractions(&[0.5, f64::NAN]).is_err());
    assert!(neyman_fractions(&[0.5, 0.5], &[0.1]).is_err());
    assert!(neyman_fractions(&[0.5, 0.5], &[0.1, 1.0]).is_err());
    assert!(neyman_fractions(&[0.5, -0.5], &[0.1, 0.1]).is_err());
    assert!(whole_labels(&[0.5, 0.5], 10, 0).is_err());
    assert!(whole_labels(&[0.5, 0.5], 10, 6).is_err());
    assert!(whole_labels(&[0.5, f64::INFINITY], 10, 1).is_err());
    assert!(bound_without_failures(&[0.5], &[1.0, 2.0], 0.95).is_err());
    assert!(certificate_labels(&[0.5, 0.4], 0.0, 1e-4, 0.95, 1 << 40).is_err());
    assert!(certificate_labels(&[0.5, 0.5], 0.0, 0.0, 0.95, 1 << 40).is_err());
}
