//! Calibration: the rule keeps its word, the record says what it rests on, and what is impossible is
//! refused with what would be possible.

use nines_domain::label::LabelledBy;
use nines_domain::score::Score;
use nines_domain::snippet::ContentHash;
use nines_domain::split::Split;
use nines_measure::MeasureError;
use nines_measure::calibrate::{
    CalibrationRecord, CalibrationRequest, CatastropheChoice, ThresholdRule, calibrate,
    operating_points,
};
use nines_measure::items::{LabelledItem, Provenance, RandomCompletion, Truth};
use nines_stats::normal;
use nines_stats::random::Stream;

fn item(family: u64, provenance: Provenance, score: Option<f64>, severity: u8) -> LabelledItem {
    LabelledItem {
        split: Split::Calibration,
        family: ContentHash::of_prompt(&family.to_string()),
        provenance,
        score: score.map(|s| Score::new(s).expect("finite")),
        broad: Some(severity > 0),
        strict: Some(severity > 1),
        labelled_by: LabelledBy::Judges,
    }
}

fn random(family: u64, score: Option<f64>) -> RandomCompletion {
    RandomCompletion {
        split: Split::Calibration,
        family: ContentHash::of_prompt(&family.to_string()),
        score: score.map(|s| Score::new(s).expect("finite")),
    }
}

/// A calibration split like the starter project's: 85 authored catastrophes, each with a safe twin on
/// its prompt, some generated catastrophes, and four random completions of 120 prompts.
fn starter(seed: u64) -> (Vec<LabelledItem>, Vec<RandomCompletion>) {
    let mut stream = Stream::new(seed, 0);
    let mut items = Vec::new();
    for family in 0..85 {
        items.push(item(
            family,
            Provenance::Authored,
            Some(1.0 + 2.0 * stream.normal()),
            2,
        ));
        items.push(item(
            family,
            Provenance::Authored,
            Some(-1.0 + 2.0 * stream.normal()),
            0,
        ));
    }
    for family in 85..105 {
        let severity = 1 + (family % 2) as u8;
        items.push(item(
            family,
            Provenance::Selected,
            Some(2.0 + 2.0 * stream.normal()),
            severity,
        ));
    }
    items.push(item(200, Provenance::Random, Some(3.0), 3));
    let completions = (0..480)
        .map(|i| random(i / 4, (i % 40 != 0).then(|| -2.0 + 2.0 * stream.normal())))
        .collect();
    (items, completions)
}

fn with_rule(rule: ThresholdRule) -> CalibrationRequest {
    CalibrationRequest {
        rule,
        ..CalibrationRequest::new("minilm v1")
    }
}

fn value(estimate: &Option<nines_domain::estimate::Estimate>) -> f64 {
    estimate.as_ref().and_then(|e| e.value).expect("a value")
}

#[test]
fn a_promised_recall_is_kept_as_often_as_promised() {
    // Catastrophes score N(1, 2²): the true recall of threshold t is Φ((1 − t)/2).
    let repeats = 400;
    let request = CalibrationRequest {
        catastrophes: CatastropheChoice::Authored,
        ..with_rule(ThresholdRule::RecallPromised {
            recall: 0.8,
            confidence: 0.95,
        })
    };
    let broken = (0..repeats)
        .filter(|&seed| {
            let (items, completions) = starter(seed);
            let record = calibrate(&request, &items, &completions).expect("feasible");
            let t = record.threshold.logit();
            normal::ln_cdf((1.0 - t) / 2.0).exp() < 0.8
        })
        .count();
    // The promise may break in 3.2 % of runs (85 prompts, order 11), give or take.
    assert!(broken <= 25, "{broken} of {repeats}");
    assert!(broken >= 2, "far too cautious: {broken} of {repeats}");
}

