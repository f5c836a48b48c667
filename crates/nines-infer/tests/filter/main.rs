//! The filter's laws, on a scripted generator and scorer with every fault they can have.

mod scripted;

use nines_domain::draw::{Ruling, Sampling};
use nines_domain::score::Score;
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::filter::{Abstention, Answer, Filter, FilterError, FilterEvent, Law};
use nines_infer::generator::GenerateError;
use nines_infer::scorer::{Scorer, Unscoreable};
use scripted::*;

#[test]
fn answers_with_the_first_acceptable_draw_whatever_the_waves() {
    let prompts = prompts(300);
    let answers = run(Law::FirstAccepted, 11, 0.2, &prompts, Faults::default());
    let mut abstained = 0;
    for (prompt, answer) in prompts.iter().zip(&answers) {
        // What drawing one at a time would have found.
        let first = (0..11).find(|&draw| quantile(0, prompt, draw) < 0.2);
        assert_eq!(accepted_number(answer), first);
        let looked: Vec<u32> = answer.looked_at().map(|c| c.number).collect();
        assert_eq!(looked, (0..=first.unwrap_or(10)).collect::<Vec<_>>());
        assert!(
            answer
                .candidates
                .iter()
                .zip(0..)
                .all(|(c, number)| c.number == number)
        );
        abstained += usize::from(first.is_none());
    }
    assert!(abstained > 0, "some prompt should have spent its budget");
}

#[test]
fn draws_only_for_prompts_still_open_and_in_growing_waves() {
    let generator = Scripted::default();
    let filter = Filter::new(&Reads, threshold(0.5), 64, Law::FirstAccepted).expect("valid");
    filtered(&filter, &generator, &prompts(200), &CancelFlag::default());
    let calls = generator.calls.lock().expect("one thread");
    let sizes: Vec<usize> = calls.iter().map(Vec::len).collect();
    assert_eq!(sizes[0], 200);
    assert!(sizes.windows(2).all(|pair| pair[1] < pair[0]), "{sizes:?}");
    let waves: Vec<u32> = calls
        .iter()
        .map(|call| call[0].draws.len() as u32)
        .collect();
    assert_eq!(
        waves[..4.min(waves.len())],
        [1, 1, 2, 4][..4.min(waves.len())]
    );
}

#[test]
fn the_two_laws_differ_as_they_should() {
    // Risk grows with the quantile u as u/1000; at acceptance 0.4 the first accepted draw has mean u
    // 0.2 and the safest of ten 0.0886969.
    let prompts = prompts(20_000);
    let mean_quantile = |law, budget| {
        let answers = run(law, budget, 0.4, &prompts, Faults::default());
        let quantiles: Vec<f64> = answers
            .iter()
            .filter_map(|a| a.completion()?.parse().ok())
            .collect();
        (
            quantiles.iter().sum::<f64>() / quantiles.len() as f64,
            quantiles.len() as f64 / answers.len() as f64,
        )
    };
    let (first, _) = mean_quantile(Law::FirstAccepted, 10);
    let (safest, answered) = mean_quantile(Law::PickSafest { of: 10 }, 10);
    // Standard errors: 0.115/√20000 and 0.079/√20000.
    assert!((first - 0.2).abs() < 4.0 * 8.2e-4, "{first}");
    assert!((safest - 0.0886969449).abs() < 4.0 * 5.6e-4, "{safest}");
    assert!((answered - 0.9939533824).abs() < 4.0 * 5.5e-4, "{answered}");
    let (one, _) = mean_quantile(Law::PickSafest { of: 1 }, 10);
    assert!(
        (one - first).abs() < 1e-12,
        "the safest of one is the first accepted"
    );
}

#[test]
fn the_safest_of_a_batch_is_looked_for_in_whole_batches() {
    let prompts = prompts(400);
    let filter = Filter::new(&Reads, threshold(0.2), 10, Law::PickSafest { of: 4 }).expect("valid");
    assert_eq!(filter.budget(), 8, "two whole batches");
    let answers = filtered(
        &filter,
        &Scripted::default(),
        &prompts,
        &CancelFlag::default(),
    );
    for (prompt, answer) in prompts.iter().zip(&answers) {
        let want = [0..4u32, 4..8].into_iter().find_map(|batch| {
            batch
                .map(|draw| (quantile(0, prompt, draw), draw))
                .filter(|(u, _)| *u < 0.2)
                .min_by(|a, b| a.0.total_cmp(&b.0))
        });
        assert_eq!(accepted_number(answer), want.map(|(_, draw)| draw));
        assert_eq!(answer.looked_at().count() % 4, 0);
    }
}

