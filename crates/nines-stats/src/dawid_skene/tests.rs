use super::*;
use crate::random::Stream;

fn example() -> Vec<Vec<Option<bool>>> {
    ["110", "000", "111", "010", "000", "101", "001", "111"]
        .map(|item| item.chars().map(|c| Some(c == '1')).collect())
        .to_vec()
}

fn all_near(got: &[f64], expected: &[f64], within: f64) {
    assert_eq!(got.len(), expected.len());
    for (g, e) in got.iter().zip(expected) {
        assert!((g - e).abs() <= within, "{got:?} instead of {expected:?}");
    }
}

fn rater_is_near(rater: &RaterAccuracy, sensitivity: f64, specificity: f64, within: f64) {
    all_near(
        &[rater.sensitivity, rater.specificity],
        &[sensitivity, specificity],
        within,
    );
}

#[test]
fn the_first_two_steps() {
    let start = flagged_shares(&example()).unwrap();
    let model = fit_raters(&example(), &start, 0.0).unwrap();
    assert!((model.prevalence - 0.5).abs() < 1e-15);
    for (rater, expected) in model.raters.iter().zip([0.8333, 0.75, 0.75]) {
        rater_is_near(rater, expected, expected, 5e-5);
    }
    let posteriors = truth_posteriors(&example(), &model).unwrap();
    let expected = [
        0.833333, 0.021739, 0.978261, 0.166667, 0.021739, 0.833333, 0.166667, 0.978261,
    ];
    all_near(&posteriors, &expected, 5e-7);
}

#[test]
fn the_smoothed_fixed_point() {
    let fit = dawid_skene(&example(), &DawidSkeneOptions::default()).unwrap();
    assert!((fit.model.prevalence - 0.5).abs() < 1e-9);
    for (rater, expected) in fit
        .model
        .raters
        .iter()
        .zip([0.66366342, 0.60910895, 0.60910895])
    {
        rater_is_near(rater, expected, expected, 5e-9);
    }
    let expected = [0.66366342, 0.17267316, 0.82732684, 0.33633658];
    all_near(&fit.posteriors[..4], &expected, 5e-9);
    // It is a fixed point: another round changes nothing.
    let model = fit_raters(&example(), &fit.posteriors, 1.0).unwrap();
    let again = truth_posteriors(&example(), &model).unwrap();
    all_near(&again, &fit.posteriors, 1e-11);
}

#[test]
fn without_smoothing_it_degenerates() {
    let plain = DawidSkeneOptions {
        smoothing: 0.0,
        ..DawidSkeneOptions::default()
    };
    let fit = dawid_skene(&example(), &plain).unwrap();
    for (rater, expected) in fit.model.raters.iter().zip([1.0, 0.75, 0.75]) {
        rater_is_near(rater, expected, expected, 1e-6);
    }
}

/// Ratings of raters with known accuracy, one in five missing, and the truths.
fn simulated(
    items: usize,
    accuracies: &[(f64, f64)],
    seed: u64,
) -> (Vec<Vec<Option<bool>>>, Vec<bool>) {
    let mut stream = Stream::new(seed, 0);
    let truths: Vec<bool> = (0..items).map(|_| stream.unit() < 0.3).collect();
    let ratings = truths
        .iter()
        .map(|&truth| {
            accuracies
                .iter()
                .map(|&(sensitivity, specificity)| {
                    let right = stream.unit() < if truth { sensitivity } else { specificity };
                    (stream.unit() < 0.8).then_some(right == truth)
                })
                .collect()
        })
        .collect();
    (ratings, truths)
}

fn share_of(truths: &[bool]) -> f64 {
    truths.iter().filter(|&&truth| truth).count() as f64 / truths.len() as f64
}

