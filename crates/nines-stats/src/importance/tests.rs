use super::*;
use crate::random::Stream;

const RISKS: [f64; 10] = [0.4, 0.1, 0.05, 0.01, 0.0, 0.0, 0.0, 0.0, 0.001, 0.001];

fn draws(items: &[(usize, bool)]) -> Vec<Draw> {
    items
        .iter()
        .map(|&(item, failed)| Draw { item, failed })
        .collect()
}

#[test]
fn variances_of_a_draw_match_the_worked_example() {
    let proportional: Vec<f64> = RISKS.iter().map(|p| p / 0.562).collect();
    let optimal = optimal_probabilities(&RISKS).unwrap();
    let defensive = defensive_mixture(&optimal, 0.1).unwrap();
    for (q, expected) in [
        (&vec![0.1; 10], 0.05304156),
        (&proportional, 0.03056156),
        (&optimal, 0.0146781147),
        (&defensive, 0.0155364645),
    ] {
        let variance = per_draw_variance(&RISKS, q).unwrap();
        assert!((variance - expected).abs() < 5e-11, "{variance} {expected}");
    }
    let largest = Proposal::covering(&defensive).unwrap().largest_weight();
    assert!((largest - 10.0).abs() < 1e-12);
    assert!(Proposal::covering(&optimal).is_err(), "zeros are refused");
}

#[test]
fn proportional_to_the_risk_gains_nothing_when_all_risks_are_positive() {
    let risks = [0.4, 0.1, 0.05, 0.01, 0.002];
    let sum: f64 = risks.iter().sum();
    let rate = sum / 5.0;
    let q: Vec<f64> = risks.iter().map(|p| p / sum).collect();
    let variance = per_draw_variance(&risks, &q).unwrap();
    assert!((variance - (rate - rate * rate)).abs() < 1e-15);
}

#[test]
fn labels_for_logit_normal_risks() {
    // The quantiles of N(−12, 2.5²) on an even grid; expectations computed with scipy.
    let n = 200_000;
    let risks: Vec<f64> = (0..n)
        .map(|i| {
            let z = crate::normal::quantile((f64::from(i) + 0.5) / f64::from(n)).unwrap();
            1.0 / (1.0 + (12.0 - 2.5 * z).exp())
        })
        .collect();
    let uniform = vec![1.0 / f64::from(n); n as usize];
    let optimal = optimal_probabilities(&risks).unwrap();
    assert_eq!(labels_for_relative_error(&risks, &uniform, 0.3), Ok(82_154));
    assert_eq!(labels_for_relative_error(&risks, &optimal, 0.3), Ok(17_751));
}

#[test]
fn three_draws_match_the_worked_example() {
    let proposal = Proposal::covering(&[0.5, 0.2, 0.2, 0.1]).unwrap();
    let draws = draws(&[(0, true), (1, false), (0, true)]);
    let estimate = hansen_hurwitz(&proposal, &draws, 0.95).unwrap();
    assert!((estimate.value - 1.0 / 3.0).abs() < 1e-15);
    assert!((estimate.standard_error.unwrap() - 1.0 / 6.0).abs() < 1e-15);
    assert!((estimate.effective_sample_size - 27.0 / 11.0).abs() < 1e-14);
    assert!(!estimate.normal_trusted);
    let method = estimate.normal.unwrap().method;
    assert!(
        method.contains("approximate, not to be trusted: 2.0"),
        "{method}"
    );
    let ratio = hajek(&proposal, &draws, 0.95).unwrap();
    assert!((ratio.value - 4.0 / 9.0).abs() < 1e-15);
    assert_eq!(ratio.upper_bound.upper, estimate.upper_bound.upper);
}

#[test]
fn without_failures_the_bound_is_the_largest_weight_times_that_of_plain_sampling() {
    let q = defensive_mixture(&[0.7, 0.1, 0.1, 0.1], 0.5).unwrap();
    let proposal = Proposal::covering(&q).unwrap();
    let none = draws(&vec![(0, false); 3000]);
    for estimate in [
        hansen_hurwitz(&proposal, &none, 0.95).unwrap(),
        hajek(&proposal, &none, 0.95).unwrap(),
    ] {
        assert_eq!(estimate.value, 0.0);
        assert_eq!((estimate.standard_error, &estimate.normal), (None, &None));
        assert!(!estimate.normal_trusted);
        let expected = proposal.largest_weight() * 9.98079012e-4;
        assert!((estimate.upper_bound.upper - expected).abs() < 1e-11);
        assert!(estimate.guaranteed.upper > expected);
    }
}

