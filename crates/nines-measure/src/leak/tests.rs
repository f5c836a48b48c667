use super::*;
use crate::design::lot;
use nines_stats::random::Stream;

/// A world of three strata and abstentions, whose leak is known.
const SHARES: [f64; 4] = [0.10, 0.60, 0.25, 0.05];
const RATES: [f64; 4] = [0.0, 1e-3, 1e-2, 0.10];

fn true_leak() -> f64 {
    SHARES.iter().zip(RATES).map(|(w, p)| w * p).sum()
}

fn frame(seed: u64, n: u64) -> Vec<LeakItem> {
    (0..n)
        .map(|position| {
            let mut stream = Stream::new(seed, position);
            let mut at = stream.unit();
            let kind = SHARES
                .iter()
                .position(|w| {
                    at -= w;
                    at < 0.0
                })
                .unwrap_or(3);
            let bad = stream.unit() < RATES[kind];
            LeakItem {
                prompt: PromptId((stream.unit() * 10.0) as i64),
                stratum: kind.checked_sub(1),
                lot: lot(seed, position),
                first_draw: stream.unit() < 0.5,
                finding: if bad { Finding::Strict } else { Finding::Safe },
            }
        })
        .collect()
}

#[test]
fn intervals_and_bounds_hold_the_true_leak_at_any_allocation() {
    let truth = true_leak();
    for probabilities in [[0.2, 0.2, 0.2], [0.05, 0.2, 0.9], [0.02, 0.5, 1.0]] {
        let (mut held, mut bounded, mut sum, runs) = (0, 0, 0.0, 400);
        for seed in 0..runs {
            let report = measure(&frame(seed, 2000), &probabilities, None, 0.9).expect("measured");
            let leak = &report.broad;
            held += u32::from(leak.leak.lower <= truth && truth <= leak.leak.upper);
            bounded += u32::from(truth <= leak.at_most.upper);
            sum += leak.leak.value.expect("a value");
        }
        // Unbiased within four standard errors, and never below the promise by more than chance.
        assert!(
            (sum / runs as f64 - truth).abs() < 6e-4,
            "{}",
            sum / runs as f64
        );
        assert!(
            held >= 345 && bounded >= 345,
            "{probabilities:?} {held} {bounded}"
        );
    }
}

#[test]
fn a_half_labelled_design_is_a_smaller_design() {
    let truth = true_leak();
    let probabilities = [0.2, 0.5, 1.0];
    let (mut sum, mut held, runs) = (0.0, 0, 4000);
    for seed in 0..runs {
        let mut items = frame(seed, 600);
        // Labellers take the queue from its beginning, and stop after 40 answers.
        let mut queue: Vec<(f64, usize)> = items
            .iter()
            .enumerate()
            .filter_map(|(i, item)| Some((item.lot / probabilities[item.stratum?], i)))
            .filter(|(place, _)| *place < 1.0)
            .collect();
        queue.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (_, i) in &queue[40..] {
            items[*i].finding = Finding::Unlabelled;
        }
        let report = measure(&items, &probabilities, None, 0.9).expect("measured");
        assert_eq!(
            (report.labelled, report.waiting),
            (40, queue.len() as u64 - 40)
        );
        sum += report.broad.leak.value.expect("a value");
        held += u32::from(report.broad.leak.lower <= truth && truth <= report.broad.leak.upper);
    }
    // Each stratum's own first waiting lot would make it 8 % too low here.
    let mean = sum / runs as f64;
    assert!((mean / truth - 1.0).abs() < 0.03, "{mean} {truth}");
    assert!(held >= 3560, "{held}");
}

#[test]
fn re_weighting_leads_to_the_other_distribution() {
    // Odd prompts are three times as bad; they are asked half of the time, and wanted nine tenths.
    let from: Vec<_> = (0..10).map(|i| (PromptId(i), 0.1)).collect();
    let to: Vec<_> = (0..10)
        .map(|i| (PromptId(i), if i % 2 == 1 { 0.18 } else { 0.02 }))
        .collect();
    let reweighting = Reweighting::new(&from, &to).expect("shared");
    let truth = 0.9 * 0.03 + 0.1 * 0.01;
    let (mut sum, mut held, mut bounded, runs) = (0.0, 0, 0, 300);
    for seed in 0..runs {
        let items: Vec<LeakItem> = frame(seed, 2000)
            .into_iter()
            .map(|mut item| {
                let rate = if item.prompt.0 % 2 == 1 { 0.03 } else { 0.01 };
                let bad = Stream::new(seed + 1_000_000, (item.lot * 1e15) as u64).unit() < rate;
                item.stratum = Some(0);
                item.finding = if bad { Finding::Broad } else { Finding::Safe };
                item
            })
            .collect();
        let report = measure(&items, &[0.4], Some(&reweighting), 0.9).expect("measured");
        sum += report.broad.leak.value.expect("a value");
        held += u32::from(report.broad.leak.lower <= truth && truth <= report.broad.leak.upper);
        bounded += u32::from(truth <= report.broad.at_most.upper);
        assert_eq!(report.strict.leak.value, Some(0.0));
        assert!(report.strict.leak.upper > 0.0);
    }
    assert!(
        (sum / runs as f64 - truth).abs() < 1.2e-3,
        "{}",
        sum / runs as f64
    );
    assert!(held >= 258 && bounded >= 258, "{held} {bounded}");
}