#[test]
fn a_score_at_the_threshold_is_rejected() {
    let u = quantile(0, "prompt 0", 0);
    let answers = run(Law::FirstAccepted, 1, u, &prompts(1), Faults::default());
    assert!(matches!(
        answers[0].candidates[0].ruling,
        Ruling::Rejected { .. }
    ));
}

#[test]
fn an_unfinished_draw_is_never_accepted() {
    let faults = Faults {
        unfinished: vec![0, 2],
        ..Faults::default()
    };
    let answers = run(Law::FirstAccepted, 3, 2.0, &prompts(5), faults);
    for answer in &answers {
        assert_eq!(accepted_number(answer), Some(1));
        let Ruling::Unscoreable { reason } = &answer.candidates[0].ruling else {
            panic!("an unfinished draw has no score");
        };
        assert!(reason.contains("unfinished"), "{reason}");
    }
}

#[test]
fn a_prompt_that_cannot_be_continued_abstains_alone() {
    let faults = Faults {
        prompt_fails: Some("prompt 3"),
        ..Faults::default()
    };
    let answers = run(Law::FirstAccepted, 6, 2.0, &prompts(8), faults);
    for (index, answer) in answers.iter().enumerate() {
        if index == 3 {
            let Abstention::BudgetSpent {
                draws: 6,
                unscoreable: 6,
                last_reason: Some(reason),
            } = why(answer)
            else {
                panic!("{:?}", answer.outcome);
            };
            assert!(reason.contains("cannot continue this"), "{reason}");
            assert!(answer.candidates.iter().all(|c| c.draw.is_none()));
        } else {
            assert_eq!(accepted_number(answer), Some(0));
        }
    }
}

#[test]
fn some_failures_end_all_work_on_their_prompt() {
    let too_long = GenerateError::PromptTooLong {
        tokens: 90,
        max_tokens: 10,
        window: 64,
    };
    let unreached = GenerateError::Unreached {
        url: "http://there".to_owned(),
        reason: "nobody answers".to_owned(),
    };
    for error in [too_long, unreached] {
        let faults = Faults {
            prompt_fails: Some("prompt 3"),
            prompt_error: Some(error.clone()),
            ..Faults::default()
        };
        let answers = run(Law::FirstAccepted, 6, 2.0, &prompts(8), faults);
        for (index, answer) in answers.iter().enumerate() {
            if index != 3 {
                assert_eq!(accepted_number(answer), Some(0));
                continue;
            }
            assert!(answer.candidates.is_empty());
            let reason = error.to_string();
            let expected = match error {
                GenerateError::Unreached { .. } => Abstention::Generator { reason },
                _ => Abstention::Prompt { reason },
            };
            assert_eq!(why(answer), &expected);
        }
    }
}

#[test]
fn a_generator_that_dies_makes_the_rest_abstain_with_its_words() {
    let generator = Scripted::with(Faults {
        dies_in_call: Some(1),
        ..Faults::default()
    });
    let filter = Filter::new(&Reads, threshold(0.3), 16, Law::FirstAccepted).expect("valid");
    let prompts = prompts(100);
    let run = filter.run(
        &prompts,
        &generator,
        &Sampling::default(),
        &mut |_| {},
        &CancelFlag::default(),
    );
    assert!(run.failure.is_some() && !run.cancelled);
    assert_eq!(
        generator.calls.lock().expect("one thread").len(),
        2,
        "no call after its death"
    );
    let (mut kept, mut abstained) = (0, 0);
    for (prompt, answer) in prompts.iter().zip(&run.answers) {
        match accepted_number(answer) {
            Some(number) => {
                // Nothing earlier was acceptable: the law holds for what is kept.
                assert_eq!(
                    (0..16).find(|&d| quantile(0, prompt, d) < 0.3),
                    Some(number)
                );
                kept += 1;
            }
            None => {
                assert!(why(answer).to_string().contains("the model is gone"));
                abstained += 1;
            }
        }
    }
    assert!(kept > 20 && abstained > 20, "{kept} {abstained}");
}