#[test]
fn uniform_draws_give_clopper_pearson() {
    let proposal = Proposal::covering(&[0.01; 100]).unwrap();
    let mut items = vec![(5, false); 997];
    items.extend([(1, true); 3]);
    let estimate = hansen_hurwitz(&proposal, &draws(&items), 0.95).unwrap();
    assert!((estimate.guaranteed.lower - 6.19099932e-4).abs() < 1e-12);
    assert!((estimate.guaranteed.upper - 8.74202324e-3).abs() < 1e-11);
    assert!((estimate.upper_bound.upper - 7.73524472e-3).abs() < 1e-11);
}

#[test]
fn the_order_of_draws_does_not_matter_and_intervals_nest() {
    let proposal = Proposal::covering(&[0.4, 0.3, 0.2, 0.1]).unwrap();
    let mut stream = Stream::new(5, 0);
    let mut items: Vec<(usize, bool)> = (0..200)
        .map(|_| (stream.below(4), stream.unit() < 0.2))
        .collect();
    let forward = hansen_hurwitz(&proposal, &draws(&items), 0.9).unwrap();
    items.reverse();
    let backward = hansen_hurwitz(&proposal, &draws(&items), 0.9).unwrap();
    assert!((forward.value - backward.value).abs() < 1e-14);
    assert!((forward.guaranteed.upper - backward.guaranteed.upper).abs() < 1e-13);
    assert!(forward.normal_trusted);
    let wide = hansen_hurwitz(&proposal, &draws(&items), 0.99).unwrap();
    for (narrow, wide) in [
        (&forward.guaranteed, &wide.guaranteed),
        (
            forward.normal.as_ref().unwrap(),
            wide.normal.as_ref().unwrap(),
        ),
    ] {
        assert!(wide.lower <= narrow.lower && narrow.upper <= wide.upper);
    }
}

/// Draws an index from probabilities.
fn pick(q: &[f64], stream: &mut Stream) -> usize {
    let mut left = stream.unit();
    for (i, p) in q.iter().enumerate() {
        left -= p;
        if left < 0.0 {
            return i;
        }
    }
    q.len() - 1
}

#[test]
fn estimates_are_unbiased_and_guaranteed_intervals_hold() {
    // 40 items of which five fail, one of them where the proposal hardly looks.
    let fails = |i: usize| i < 4 || i == 30;
    let rate = 5.0 / 40.0;
    let stated: Vec<f64> = (0..40).map(|i| if i < 8 { 0.3 } else { 0.01 }).collect();
    let q = defensive_mixture(&optimal_probabilities(&stated).unwrap(), 0.2).unwrap();
    let proposal = Proposal::covering(&q).unwrap();
    let pi: Vec<f64> = q.iter().map(|q| (q * 15.0).min(1.0)).collect();
    let runs = 600;
    let (mut held, mut sum, mut held_poisson, mut sum_poisson) = (0, 0.0, 0, 0.0);
    for run in 0..runs {
        let mut stream = Stream::new(11, run);
        let items: Vec<(usize, bool)> = (0..60)
            .map(|_| pick(&q, &mut stream))
            .map(|i| (i, fails(i)))
            .collect();
        let e = hansen_hurwitz(&proposal, &draws(&items), 0.9).unwrap();
        sum += e.value;
        held += u64::from(e.guaranteed.lower <= rate && rate <= e.guaranteed.upper);
        let labels: Vec<Option<bool>> = pi
            .iter()
            .enumerate()
            .map(|(i, p)| (stream.unit() < *p).then(|| fails(i)))
            .collect();
        let e = horvitz_thompson(&pi, &labels, 0.9).unwrap();
        sum_poisson += e.value;
        held_poisson += u64::from(e.guaranteed.lower <= rate && rate <= e.guaranteed.upper);
    }
    let mean = sum / runs as f64;
    let mean_poisson = sum_poisson / runs as f64;
    assert!((mean - rate).abs() < 0.01, "{mean}");
    assert!((mean_poisson - rate).abs() < 0.015, "{mean_poisson}");
    assert!(held >= runs * 90 / 100, "{held}");
    assert!(held_poisson >= runs * 90 / 100, "{held_poisson}");
}