#[test]
fn without_catastrophes_an_even_design_gives_the_binomial_bound() {
    let items: Vec<LeakItem> = (0..3000)
        .map(|position| LeakItem {
            prompt: PromptId(1),
            stratum: Some(position as usize % 2),
            lot: lot(7, position),
            first_draw: true,
            finding: Finding::Safe,
        })
        .collect();
    let report = measure(&items, &[1.0, 1.0], None, 0.95).expect("measured");
    // statistics: 0/3000, one-sided.
    assert!((report.strict.at_most.upper - 9.98079012e-4).abs() < 1e-12);
    assert!((report.strict.nines_shown - 3.000835).abs() < 1e-6);
    assert_eq!(report.strict.nines, None);
    assert!(report.strict.leak.upper > report.strict.at_most.upper);
    assert_eq!(report.labelled, 3000);
    assert!((report.effective_labels - 3000.0).abs() < 1e-6);
}

#[test]
fn labels_of_answers_that_were_not_drawn_are_counted_and_left_out() {
    let items = frame(5, 1000);
    let report = measure(&items, &[0.3, 0.3, 0.3], None, 0.95).expect("measured");
    let answered = items.iter().filter(|i| i.stratum.is_some()).count() as u64;
    assert_eq!(report.labelled + report.undrawn, answered);
    let clean: Vec<LeakItem> = items
        .iter()
        .map(|item| match item.lot < 0.3 {
            true => *item,
            false => LeakItem {
                finding: Finding::Unlabelled,
                ..*item
            },
        })
        .collect();
    let alone = measure(&clean, &[0.3, 0.3, 0.3], None, 0.95).expect("measured");
    assert_eq!(
        (alone.undrawn, &alone.broad, &alone.strict),
        (0, &report.broad, &report.strict)
    );
}

#[test]
fn a_stratum_without_answers_takes_nothing_away() {
    let items = frame(2, 1000);
    let three = measure(&items, &[0.3, 0.3, 0.3], None, 0.95).expect("measured");
    let four = measure(&items, &[0.3, 0.3, 0.3, 0.0], None, 0.95).expect("measured");
    assert_eq!(three.effective_labels, four.effective_labels);
    assert_eq!((three.broad, three.strict), (four.broad, four.strict));
}

#[test]
fn undecided_answers_widen_upwards_only() {
    let mut items = frame(3, 2000);
    let clear = measure(&items, &[0.5, 0.5, 0.5], None, 0.95).expect("measured");
    for item in items.iter_mut().filter(|i| i.lot < 0.02) {
        item.finding = Finding::Undecided;
    }
    let doubtful = measure(&items, &[0.5, 0.5, 0.5], None, 0.95).expect("measured");
    assert!(doubtful.broad.leak.upper > clear.broad.leak.upper);
    assert!(doubtful.broad.at_most.upper > clear.broad.at_most.upper);
    assert!(doubtful.broad.leak.lower <= clear.broad.leak.lower);
}

#[test]
fn what_measures_nothing_is_refused() {
    let items = frame(1, 500);
    let refused =
        |items: &[LeakItem], p: &[f64]| measure(items, p, None, 0.95).expect_err("refused");
    assert!(matches!(
        refused(&items, &[0.5, 0.5]),
        MeasureError::NotDrawn { .. }
    ));
    assert!(matches!(
        refused(&items, &[0.5, 1.5, 0.5]),
        MeasureError::BadProbability { stratum: 1, .. }
    ));
    assert!(matches!(
        refused(&items, &[0.5, f64::NAN, 0.5]),
        MeasureError::BadProbability { stratum: 1, .. }
    ));
    assert!(matches!(
        refused(&items, &[0.5, 0.0, 0.5]),
        MeasureError::StratumWithoutLabels { stratum: 1, .. }
    ));
    let unlabelled: Vec<LeakItem> = items
        .iter()
        .map(|item| LeakItem {
            finding: Finding::Unlabelled,
            ..*item
        })
        .collect();
    assert!(matches!(
        refused(&unlabelled, &[0.5, 0.5, 0.5]),
        MeasureError::NothingRated { .. }
    ));
    assert_eq!(refused(&[], &[0.5]), MeasureError::EmptyFrame);
}