#[test]
fn cancelling_keeps_what_is_done_and_never_skips_a_missing_draw() {
    // In the third call (draws 2 and 3) only draw 3 arrives: nothing may be accepted from it.
    let generator = Scripted::with(Faults {
        cancelled_in_call: Some(2),
        ..Faults::default()
    });
    let filter = Filter::new(&Reads, threshold(0.3), 16, Law::FirstAccepted).expect("valid");
    let prompts = prompts(100);
    let run = filter.run(
        &prompts,
        &generator,
        &Sampling::default(),
        &mut |_| {},
        &CancelFlag::default(),
    );
    assert!(run.cancelled);
    let mut kept = 0;
    for answer in &run.answers {
        match accepted_number(answer) {
            Some(number) => {
                assert!(number < 2);
                kept += 1;
            }
            None => {
                assert_eq!(why(answer), &Abstention::Cancelled);
                assert_eq!(
                    answer.candidates.len(),
                    3,
                    "draws 0, 1 and the stray 3 are kept"
                );
                assert_eq!(answer.looked_at().count(), 2);
            }
        }
    }
    assert!(kept > 30, "{kept}");
    let answers = filtered(&filter, &Scripted::default(), &prompts, &{
        let cancelled = CancelFlag::default();
        cancelled.cancel();
        cancelled
    });
    assert!(
        answers
            .iter()
            .all(|a| why(a) == &Abstention::Cancelled && a.candidates.is_empty())
    );
}

#[test]
fn a_failed_draw_does_not_make_up_others_when_work_is_stopped() {
    // In the third call (draws 2 and 3) draw 3 of prompt 5 fails, and draw 2 is never made.
    let generator = Scripted::with(Faults {
        prompt_fails: Some("prompt 5"),
        cancelled_in_call: Some(2),
        ..Faults::default()
    });
    let filter = Filter::new(&Reads, threshold(0.001), 16, Law::FirstAccepted).expect("valid");
    let answers = filtered(&filter, &generator, &prompts(8), &CancelFlag::default());
    assert_eq!(why(&answers[5]), &Abstention::Cancelled);
    assert_eq!(answers[5].looked_at().count(), 2);
    assert!(answers[5].candidates.iter().all(|c| c.number < 2));
}

#[test]
fn draws_that_are_lost_or_unasked_for_change_nothing() {
    let faults = Faults {
        loses: vec![0],
        ..Faults::default()
    };
    for answer in run(Law::FirstAccepted, 2, 2.0, &prompts(4), faults) {
        assert_eq!(accepted_number(&answer), Some(1));
        assert!(!answer.candidates[0].ruling.is_accepted());
    }
    let prompts = prompts(50);
    let faults = Faults {
        babbles: true,
        ..Faults::default()
    };
    let clean = run(Law::FirstAccepted, 8, 0.3, &prompts, Faults::default());
    assert_eq!(run(Law::FirstAccepted, 8, 0.3, &prompts, faults), clean);
}

/// A scorer that has gone wrong in one of its ways.
enum Broken {
    Silent,
    NotANumber,
}

impl Scorer for Broken {
    fn version(&self) -> &str {
        "broken"
    }

    fn score(
        &self,
        snippets: &[SnippetText],
        _: &mut dyn FnMut(usize),
    ) -> Vec<Result<Score, Unscoreable>> {
        match self {
            Self::Silent => Vec::new(),
            Self::NotANumber => snippets
                .iter()
                .map(|_| Score::new(f64::NAN).map_err(|e| Unscoreable::Model(e.to_string())))
                .collect(),
        }
    }
}

#[test]
fn a_broken_scorer_accepts_nothing_and_the_abstention_says_why() {
    for (scorer, word) in [
        (Broken::Silent, "did not answer"),
        (Broken::NotANumber, "finite"),
    ] {
        for law in [Law::FirstAccepted, Law::PickSafest { of: 2 }] {
            let filter = Filter::new(&scorer, threshold(1e9), 4, law).expect("valid");
            let generator = Scripted::default();
            for answer in filtered(&filter, &generator, &prompts(3), &CancelFlag::default()) {
                assert!(why(&answer).to_string().contains(word), "{}", why(&answer));
            }
        }
    }
}