#[test]
fn the_record_says_what_it_rests_on() {
    let (mut items, completions) = starter(1);
    items.push(item(201, Provenance::Authored, None, 2));
    let record = calibrate(
        &with_rule(ThresholdRule::RecallPromised {
            recall: 0.8,
            confidence: 0.95,
        }),
        &items,
        &completions,
    )
    .expect("feasible");
    let t = record.threshold.logit();

    let counts = &record.catastrophes;
    assert_eq!(
        (counts.authored, counts.selected, counts.random),
        (85, 20, 1)
    );
    assert_eq!(
        (counts.scored, counts.prompts, counts.unscoreable),
        (106, 106, 1)
    );
    assert_eq!(counts.labels.judges, 106);
    assert!(!counts.speak_of_deployment());
    let caught = items
        .iter()
        .filter(|i| i.broad == Some(true) && i.score.is_some_and(|s| s.logit() >= t))
        .count();
    assert_eq!(value(&record.recall), caught as f64 / 106.0);
    let promise = record.guarantee.expect("the rule promises");
    assert_eq!(
        (promise.prompts, promise.missed),
        (106, 106 - caught as u64)
    );
    assert!(promise.violation <= 0.05);

    // Completions without a score count, as rejected.
    assert_eq!(
        (record.reference.completions, record.reference.prompts),
        (480, 120)
    );
    assert_eq!(record.reference.unscoreable, 12);
    let accepted = completions
        .iter()
        .filter(|c| c.score.is_some_and(|s| s.logit() < t))
        .count();
    assert_eq!(value(&record.acceptance), accepted as f64 / 480.0);
    assert_eq!(record.recall_by_provenance.len(), 3);

    let words = record.explain();
    for part in [
        "NOT deployment",
        "85 written as examples",
        "judges (models)",
        "at least 80 % of prompts with catastrophes",
        "12 unfinished or without a score",
        "1 catastrophes have no score",
    ] {
        assert!(words.contains(part), "{part:?} is missing from:\n{words}");
    }
    let json = serde_json::to_string(&record).expect("serialises");
    let back: CalibrationRecord = serde_json::from_str(&json).expect("reads back");
    assert_eq!(back, record);
}

#[test]
fn the_curve_has_every_distinct_score_and_both_intervals() {
    let (items, completions) = starter(2);
    let rule = ThresholdRule::RecallSeen { recall: 0.9 };
    let record = calibrate(&with_rule(rule), &items, &completions).expect("feasible");
    let mut scores: Vec<f64> = items
        .iter()
        .filter(|i| i.broad == Some(true))
        .filter_map(|i| i.score)
        .chain(completions.iter().filter_map(|c| c.score))
        .map(Score::logit)
        .collect();
    scores.sort_by(f64::total_cmp);
    scores.dedup();
    let logits: Vec<f64> = record.curve.iter().map(|p| p.logit).collect();
    assert_eq!(logits, scores);
    for pair in record.curve.windows(2) {
        let recall = |i: usize| pair[i].recall.expect("catastrophes").value;
        let acceptance = |i: usize| pair[i].acceptance.expect("completions").value;
        assert!(recall(1) <= recall(0) && acceptance(1) >= acceptance(0));
    }
    let chosen = record
        .curve
        .iter()
        .find(|p| p.logit == record.threshold.logit())
        .expect("the threshold is a score");
    let (recall, acceptance) = (
        chosen.recall.expect("some"),
        chosen.acceptance.expect("some"),
    );
    let recorded = record.recall.expect("catastrophes");
    assert!((recall.value - recorded.value.expect("catastrophes")).abs() < 1e-12);
    assert!((recall.lower - recorded.lower).abs() < 1e-12);
    assert!((recall.upper - recorded.upper).abs() < 1e-12);
    assert_eq!(
        Some(acceptance.value),
        record.acceptance.expect("completions").value
    );
    assert!(acceptance.lower < acceptance.upper);
}

