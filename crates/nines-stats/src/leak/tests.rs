use super::DrawOutcome::{Catastrophe, Rejected, Safe};
use super::*;
use crate::random::Stream;

const CALM_AND_FIGHT: [PromptKind; 2] = [
    PromptKind {
        share: 0.99,
        acceptance: 0.95,
        leak: 1e-6,
    },
    PromptKind {
        share: 0.01,
        acceptance: 0.05,
        leak: 1e-3,
    },
];

fn close(value: f64, expected: f64, last: f64) {
    assert!(
        (value - expected).abs() <= 0.5 * last,
        "{value} and not {expected}"
    );
}

#[test]
fn the_known_mixture() {
    let population = Population::new(CALM_AND_FIGHT.to_vec()).unwrap();
    close(population.acceptance(), 0.941, 1e-15);
    let rate = population.false_omission_rate().unwrap();
    close(rate, 1.16790648e-5, 1e-13);
    let leak = population.filtered_leak().unwrap();
    close(leak, 2.01042105e-4, 1e-12);
    close(leak / rate, 17.2, 0.1);
    close(population.capped_leak(20).unwrap(), 1.29344921e-4, 1e-12);
    close(population.abstention(20).unwrap(), 3.58485922e-3, 1e-11);
    let geometric = population.geometric_variance(1).unwrap();
    let known = population.known_acceptance_variance().unwrap();
    close(geometric, 7.8011114e-3, 1e-10);
    close(known, 4.0010565e-3, 1e-10);
    close(geometric / known, 1.950, 1e-3);
    assert!((population.geometric_variance(1 << 40).unwrap() / known - 1.0).abs() < 1e-11);
    assert!((population.capped_leak(1 << 40).unwrap() / leak - 1.0).abs() < 1e-12);
}

/// The tiny data set, Y, A and K by columns.
fn tiny() -> Vec<SingleDraw<'static>> {
    let draw = |outcome, tries| SingleDraw { outcome, tries };
    vec![
        draw(Safe, &[1]),
        draw(Safe, &[2]),
        draw(Rejected, &[7]),
        draw(Safe, &[1]),
        draw(Safe, &[1]),
        draw(Catastrophe, &[5]),
        draw(Rejected, &[9]),
        draw(Safe, &[1]),
    ]
}

#[test]
fn the_tiny_data() {
    let leak = single_draw_leak(&tiny(), None, 0.95).unwrap();
    assert_eq!(leak.estimate.value, Some(0.625));
    close(leak.false_omission_rate.value.unwrap(), 1.0 / 6.0, 1e-15);
    close(leak.hajek.unwrap().value.unwrap(), 5.0 / 11.0, 1e-15);
    assert!(leak.upper.is_none() && leak.abstention.is_none());
    assert!(leak.estimate.method.contains("without a retry cap"));
}

#[test]
fn a_cap_shortens_weights_and_counts_abstentions() {
    let leak = single_draw_leak(&tiny(), Some(4), 0.95).unwrap();
    assert_eq!(leak.estimate.value, Some(0.5));
    close(leak.hajek.unwrap().value.unwrap(), 0.4, 1e-15);
    let abstention = leak.abstention.unwrap();
    assert_eq!(abstention.value, Some(3.0 / 8.0));
    assert!(abstention.method.contains("Clopper-Pearson"));
    // One term of 1 among eight: the bound of a sum of 1, times 4/8.
    assert_eq!(leak.upper.unwrap().upper, 1.0);
    let wide = single_draw_leak(&tiny(), Some(1000), 0.95).unwrap();
    assert_eq!(wide.estimate.value, Some(0.625));
    assert_eq!(wide.abstention.unwrap().value, Some(0.0));
}

#[test]
fn repetitions_are_averaged() {
    let mut draws = tiny();
    draws[5].tries = &[5, 1, 3, 30];
    let leak = single_draw_leak(&draws, Some(20), 0.95).unwrap();
    // (5 + 1 + 3 + 20)/4 of eight draws.
    assert_eq!(leak.estimate.value, Some(7.25 / 8.0));
    let abstention = leak.abstention.unwrap();
    assert_eq!(abstention.value, Some(0.25 / 8.0));
    assert!(abstention.lower == 0.0 && abstention.upper < 0.6);
    draws[0].tries = &[];
    let leak = single_draw_leak(&draws, Some(20), 0.95).unwrap();
    assert!(leak.hajek.is_none() && leak.abstention.is_none());
}