#[test]
fn horvitz_thompson_is_unbiased_by_enumeration() {
    let pi = [0.5, 0.2, 0.9, 0.3];
    let fails = [true, false, true, true];
    let (mut mean, mut variance, mut second) = (0.0, 0.0, 0.0);
    for set in 1..16_u32 {
        let labels: Vec<Option<bool>> = (0..4)
            .map(|i| (set >> i & 1 == 1).then_some(fails[i]))
            .collect();
        let p: f64 = (0..4)
            .map(|i| {
                if set >> i & 1 == 1 {
                    pi[i]
                } else {
                    1.0 - pi[i]
                }
            })
            .product();
        let e = horvitz_thompson(&pi, &labels, 0.95).unwrap();
        mean += p * e.value;
        second += p * e.value * e.value;
        variance += p * e.standard_error.unwrap_or(0.0).powi(2);
        assert!(e.guaranteed.lower <= 0.75 + 1e-12);
        assert!(e.guaranteed.upper <= 1.0);
    }
    assert!((mean - 0.75).abs() < 1e-14, "{mean}");
    assert!((variance - (second - mean * mean)).abs() < 1e-14);
}

#[test]
fn unequal_inclusion_gives_the_chernoff_bound() {
    // 1,000 items, of which 300 have a label: six failures among the likely, two among the unlikely.
    let mut inclusion = vec![0.5; 500];
    inclusion.resize(1000, 0.1);
    let mut labels = vec![None; 1000];
    labels[..250].fill(Some(false));
    labels[500..550].fill(Some(false));
    labels[..6].fill(Some(true));
    labels[500..502].fill(Some(true));
    let e = horvitz_thompson(&inclusion, &labels, 0.95).unwrap();
    assert!((e.value - 0.032).abs() < 1e-15);
    assert_eq!(e.upper_bound.upper, 0.094);
    assert_eq!((e.guaranteed.lower, e.guaranteed.upper), (0.008, 0.103));
}

#[test]
fn a_census_is_certain_and_no_failures_are_not() {
    let census =
        horvitz_thompson(&[1.0; 3], &[Some(true), Some(false), Some(false)], 0.95).unwrap();
    assert_eq!(
        (census.guaranteed.lower, census.guaranteed.upper),
        (1.0 / 3.0, 1.0 / 3.0)
    );
    let labels: Vec<Option<bool>> = (0..10_000)
        .map(|i| (i % 10 == 0).then_some(false))
        .collect();
    let e = horvitz_thompson(&vec![0.1; 10_000], &labels, 0.95).unwrap();
    // The most failing items of which none is included with probability above 5 %.
    let most = (0.05_f64.ln() / 0.9_f64.ln()).floor();
    assert_eq!((e.value, e.upper_bound.upper), (0.0, most / 10_000.0));
    assert_eq!(e.normal, None);
}

#[test]
fn bad_input_is_refused() {
    let lost = per_draw_variance(&[0.1, 0.1], &[1.0, 0.0]).unwrap_err();
    assert!(matches!(lost, StatsError::ItemOutOfRange { index: 1, .. }));
    assert!(per_draw_variance(&[0.1, 0.1], &[0.5, 0.4]).is_err());
    assert!(per_draw_variance(&[0.1, f64::NAN], &[0.5, 0.5]).is_err());
    assert!(per_draw_variance(&[0.1], &[0.5, 0.5]).is_err());
    assert!(per_draw_variance(&[], &[]).is_err());
    assert!(labels_for_relative_error(&[0.0, 0.0], &[0.5, 0.5], 0.1).is_err());
    assert!(effective_sample_size(&[0.0, 0.0]).is_err());
    assert!(effective_sample_size(&[1.0, f64::INFINITY]).is_err());
    let proposal = Proposal::covering_where(&[0.5, 0.0, 0.5], &[true, false, false]).unwrap();
    assert!(hansen_hurwitz(&proposal, &draws(&[(2, true)]), 0.95).is_err());
    assert!(hansen_hurwitz(&proposal, &draws(&[(1, false)]), 0.95).is_err());
    assert!(hansen_hurwitz(&proposal, &draws(&[(0, true)]), 1.0).is_err());
    assert!(hajek(&proposal, &draws(&[(0, true)]), 0.95).is_err());
    assert!(horvitz_thompson(&[1.0, 0.5], &[None, Some(true)], 0.95).is_err());
    assert!(horvitz_thompson(&[0.5, 0.5], &[None, None], 0.95).is_err());
    assert!(horvitz_thompson(&[0.5, 1.5], &[None, Some(true)], 0.95).is_err());
}