#[test]
fn scores_of_one_in_a_million_keep_their_digits() {
    // Logits around −13.8, P around 1e-6, a millionth of a logit apart.
    let items: Vec<_> = (0..50)
        .map(|i| item(i, Provenance::Random, Some(-13.8 + 1e-6 * i as f64), 2))
        .collect();
    let completions: Vec<_> = (0..50)
        .map(|i| random(i, Some(-13.8 + 1e-6 * i as f64 - 5e-7)))
        .collect();
    let rule = ThresholdRule::RecallSeen { recall: 0.9 };
    let record = calibrate(&with_rule(rule), &items, &completions).expect("feasible");
    assert_eq!(record.threshold.logit(), -13.8 + 1e-6 * 5.0);
    assert_eq!(value(&record.recall), 0.9);
    assert_eq!(value(&record.acceptance), 6.0 / 50.0);
    assert!(record.catastrophes.speak_of_deployment());
    assert!(record.explain().contains("deployment on such prompts"));
    let json = serde_json::to_string(&record).expect("serialises");
    let back: CalibrationRecord = serde_json::from_str(&json).expect("reads back");
    assert_eq!(back.threshold, record.threshold);
}

#[test]
fn an_acceptance_rule_keeps_its_word_and_promises_nothing() {
    let (items, completions) = starter(3);
    let rule = ThresholdRule::AcceptanceAtMost { acceptance: 0.5 };
    let record = calibrate(&with_rule(rule), &items, &completions).expect("feasible");
    assert!(value(&record.acceptance) <= 0.5 && value(&record.acceptance) > 0.49);
    assert_eq!(record.guarantee, None);
    assert!(
        record
            .explain()
            .contains("promises nothing about catastrophes")
    );
    // Without catastrophes it still works, and says so.
    let record = calibrate(&with_rule(rule), &[], &completions).expect("feasible");
    assert_eq!(record.recall, None);
    assert!(record.explain().contains("no catastrophe was there"));
    let error = calibrate(&with_rule(rule), &items, &[]).expect_err("no completions");
    assert_eq!(error, MeasureError::NoReference);
    let generous = with_rule(ThresholdRule::AcceptanceAtMost { acceptance: 0.98 });
    let error = calibrate(&generous, &items, &completions).expect_err("nothing to reject");
    assert!(
        matches!(error, MeasureError::NothingToReject { .. }),
        "{error}"
    );
}

#[test]
fn what_the_classifier_or_a_report_has_seen_is_refused() {
    let (items, completions) = starter(4);
    for split in [Split::Train, Split::Validation, Split::Test] {
        let mut seen = items.clone();
        seen[7].split = split;
        let error = calibrate(&CalibrationRequest::new("v1"), &seen, &completions)
            .expect_err("a row of another split");
        let text = error.to_string();
        assert!(
            text.contains(split.as_str()) && text.contains("labelled snippet 7"),
            "{text}"
        );
        let mut seen = completions.clone();
        seen[3].split = split;
        assert!(calibrate(&CalibrationRequest::new("v1"), &items, &seen).is_err());
    }
}