#[test]
fn the_order_of_draws_changes_nothing() {
    let mut draws = tiny();
    draws[0].outcome = Catastrophe;
    let forward = single_draw_leak(&draws, Some(20), 0.95).unwrap();
    draws.reverse();
    let backward = single_draw_leak(&draws, Some(20), 0.95).unwrap();
    for (a, b) in [
        (&forward.estimate, &backward.estimate),
        (&forward.upper.unwrap(), &backward.upper.unwrap()),
        (&forward.hajek.unwrap(), &backward.hajek.unwrap()),
    ] {
        assert!((a.value.unwrap() - b.value.unwrap()).abs() < 1e-15);
        assert!((a.upper - b.upper).abs() < 1e-14 && (a.lower - b.lower).abs() < 1e-14);
    }
}

#[test]
fn no_catastrophe_is_never_certainty() {
    let draws = vec![
        SingleDraw {
            outcome: Safe,
            tries: &[1]
        };
        30_000
    ];
    let leak = single_draw_leak(&draws, Some(20), 0.95).unwrap();
    close(leak.upper.unwrap().upper, 20.0 * 20f64.ln() / 3e4, 1e-15);
    close(leak.estimate.upper, 20.0 * 40f64.ln() / 3e4, 1e-14);
    assert!(leak.hajek.unwrap().upper > 0.0);
    let uncapped = single_draw_leak(&draws, None, 0.95).unwrap();
    assert_eq!(
        (uncapped.estimate.lower, uncapped.estimate.upper),
        (0.0, 1.0)
    );
}

#[test]
fn nothing_accepted_has_no_false_omission_rate() {
    let draws = [SingleDraw {
        outcome: Rejected,
        tries: &[],
    }];
    let leak = single_draw_leak(&draws, Some(3), 0.95).unwrap();
    assert_eq!(leak.estimate.value, Some(0.0));
    assert_eq!(leak.false_omission_rate.value, None);
    assert!(leak.hajek.is_none() && leak.estimate.upper == 1.0);
}

#[test]
fn intervals_nest_in_confidence() {
    let mut draws = tiny();
    draws.extend(vec![draws[0]; 500]);
    for cap in [None, Some(20)] {
        let narrow = single_draw_leak(&draws, cap, 0.8).unwrap();
        let wide = single_draw_leak(&draws, cap, 0.99).unwrap();
        assert!(wide.estimate.lower < narrow.estimate.lower);
        assert!(wide.estimate.upper > narrow.estimate.upper);
        if let (Some(wide), Some(narrow)) = (wide.upper, narrow.upper) {
            assert!(wide.upper > narrow.upper);
        }
    }
}

#[test]
fn bad_draws_are_named() {
    let error = |change: fn(&mut Vec<SingleDraw<'static>>)| {
        let mut draws = tiny();
        change(&mut draws);
        single_draw_leak(&draws, Some(20), 0.95)
            .unwrap_err()
            .to_string()
    };
    assert!(error(|d| d[5].tries = &[]).contains("item 5 is 0"));
    assert!(error(|d| d[1].tries = &[1, 0]).contains("item 1 is 0"));
    assert!(error(|d| d.clear()).contains("nothing to compute"));
    assert!(single_draw_leak(&tiny(), Some(0), 0.95).is_err());
    assert!(single_draw_leak(&tiny(), None, 1.0).is_err());
}