#[test]
fn it_finds_the_raters_again() {
    let accuracies = [(0.9, 0.95), (0.8, 0.9), (0.7, 0.8), (0.95, 0.99)];
    let (ratings, truths) = simulated(20_000, &accuracies, 5);
    let options = DawidSkeneOptions {
        tolerance: 1e-9,
        ..DawidSkeneOptions::default()
    };
    let fit = dawid_skene(&ratings, &options).unwrap();
    for (rater, (sensitivity, specificity)) in fit.model.raters.iter().zip(accuracies) {
        rater_is_near(rater, sensitivity, specificity, 0.02);
    }
    assert!((fit.model.prevalence - share_of(&truths)).abs() < 0.01);
}

#[test]
fn the_order_of_items_and_raters_does_not_matter() {
    let (ratings, _) = simulated(60, &[(0.9, 0.9), (0.8, 0.8), (0.7, 0.9)], 8);
    let fit = dawid_skene(&ratings, &DawidSkeneOptions::default()).unwrap();
    let mut turned = ratings;
    turned.reverse();
    for row in &mut turned {
        row.rotate_left(1);
    }
    let again = dawid_skene(&turned, &DawidSkeneOptions::default()).unwrap();
    let mut posteriors = again.posteriors;
    posteriors.reverse();
    all_near(&posteriors, &fit.posteriors, 1e-9);
    let (first, second) = (&again.model.raters[0], &fit.model.raters[1]);
    rater_is_near(first, second.sensitivity, second.specificity, 1e-9);
}

#[test]
fn the_prevalence_comes_with_an_interval_that_nests() {
    let (ratings, truths) = simulated(80, &[(0.9, 0.9), (0.8, 0.8), (0.7, 0.9)], 3);
    let options = DawidSkeneOptions {
        tolerance: 1e-6,
        ..DawidSkeneOptions::default()
    };
    let at = |confidence| {
        let bootstrap = Bootstrap {
            resamples: 200,
            seed: 1,
            confidence,
        };
        dawid_skene_prevalence(&ratings, &options, &bootstrap).unwrap()
    };
    let (narrow, wide) = (at(0.8), at(0.95));
    assert!(wide.lower <= narrow.lower && narrow.upper <= wide.upper);
    assert!(wide.lower < share_of(&truths) && share_of(&truths) < wide.upper);
    assert!(wide.method.contains("approximate"));
}

#[test]
fn an_item_without_ratings_is_as_likely_as_any() {
    let mut ratings = example();
    ratings.push(vec![None; 3]);
    let fit = dawid_skene(&ratings, &DawidSkeneOptions::default()).unwrap();
    assert!((fit.posteriors[8] - fit.model.prevalence).abs() < 1e-9);
}

#[test]
fn bad_ratings_are_errors() {
    let options = DawidSkeneOptions::default();
    let of = |ratings: &[Vec<Option<bool>>]| dawid_skene(ratings, &options);
    assert!(matches!(of(&[]), Err(StatsError::Empty { .. })));
    assert!(matches!(
        of(&[vec![Some(true)]]),
        Err(StatsError::TooFew { have: 1, .. })
    ));
    assert!(matches!(
        of(&[vec![None, None]]),
        Err(StatsError::Empty { .. })
    ));
    assert!(matches!(
        of(&[vec![None, None], vec![Some(true)]]),
        Err(StatsError::Lengths { .. })
    ));
    let negative = DawidSkeneOptions {
        smoothing: -1.0,
        ..options
    };
    assert!(dawid_skene(&example(), &negative).is_err());
    let hasty = DawidSkeneOptions {
        most_steps: 2,
        ..options
    };
    assert!(matches!(
        dawid_skene(&example(), &hasty),
        Err(StatsError::NoProgress { .. })
    ));
    let outside = fit_raters(&example(), &[0.5, 0.5, 1.5, 0.0, 0.0, 0.0, 0.0, 0.0], 1.0);
    assert!(matches!(
        outside,
        Err(StatsError::ItemOutOfRange { index: 2, .. })
    ));
}