#[test]
fn tells_every_verdict_and_answer_once() {
    let filter = Filter::new(&Reads, threshold(0.3), 8, Law::FirstAccepted).expect("valid");
    let (mut drawn, mut ruled, mut answered) = (0, 0, vec![0; 40]);
    let run = filter.run(
        &prompts(40),
        &Scripted::default(),
        &Sampling::default(),
        &mut |event| match event {
            FilterEvent::Drawn { .. } => drawn += 1,
            FilterEvent::Ruled { .. } => ruled += 1,
            FilterEvent::Answered { prompt, .. } => answered[prompt] += 1,
        },
        &CancelFlag::default(),
    );
    let candidates: usize = run.answers.iter().map(|a| a.candidates.len()).sum();
    assert_eq!((drawn, ruled), (candidates, candidates));
    assert!(answered.iter().all(|&times| times == 1));
    assert!(
        run.generated.tokens > 1 && run.generated.seconds > 0.5,
        "summed over the waves"
    );
}

#[test]
fn a_filter_without_a_budget_or_with_an_odd_batch_is_refused() {
    let build = |budget, law| Filter::new(&Reads, threshold(0.0), budget, law).err();
    assert_eq!(build(0, Law::FirstAccepted), Some(FilterError::NoBudget));
    let safest = |of| Law::PickSafest { of };
    assert!(matches!(
        build(4, safest(0)),
        Some(FilterError::BatchBeyondBudget { .. })
    ));
    assert!(matches!(
        build(4, safest(5)),
        Some(FilterError::BatchBeyondBudget { .. })
    ));
    assert_eq!(build(4, safest(4)), None);
}

#[test]
fn an_answer_survives_its_json() {
    let answers = run(Law::FirstAccepted, 2, 0.3, &prompts(20), Faults::default());
    let text = serde_json::to_string(&answers).expect("serialises");
    let back: Vec<Answer> = serde_json::from_str(&text).expect("reads back");
    assert_eq!(back, answers);
}

#[test]
fn a_threshold_tightens_with_every_draw_that_was_not_accepted() {
    let prompts = prompts(300);
    let step = nines_infer::filter::Step::new(0.05).expect("a step");
    let law = Law::Tightening { step };
    let answers = run(law, 11, 0.2, &prompts, Faults::default());
    let fixed = run(Law::FirstAccepted, 11, 0.2, &prompts, Faults::default());
    let (mut later, mut abstained) = (0, [0, 0]);
    for ((prompt, answer), fixed) in prompts.iter().zip(&answers).zip(&fixed) {
        // What drawing one at a time would have found.
        let bar = |draw: u32| 0.2 - 0.05 * f64::from(draw).ln_1p();
        let first = (0..11).find(|&draw| quantile(0, prompt, draw) < bar(draw));
        assert_eq!(accepted_number(answer), first);
        let looked: Vec<u32> = answer.looked_at().map(|c| c.number).collect();
        assert_eq!(looked, (0..=first.unwrap_or(10)).collect::<Vec<_>>());
        let number = accepted_number(fixed);
        assert!(first.is_none() || number.is_some_and(|number| number <= first.unwrap_or(0)));
        later += usize::from(first != number && first.is_some());
        abstained[0] += usize::from(number.is_none());
        abstained[1] += usize::from(first.is_none());
    }
    assert!(later > 0, "some prompt should have been answered later");
    assert!(
        abstained[1] > abstained[0],
        "{abstained:?}: a lower bar is met less often"
    );
}

#[test]
fn a_step_is_a_positive_number_of_logits_and_is_written_with_the_law() {
    use nines_infer::filter::Step;
    for wrong in [0.0, -0.5, 20.5, f64::NAN, f64::INFINITY] {
        assert_eq!(Step::new(wrong), Err(FilterError::Step));
    }
    let law = Law::Tightening {
        step: Step::new(0.5).expect("a step"),
    };
    let json = serde_json::to_value(law).expect("JSON");
    assert_eq!(
        json,
        serde_json::json!({ "law": "tightening", "step": 0.5 })
    );
    assert_eq!(serde_json::from_value::<Law>(json).expect("read"), law);
    assert_eq!(law.to_string(), "first accepted tightening by 0.5");
    let none = serde_json::json!({ "law": "tightening", "step": -1.0 });
    assert!(serde_json::from_value::<Law>(none).is_err());
    let fixed = serde_json::to_value(Law::FirstAccepted).expect("JSON");
    assert_eq!(
        fixed,
        serde_json::json!({ "law": "first_accepted" }),
        "as it was"
    );
}