#[test]
fn bad_mixtures_are_named() {
    let error = |change: fn(&mut PromptKind)| {
        let mut kinds = CALM_AND_FIGHT.to_vec();
        change(&mut kinds[1]);
        Population::new(kinds).unwrap_err().to_string()
    };
    assert!(error(|k| k.share = 0.02).contains("must be 1"));
    assert!(error(|k| k.share = f64::NAN).contains("item 1 is NaN"));
    assert!(error(|k| k.acceptance = 1.5).contains("item 1 is 1.5"));
    assert!(error(|k| k.leak = 0.06).contains("item 1 is 0.06"));
    assert!(error(|k| k.leak = -1e-9).contains("item 1"));
    assert!(Population::new(vec![]).is_err());
    let mut kinds = CALM_AND_FIGHT.to_vec();
    (kinds[1].acceptance, kinds[1].leak) = (0.0, 0.0);
    let population = Population::new(kinds).unwrap();
    assert!(population.known_acceptance_variance().is_err());
    close(population.abstention(1000).unwrap(), 0.01, 1e-15);
}

#[test]
fn the_direct_frame_counts_abstentions_as_no_leak() {
    let leak = direct_leak(3, 900, 1000, 0.95).unwrap();
    close(leak.per_request.lower, 6.19099932e-4, 1e-12);
    close(leak.per_request.upper, 8.74202324e-3, 1e-11);
    close(leak.per_request_upper.upper, 7.73524472e-3, 1e-11);
    assert_eq!(leak.among_answers.value, Some(3.0 / 900.0));
    assert_eq!((leak.among_answers.n, leak.per_request.n), (900, 1000));
    let silent = direct_leak(0, 0, 100, 0.95).unwrap();
    assert_eq!(silent.among_answers.value, None);
    close(silent.per_request_upper.upper, 0.0295130496, 1e-10);
    assert!(direct_leak(0, 0, 0, 0.95).is_err());
    assert!(direct_leak(901, 900, 1000, 0.95).is_err());
    assert!(direct_leak(1, 1001, 1000, 0.95).is_err());
}

/// Draws until acceptance.
fn geometric(stream: &mut Stream, acceptance: f64) -> u64 {
    let mut tries = 1;
    while stream.unit() >= acceptance {
        tries += 1;
    }
    tries
}

#[test]
fn simulated_estimates_are_unbiased_and_intervals_cover() {
    let kinds = [(0.8, 0.9, 0.02), (0.2, 0.2, 0.05)];
    let population = Population::new(
        kinds
            .iter()
            .map(|&(share, acceptance, leak)| PromptKind {
                share,
                acceptance,
                leak,
            })
            .collect(),
    )
    .unwrap();
    let (n, runs, cap) = (150, 400, 8);
    let truth = population.capped_leak(cap).unwrap();
    let exact = population.filtered_leak().unwrap();
    let (mut sum, mut capped_sum, mut held, mut held_upper) = (0.0, 0.0, 0, 0);
    for run in 0..runs {
        let mut stream = Stream::new(7, run);
        let rows: Vec<(DrawOutcome, [u64; 1])> = (0..n)
            .map(|_| {
                let (_, acceptance, leak) = kinds[usize::from(stream.unit() >= kinds[0].0)];
                let draw = stream.unit();
                let outcome = if draw < leak {
                    Catastrophe
                } else if draw < acceptance {
                    Safe
                } else {
                    Rejected
                };
                (outcome, [geometric(&mut stream, acceptance)])
            })
            .collect();
        let draws: Vec<SingleDraw<'_>> = rows
            .iter()
            .map(|(outcome, tries)| SingleDraw {
                outcome: *outcome,
                tries,
            })
            .collect();
        let leak = single_draw_leak(&draws, Some(cap), 0.95).unwrap();
        capped_sum += leak.estimate.value.unwrap();
        held += u32::from(leak.estimate.lower <= truth && truth <= leak.estimate.upper);
        held_upper += u32::from(truth <= leak.upper.unwrap().upper);
        let uncapped = single_draw_leak(&draws, None, 0.95).unwrap();
        sum += uncapped.estimate.value.unwrap();
    }
    let standard_error =
        (population.geometric_variance(1).unwrap() / (n as f64 * runs as f64)).sqrt();
    assert!((sum / runs as f64 - exact).abs() < 3.5 * standard_error);
    assert!((capped_sum / runs as f64 - truth).abs() < 3.5 * standard_error);
    assert!(held >= 376, "{held} of 400");
    assert!(held_upper >= 376, "{held_upper} of 400");
}