#[test]
fn too_few_catastrophes_are_told_what_is_possible() {
    let (items, completions) = starter(5);
    let rule = ThresholdRule::RecallPromised {
        recall: 0.99,
        confidence: 0.95,
    };
    let error = calibrate(&with_rule(rule), &items, &completions).expect_err("infeasible");
    let MeasureError::CannotPromise {
        n,
        needed,
        feasible_recall,
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((n, needed), (106, 299));
    // What the message names is possible, and a little more is not.
    let promise = |recall| {
        let rule = ThresholdRule::RecallPromised {
            recall,
            confidence: 0.95,
        };
        calibrate(&with_rule(rule), &items, &completions)
    };
    assert!(promise(feasible_recall).is_ok(), "{feasible_recall}");
    assert!(
        promise(feasible_recall + 2e-3).is_err(),
        "{feasible_recall}"
    );

    let error = calibrate(&CalibrationRequest::new("v1"), &[], &completions).expect_err("none");
    assert!(
        error.to_string().contains("no scored catastrophe (all)"),
        "{error}"
    );
    let request = CalibrationRequest {
        catastrophes: CatastropheChoice::Random,
        truth: Truth::Strict,
        ..CalibrationRequest::new("v1")
    };
    let only_random: Vec<_> = items
        .iter()
        .filter(|i| i.provenance != Provenance::Random)
        .cloned()
        .collect();
    let error = calibrate(&request, &only_random, &completions).expect_err("none");
    assert!(error.to_string().contains("(random)"), "{error}");
}

#[test]
fn strict_leaves_out_what_is_merely_arguable_and_undecided_items_count_nowhere() {
    let (mut items, completions) = starter(6);
    items.push(LabelledItem {
        broad: None,
        strict: None,
        ..item(300, Provenance::Authored, Some(9.0), 0)
    });
    let rule = ThresholdRule::RecallSeen { recall: 0.9 };
    let count = |truth| {
        let request = CalibrationRequest {
            truth,
            ..with_rule(rule)
        };
        calibrate(&request, &items, &completions)
            .expect("feasible")
            .catastrophes
            .scored
    };
    assert_eq!((count(Truth::Broad), count(Truth::Strict)), (106, 96));
}

#[test]
fn several_catastrophes_of_one_prompt_are_one_unit_of_the_promise() {
    // A hundred catastrophes on ten prompts promise no more than ten do.
    let items: Vec<_> = (0..100)
        .map(|i| item(i / 10, Provenance::Authored, Some(i as f64), 2))
        .collect();
    let promise = |recall| {
        let rule = ThresholdRule::RecallPromised {
            recall,
            confidence: 0.95,
        };
        calibrate(&with_rule(rule), &items, &[])
    };
    assert!(promise(0.74).is_ok() && promise(0.75).is_err());
    let record = promise(0.7).expect("ten prompts show 0.741");
    assert_eq!(record.guarantee.expect("promised").prompts, 10);
    assert_eq!(record.acceptance, None);
    assert!(
        record
            .explain()
            .contains("unknown, for want of random completions")
    );
}

#[test]
fn operating_points_keep_to_the_curve_and_hold_the_chosen_threshold() {
    for (seed, rule) in [
        (1, ThresholdRule::default()),
        (2, ThresholdRule::RecallSeen { recall: 0.99 }),
        (3, ThresholdRule::AcceptanceAtMost { acceptance: 0.3 }),
    ] {
        let (items, reference) = starter(seed);
        let record = calibrate(&with_rule(rule), &items, &reference).expect("calibrates");
        let points = operating_points(&record);
        assert!((60..=130).contains(&points.len()), "{}", points.len());
        assert!(points.is_sorted_by(|a, b| a.logit < b.logit));
        let chosen: Vec<_> = points.iter().filter(|p| p.is_chosen).collect();
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0].logit, record.threshold.logit());
        assert_eq!(chosen[0].acceptance, record.acceptance);
        assert_eq!(chosen[0].caught, record.recall);
        for point in points.iter().filter(|p| !p.is_chosen) {
            let on_curve = record.curve.iter().find(|p| p.logit == point.logit);
            let on_curve = on_curve.expect("a point of the curve");
            let acceptance = point.acceptance.as_ref().expect("measured");
            let band = on_curve.acceptance.expect("measured");
            assert_eq!(
                (acceptance.value, acceptance.lower, acceptance.upper),
                (Some(band.value), band.lower, band.upper)
            );
            assert_eq!(acceptance.n, record.reference.prompts);
            // Four completions a prompt are not independent, and the method says so.
            assert!(acceptance.method.contains("120 prompt families"));
        }
    }
    // Neither random completions nor a curve: the chosen point alone.
    let (items, _) = starter(4);
    let mut record = calibrate(&with_rule(ThresholdRule::default()), &items, &[]).expect("ok");
    assert!(
        operating_points(&record)
            .iter()
            .all(|p| p.acceptance.is_none())
    );
    record.curve.clear();
    assert_eq!(operating_points(&record).len(), 1);
}
