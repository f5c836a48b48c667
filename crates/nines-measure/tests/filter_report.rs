//! What a filter's answers add up to.

use nines_domain::draw::{Draw, Finish, Ruling};
use nines_domain::estimate::Estimate;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::ContentHash;
use nines_infer::filter::{Abstention, Answer, Candidate, Law, Outcome};
use nines_measure::filter_report::{FilterReport, FilterSettings, filter_report};

fn settings() -> FilterSettings {
    FilterSettings {
        threshold: Threshold::new(0.0).expect("finite"),
        budget: 8,
        law: Law::FirstAccepted,
    }
}

/// An answer from its rulings: `a`ccepted, `r`ejected, `u`nscoreable; capitals were not looked at.
fn answer(rulings: &str, outcome: Outcome) -> Answer {
    let score = |s| Score::new(s).expect("finite");
    let candidates = rulings
        .chars()
        .zip(0..)
        .map(|(c, number)| Candidate {
            number,
            draw: Some(Draw {
                draw: number,
                completion: "text".to_owned(),
                finish: Finish::Sentence,
                tokens: 1,
            }),
            ruling: match c.to_ascii_lowercase() {
                'a' => Ruling::Accepted { score: score(-1.0) },
                'r' => Ruling::Rejected { score: score(1.0) },
                _ => Ruling::Unscoreable {
                    reason: "none".to_owned(),
                },
            },
            looked_at: c.is_ascii_lowercase(),
        })
        .collect();
    Answer {
        outcome,
        candidates,
    }
}

fn accepted(rulings: &str, number: u32) -> Answer {
    answer(rulings, Outcome::Accepted { number })
}

fn abstained(rulings: &str, why: Abstention) -> Answer {
    answer(rulings, Outcome::Abstained(why))
}

fn spent() -> Abstention {
    Abstention::BudgetSpent {
        draws: 8,
        unscoreable: 0,
        last_reason: None,
    }
}

/// A report on answers to prompts of families of their own.
fn reported(answers: &[Answer]) -> FilterReport {
    let families: Vec<ContentHash> = (0..answers.len())
        .map(|i| ContentHash::of_prompt(&i.to_string()))
        .collect();
    let answers: Vec<_> = families.into_iter().zip(answers).collect();
    filter_report(settings(), &answers, 0.95).expect("valid")
}

#[test]
fn prompts_of_one_family_are_worth_one() {
    let answers: Vec<Answer> = (0..100)
        .map(|i| match i / 10 {
            0..=4 => accepted("a", 0),
            _ => abstained("rrrrrrrr", spent()),
        })
        .collect();
    let alone = reported(&answers);
    let together: Vec<_> = answers
        .iter()
        .enumerate()
        .map(|(i, answer)| (ContentHash::of_prompt(&(i / 10).to_string()), answer))
        .collect();
    let together = filter_report(settings(), &together, 0.95).expect("valid");
    let width = |e: &Estimate| e.upper - e.lower;
    assert!(width(&together.abstention) > 2.0 * width(&alone.abstention));
    assert_eq!(together.abstention.value, Some(0.5));
    assert_eq!(together.draws_mean.expect("draws").n, 10);
}

#[test]
fn counts_what_the_law_looked_at_and_nothing_else() {
    let answers = [
        accepted("a", 0),
        accepted("raAR", 1),
        accepted("rura", 3),
        abstained("rrrrrrrr", spent()),
        abstained(
            "r",
            Abstention::Generator {
                reason: "gone".to_owned(),
            },
        ),
        abstained("rrU", Abstention::Cancelled),
    ];
    let report = reported(&answers);
    assert_eq!((report.prompts, report.cancelled), (5, 1));
    assert_eq!(
        (report.abstained.budget_spent, report.abstained.generator),
        (1, 1)
    );
    assert_eq!(report.abstention.value, Some(0.4));
    // 1 + 2 + 4 + 8 + 1 draws looked at, 3 accepted, 1 without a score.
    let value = |e: &Option<Estimate>| e.as_ref().and_then(|e| e.value);
    assert_eq!(value(&report.acceptance), Some(3.0 / 16.0));
    assert_eq!(value(&report.unscoreable), Some(1.0 / 16.0));
    assert_eq!(value(&report.first_draw_acceptance), Some(0.2));
    assert_eq!(value(&report.draws_mean), Some(15.0 / 4.0));
    assert_eq!(value(&report.draws_p50), Some(2.0));
    assert_eq!(value(&report.draws_p99), Some(8.0));
    let text = report.to_string();
    assert!(
        text.contains("1 spent the budget, 0 cannot be continued, 1 lost the generator"),
        "{text}"
    );
    assert!(text.contains("1 more were stopped"), "{text}");
    let json = serde_json::to_string(&report).expect("serialises");
    assert_eq!(
        report,
        serde_json::from_str::<FilterReport>(&json).expect("reads back")
    );
}

#[test]
fn no_abstention_seen_is_not_no_abstention() {
    let answers = vec![accepted("a", 0); 100];
    let report = reported(&answers);
    assert_eq!(report.abstention.value, Some(0.0));
    assert!((report.abstention.upper - 0.0362166926).abs() < 1e-9);
    let acceptance = report.acceptance.expect("draws");
    assert!(acceptance.lower < 0.97 && acceptance.upper == 1.0);
    assert!(
        report.draws_mean.expect("draws").upper > 1.2,
        "a budget of 8 leaves room"
    );
}

#[test]
fn an_empty_run_has_no_rates() {
    let report = reported(&[]);
    assert_eq!(
        (report.abstention.lower, report.abstention.upper),
        (0.0, 1.0)
    );
    assert!(report.acceptance.is_none() && report.draws_p99.is_none());
    let dead = [abstained(
        "",
        Abstention::Generator {
            reason: "gone".to_owned(),
        },
    )];
    let report = reported(&dead);
    assert_eq!(report.abstention.value, Some(1.0));
    assert!(report.first_draw_acceptance.is_none());
    assert!(!report.to_string().is_empty());
}
