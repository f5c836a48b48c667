//! The curve of quality against threshold.

use super::*;

fn streams_of(scores: &[Vec<f64>]) -> Vec<CompletionStream<'_>> {
    (0..)
        .zip(scores)
        .map(|(prompt, scores)| CompletionStream { prompt, scores })
        .collect()
}

fn random_scores(seed: u64, streams: u64, tries: usize) -> Vec<Vec<f64>> {
    (0..streams)
        .map(|i| {
            let mut stream = Stream::new(seed, i);
            let hard = stream.normal();
            // Whole numbers, so that scores tie with each other and with thresholds.
            (0..tries)
                .map(|_| (2.0 * (hard + stream.normal())).round())
                .collect()
        })
        .collect()
}

/// The first completion below a threshold, found by looking.
fn by_looking(scores: &[f64], threshold: f64) -> Option<Filtered> {
    match scores.iter().position(|&s| s < threshold) {
        Some(0) => None,
        Some(place) => Some(Filtered::Completion(place)),
        None => Some(Filtered::Fallback),
    }
}

#[test]
fn pairs_are_those_that_looking_finds() {
    let scores = random_scores(3, 200, 8);
    let streams = streams_of(&scores);
    let thresholds: Vec<f64> = (-6..=6).map(f64::from).collect();
    let needed = pairs_to_label(&streams, &thresholds).unwrap();
    let mut uses = 0;
    for (stream, scores) in scores.iter().enumerate() {
        for &threshold in &thresholds {
            if let Some(filtered) = by_looking(scores, threshold) {
                let pair = StreamPair { stream, filtered };
                assert!(needed.iter().any(|n| n.pair == pair));
                uses += 1;
            }
        }
    }
    assert_eq!(needed.iter().map(|n| n.thresholds).sum::<usize>(), uses);
    assert!(needed.windows(2).all(|w| w[0].pair < w[1].pair));
    assert!(
        2 * needed.len() < uses,
        "{} ratings serve {uses}",
        needed.len()
    );
}

#[test]
fn each_point_is_the_estimate_at_its_threshold() {
    let scores = random_scores(4, 150, 6);
    let streams = streams_of(&scores);
    let thresholds = [1.0, -3.0, 4.0, 0.0];
    let mut stream = Stream::new(9, 0);
    let labels: Vec<LabelledPair> = pairs_to_label(&streams, &thresholds)
        .unwrap()
        .iter()
        .map(|n| LabelledPair {
            pair: n.pair,
            preference: [Better, Tie, Worse][stream.below(3)],
        })
        .collect();
    let curve = quality_curve(&streams, &thresholds, &labels, 0.9).unwrap();
    for (point, &threshold) in curve.iter().zip(&thresholds) {
        assert_eq!(point.threshold, threshold);
        let pairs: Vec<Pair> = scores
            .iter()
            .enumerate()
            .map(|(i, scores)| Pair {
                prompt: i as u64,
                outcome: by_looking(scores, threshold).map_or(Accepted, |filtered| {
                    let pair = StreamPair {
                        stream: i,
                        filtered,
                    };
                    let label = labels.iter().find(|l| l.pair == pair).expect("rated");
                    Rated(label.preference)
                }),
            })
            .collect();
        assert_eq!(point.quality, skip_pairs(&pairs, 0.9).unwrap());
        let rated = pairs.iter().filter(|p| p.outcome != Accepted).count();
        assert_eq!(point.ratings, rated);
        near(value(&point.rejected), rated as f64 / 150.0, 1e-15);
        let fallback = scores
            .iter()
            .filter(|s| s.iter().all(|&v| v >= threshold))
            .count();
        near(value(&point.fallback), fallback as f64 / 150.0, 1e-15);
    }
    // Neither the order of the ratings nor superfluous ones matter.
    let mut more = labels.clone();
    more.reverse();
    more.push(LabelledPair {
        pair: StreamPair {
            stream: 0,
            filtered: Filtered::Completion(77),
        },
        preference: Better,
    });
    assert_eq!(
        quality_curve(&streams, &thresholds, &more, 0.9).unwrap(),
        curve
    );
}

#[test]
fn two_streams_of_a_prompt_are_one_unit() {
    let scores = [vec![3.0, -1.0], vec![2.0, -2.0], vec![-1.0]];
    let mut streams = streams_of(&scores);
    streams[1].prompt = 0;
    let label = |stream| LabelledPair {
        pair: StreamPair {
            stream,
            filtered: Filtered::Completion(1),
        },
        preference: Worse,
    };
    let curve = quality_curve(&streams, &[0.0], &[label(0), label(1)], 0.95).unwrap();
    assert_eq!(curve[0].quality.guaranteed.n, 2);
    near(value(&curve[0].quality.guaranteed), 0.25, 1e-15);
}

#[test]
fn bad_streams_and_ratings_are_refused() {
    let scores = [vec![3.0, -1.0], vec![2.0]];
    let streams = streams_of(&scores);
    let label = |stream, filtered| LabelledPair {
        pair: StreamPair { stream, filtered },
        preference: Worse,
    };
    let first = label(0, Filtered::Completion(1));
    let second = label(1, Filtered::Fallback);
    let curve = |labels: &[LabelledPair]| quality_curve(&streams, &[0.0], labels, 0.95);
    assert!(curve(&[first, second]).is_ok());
    assert!(matches!(
        curve(&[first]).unwrap_err(),
        StatsError::Missing { index: 1, .. }
    ));
    assert!(matches!(
        curve(&[first, second, first]).unwrap_err(),
        StatsError::ItemOutOfRange { index: 2, .. }
    ));
    assert!(curve(&[first, second, label(2, Filtered::Fallback)]).is_err());
    assert!(pairs_to_label(&[], &[0.0]).is_err());
    assert!(pairs_to_label(&streams, &[]).is_err());
    assert!(pairs_to_label(&streams, &[f64::INFINITY]).is_err());
    let empty = [CompletionStream {
        prompt: 0,
        scores: &[],
    }];
    assert!(pairs_to_label(&empty, &[0.0]).is_err());
    let nan = [CompletionStream {
        prompt: 0,
        scores: &[1.0, f64::NAN],
    }];
    assert!(pairs_to_label(&nan, &[0.0]).is_err());
}
