//! Several pairs of a prompt, and raters with tastes of their own.

use super::*;

#[test]
fn clustered_pairs_are_covered() {
    // Prompts of which half always and half never prefer the filtered one when they reject: three
    // pairs of one prompt say the same.
    let (runs, prompts) = (300u64, 80u64);
    let (mut held, mut student, mut resampled) = (0, 0, 0);
    let bootstrap = Bootstrap {
        resamples: 200,
        confidence: 0.9,
        ..Bootstrap::default()
    };
    for run in 0..runs {
        let mut stream = Stream::new(55, run);
        let mut pairs = Vec::new();
        for prompt in 0..prompts {
            let taste = if stream.unit() < 0.4 { Better } else { Worse };
            for _ in 0..=prompt % 3 {
                let outcome = if stream.unit() < 0.5 {
                    Accepted
                } else {
                    Rated(taste)
                };
                pairs.push(Pair { prompt, outcome });
            }
        }
        let truth = 0.5 + 0.5 * (0.4 - 0.5);
        let inside = |e: &IntervalEstimate| u32::from(e.lower <= truth && truth <= e.upper);
        let quality = skip_pairs(&pairs, 0.9).unwrap();
        held += inside(&quality.guaranteed);
        student += inside(&quality.normal.unwrap());
        resampled += inside(&bootstrap_interval(&pairs, &bootstrap).unwrap().unwrap());
    }
    assert!(held >= 285, "{held}");
    // 270 expected, with a standard deviation of 5.2.
    assert!((252..=288).contains(&student), "{student}");
    assert!((245..=288).contains(&resampled), "{resampled}");
}

#[test]
fn known_rates_cover() {
    let (runs, n) = (400u64, 60u64);
    let truth = 0.5 + 0.2 * (0.3 - 0.5);
    let mut held = [0u32; 2];
    for run in 0..runs {
        let mut stream = Stream::new(56, run);
        let ratings: Vec<Rating> = (0..n)
            .map(|prompt| Rating {
                prompt,
                preference: match stream.unit() {
                    u if u < 0.2 => Better,
                    u if u < 0.4 => Tie,
                    _ => Worse,
                },
            })
            .collect();
        let rejected = (0..300).filter(|_| stream.unit() < 0.2).count() as u64;
        for (i, rate) in [
            RejectionRate::Known(0.2),
            RejectionRate::Pool {
                rejected,
                draws: 300,
            },
        ]
        .into_iter()
        .enumerate()
        {
            let e = known_rejection(&ratings, rate, 0.9).unwrap().guaranteed;
            held[i] += u32::from(e.lower <= truth && truth <= e.upper);
        }
    }
    assert!(held.iter().all(|&h| h >= 360), "{held:?}");
}

fn rated_by_few(seed: u64, raters: u64, prompts: u64, spread: f64) -> Vec<RaterPair> {
    let mut stream = Stream::new(57, seed);
    let tastes: Vec<f64> = (0..raters)
        .map(|_| 0.5 + spread * (2.0 * stream.unit() - 1.0))
        .collect();
    (0..prompts)
        .map(|prompt| {
            let rater = stream.below(raters as usize);
            let outcome = if stream.unit() < 0.5 {
                Accepted
            } else if stream.unit() < tastes[rater] {
                Rated(Better)
            } else {
                Rated(Worse)
            };
            RaterPair {
                prompt,
                rater: rater as u64,
                outcome,
            }
        })
        .collect()
}

fn plain(pairs: &[RaterPair]) -> Vec<Pair> {
    pairs
        .iter()
        .map(|p| Pair {
            prompt: p.prompt,
            outcome: p.outcome,
        })
        .collect()
}

#[test]
fn tastes_of_raters_are_in_the_two_way_interval_only() {
    let runs = 300;
    let (mut two_way, mut one_way) = (0, 0);
    for seed in 0..runs {
        let pairs = rated_by_few(seed, 12, 600, 0.45);
        let inside = |e: &IntervalEstimate| u32::from(e.lower <= 0.5 && 0.5 <= e.upper);
        two_way += inside(&two_way_interval(&pairs, 0.9).unwrap().unwrap());
        one_way += inside(&skip_pairs(&plain(&pairs), 0.9).unwrap().normal.unwrap());
    }
    // 270 expected, with a standard deviation of 5.2.
    assert!((250..=292).contains(&two_way), "{two_way}");
    assert!(one_way < 200, "{one_way}");
}

#[test]
fn two_way_intervals_are_never_narrower_than_prompts_alone() {
    for seed in 0..50 {
        let pairs = rated_by_few(seed, 8, 100, 0.0);
        let one_way = skip_pairs(&plain(&pairs), 0.95).unwrap().normal.unwrap();
        let two_way = two_way_interval(&pairs, 0.95).unwrap().unwrap();
        assert_eq!(two_way.value, one_way.value);
        assert!(two_way.lower <= one_way.lower && two_way.upper >= one_way.upper);
        assert!(two_way.method.contains("approximate"));
        let mut reversed = pairs.clone();
        reversed.reverse();
        let again = two_way_interval(&reversed, 0.95).unwrap().unwrap();
        near(again.lower, two_way.lower, 1e-12);
    }
}

#[test]
fn two_way_intervals_need_two_of_each() {
    let pair = |prompt, rater, outcome| RaterPair {
        prompt,
        rater,
        outcome,
    };
    assert!(two_way_interval(&[], 0.95).is_err());
    let one_rater = [pair(0, 1, Rated(Better)), pair(1, 1, Rated(Worse))];
    assert!(two_way_interval(&one_rater, 0.95).is_err());
    let one_prompt = [pair(0, 1, Rated(Better)), pair(0, 2, Rated(Worse))];
    assert!(two_way_interval(&one_prompt, 0.95).is_err());
    let unrated = [pair(0, 1, Accepted), pair(1, 2, Accepted)];
    assert!(two_way_interval(&unrated, 0.95).is_err());
    let agreeing = [pair(0, 1, Rated(Better)), pair(1, 2, Rated(Better))];
    assert_eq!(two_way_interval(&agreeing, 0.95).unwrap(), None);
    assert!(two_way_interval(&agreeing, 1.0).is_err());
}
