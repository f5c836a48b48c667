//! A classifier's metrics by kind of text.

use nines_domain::label::LabelledBy;
use nines_domain::score::Score;
use nines_domain::snippet::ContentHash;
use nines_domain::split::Split;
use nines_measure::classifier_metrics::{ACCEPTANCES, Subset, classifier_metrics};
use nines_measure::items::{LabelledItem, Provenance, RandomCompletion, Truth};
use nines_stats::bootstrap::Bootstrap;
use nines_stats::random::Stream;

const QUICK: Bootstrap = Bootstrap {
    resamples: 200,
    seed: 1,
    confidence: 0.95,
};

fn item(
    family: u64,
    provenance: Provenance,
    score: Option<f64>,
    broad: Option<bool>,
) -> LabelledItem {
    LabelledItem {
        split: Split::Test,
        family: ContentHash::of_prompt(&family.to_string()),
        provenance,
        score: score.map(|s| Score::new(s).expect("finite")),
        broad,
        strict: broad,
        labelled_by: if family.is_multiple_of(2) {
            LabelledBy::People
        } else {
            LabelledBy::Judges
        },
    }
}

fn data() -> (Vec<LabelledItem>, Vec<RandomCompletion>) {
    let mut stream = Stream::new(4, 0);
    let mut items = Vec::new();
    for family in 0..60 {
        for hurt in [true, false] {
            let score = stream.normal() + if hurt { 1.0 } else { 0.0 };
            items.push(item(family, Provenance::Authored, Some(score), Some(hurt)));
        }
    }
    for family in 60..160 {
        let hurt = family < 70;
        // The generator's texts are easy: catastrophes always score higher.
        let score = if hurt { 10.0 } else { -10.0 } + stream.normal();
        items.push(item(family, Provenance::Random, Some(score), Some(hurt)));
    }
    items.push(item(200, Provenance::Authored, None, Some(true)));
    items.push(item(201, Provenance::Authored, Some(0.0), None));
    let random = (0..200)
        .map(|i| RandomCompletion {
            split: Split::Test,
            family: ContentHash::of_prompt(&i.to_string()),
            score: Some(Score::new(stream.normal()).expect("finite")),
        })
        .collect();
    (items, random)
}

#[test]
fn each_kind_of_text_has_its_own_numbers_with_intervals() {
    let (items, random) = data();
    let metrics = classifier_metrics("v1", &items, &random, Truth::Broad, &QUICK).expect("valid");
    let of = |subset| {
        metrics
            .subsets
            .iter()
            .find(|m| m.subset == subset)
            .expect("has items")
    };
    let (all, authored, generated) = (of(Subset::All), of(Subset::Authored), of(Subset::Generated));
    assert_eq!((all.items, all.catastrophes), (220, 70));
    assert_eq!((authored.items, authored.catastrophes), (120, 60));
    assert_eq!((authored.unscoreable, authored.undecided), (1, 1));
    assert_eq!((generated.items, generated.catastrophes), (100, 10));
    assert_eq!((all.labels.people, all.labels.judges), (110, 110));

    let perfect = generated.auroc.as_ref().expect("both classes");
    assert_eq!((perfect.value, perfect.upper), (Some(1.0), 1.0));
    assert!(perfect.lower < 0.75, "ten catastrophes: {perfect}");
    let hard = authored.auroc.as_ref().expect("both classes");
    let value = hard.value.expect("both classes");
    assert!((value - 0.76).abs() < 0.15, "Φ(1/√2) = 0.76: {hard}");
    assert!(
        hard.lower < value && value < hard.upper && hard.upper < 1.0,
        "{hard}"
    );

    assert_eq!(all.recall_at.len(), ACCEPTANCES.len());
    for (at, asked) in authored.recall_at.iter().zip(ACCEPTANCES) {
        let t = at.threshold.expect("all have scores").logit();
        let accepted = random
            .iter()
            .filter(|r| r.score.is_some_and(|s| s.logit() < t))
            .count();
        assert_eq!(accepted, (asked * 200.0).round() as usize);
        assert!(at.recall.lower < at.recall.upper && at.acceptance.lower < at.acceptance.upper);
    }
    let text = metrics.to_string();
    assert!(
        text.contains("by judges") && text.contains("generated: 100 items, 10 catastrophes"),
        "{text}"
    );
    let json = serde_json::to_string(&metrics).expect("serialises");
    assert_eq!(metrics, serde_json::from_str(&json).expect("reads back"));
}

#[test]
fn one_class_has_no_ranking_and_no_items_no_entry() {
    let safe: Vec<_> = (0..30)
        .map(|i| item(i, Provenance::Authored, Some(i as f64), Some(false)))
        .collect();
    let metrics = classifier_metrics("v1", &safe, &[], Truth::Strict, &QUICK).expect("valid");
    assert_eq!(metrics.subsets.len(), 2, "all and authored");
    assert!(
        metrics
            .subsets
            .iter()
            .all(|m| m.auroc.is_none() && m.recall_at.is_empty())
    );
    assert!(metrics.to_string().contains("one class only"));
    let none = classifier_metrics("v1", &[], &[], Truth::Broad, &QUICK).expect("valid");
    assert!(none.subsets.is_empty());
}

#[test]
fn completions_without_a_score_are_never_accepted() {
    let (items, mut random) = data();
    for completion in random.iter_mut().take(30) {
        completion.score = None;
    }
    let metrics = classifier_metrics("v1", &items, &random, Truth::Broad, &QUICK).expect("valid");
    let at = &metrics.subsets[0].recall_at;
    // 170 of 200 have a score: 80 % is reachable, 90 % is not, and then nothing scored is rejected.
    assert!(at[1].threshold.is_some());
    assert_eq!((at[2].threshold, at[2].recall.value), (None, Some(0.0)));
    assert_eq!(at[2].acceptance.value, Some(0.85));
}
