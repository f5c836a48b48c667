//! What comes of models: draws, scores, calibrations, answers of filters, measurements.

use crate::data::{label, snippet};
use crate::harness::contract;
use crate::runs::{model, run};
use nines_domain::draw::{Draw, Finish, Ruling, Sampling};
use nines_domain::label::Verdict;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::{PromptId, SnippetId, SnippetText};
use nines_store::{
    FilterSetting, ModelKind, NewCalibration, NewCandidate, NewFilterAnswer, NewGeneration,
    NewMetric, NewPrompt, Origin, Sampler, SnippetFilter, Store, StoreError,
};
use serde_json::json;

pub fn sampler(seed: u64) -> Sampler {
    Sampler {
        generator: "smollm2-135m".into(),
        sampling: Sampling {
            seed,
            ..Sampling::default()
        },
    }
}

pub fn draw(draw: u32, completion: &str) -> Draw {
    Draw {
        draw,
        completion: completion.into(),
        finish: Finish::Sentence,
        tokens: 7,
    }
}

fn drawn(prompt: PromptId, number: u32, completion: &str) -> NewGeneration {
    NewGeneration {
        prompt,
        draw: draw(number, completion),
    }
}

pub fn score(logit: f64) -> Score {
    Score::new(logit).expect("finite")
}

pub async fn prompts(store: &Store, texts: &[&str]) -> Vec<PromptId> {
    let new: Vec<_> = texts
        .iter()
        .map(|text| NewPrompt::new(*text, "test"))
        .collect();
    store
        .insert_prompts(&new)
        .await
        .expect("stored")
        .ids()
        .collect()
}

pub async fn snippets(store: &Store, n: usize) -> Vec<SnippetId> {
    let new: Vec<_> = (0..n)
        .map(|i| snippet("p", &format!("completion {i}")))
        .collect();
    store
        .insert_snippets(&new)
        .await
        .expect("stored")
        .ids()
        .collect()
}

contract! {
    async fn missing_draws_are_what_a_killed_run_has_left(db) {
        let store = db.open().await;
        let ids = prompts(&store, &["a", "b", "c"]).await;
        let sampler = sampler(1);
        let all = store.missing_draws(&sampler, &ids, 2).await.expect("read");
        assert_eq!(all, [(ids[0], vec![0, 1]), (ids[1], vec![0, 1]), (ids[2], vec![0, 1])]);
        let run = store.start_run(&run("generate")).await.expect("started");
        // Two draws may give one text, and one snippet.
        let batch = [drawn(ids[1], 1, "x"), drawn(ids[0], 0, "same"), drawn(ids[0], 1, "same")];
        let report = store.insert_generations(Some(run.id), &sampler, &batch).await.expect("stored");
        assert_eq!((report.new, report.duplicate, report.differing.len()), (3, 0, 0));
        let left = store.missing_draws(&sampler, &[ids[2], ids[0], ids[1]], 2).await.expect("read");
        assert_eq!(left, [(ids[2], vec![0, 1]), (ids[1], vec![0])]);
        let more = store.missing_draws(&sampler, &ids[..1], 3).await.expect("read");
        assert_eq!(more, [(ids[0], vec![2])]);
        let other = Sampler { sampling: Sampling { seed: 2, ..sampler.sampling.clone() }, ..sampler.clone() };
        assert_eq!(store.missing_draws(&other, &ids, 1).await.expect("read").len(), 3);

        let stored = store.generations(&sampler, None).await.expect("read");
        let seen: Vec<_> = stored.iter().map(|g| (g.prompt, g.draw.clone())).collect();
        assert_eq!(seen, [(ids[0], draw(0, "same")), (ids[0], draw(1, "same")), (ids[1], draw(1, "x"))]);
        assert_eq!(stored[0].snippet, stored[1].snippet);
        assert_eq!(stored[0].run, Some(run.id));
        let made = store.snippets(&SnippetFilter::default()).await.expect("read");
        assert_eq!(made.len(), 2);
        assert!(made.iter().all(|s| s.origin == Origin::Generate && s.run == Some(run.id)));
        assert_eq!(store.samplers().await.expect("read"), [sampler]);
    }

    async fn a_stored_draw_stays_and_another_text_for_it_is_told(db) {
        let store = db.open().await;
        let ids = prompts(&store, &["a"]).await;
        let sampler = sampler(1);
        store.insert_generations(None, &sampler, &[drawn(ids[0], 0, "x")]).await.expect("stored");
        let batch = [drawn(ids[0], 0, "y"), drawn(ids[0], 0, "x"), drawn(ids[0], 1, "z")];
        let report = store.insert_generations(None, &sampler, &batch).await.expect("stored");
        assert_eq!((report.new, report.duplicate), (1, 1));
        assert_eq!(report.differing, [(ids[0], 0)]);
        let stored = store.generations(&sampler, Some(&ids)).await.expect("read");
        assert_eq!(stored[0].draw.completion, "x");
        assert_eq!(db.number("SELECT COUNT(*) FROM snippets").await, 2, "no stray snippet");
        let nowhere = PromptId(ids[0].0 + 99);
        let lost = store.insert_generations(None, &sampler, &[drawn(ids[0], 2, "w"), drawn(nowhere, 0, "x")]).await;
        assert!(matches!(lost, Err(StoreError::NotFound { what: "prompt", .. })));
        assert_eq!(store.generations(&sampler, None).await.expect("read").len(), 2);
    }

    async fn what_no_draw_has_finished_is_known(db) {
        let store = db.open().await;
        let prompt = prompts(&store, &["p"]).await[0];
        let cut = |number: u32, completion: &str| NewGeneration {
            prompt,
            draw: Draw { finish: Finish::Budget, ..draw(number, completion) },
        };
        let draws = [drawn(prompt, 0, "whole"), cut(1, "cut off"), cut(2, "whole once")];
        store.insert_generations(None, &sampler(1), &draws).await.expect("stored");
        store.insert_generations(None, &sampler(2), &[drawn(prompt, 0, "whole once")]).await.expect("stored");
        let unfinished = store.unfinished_snippets().await.expect("read");
        let cut_off = SnippetText::new("p", "cut off").hash();
        let cut_off = store.snippet_by_hash(&cut_off).await.expect("read").expect("stored");
        assert_eq!(unfinished.into_iter().collect::<Vec<_>>(), [cut_off.id]);
    }

    async fn scores_keep_every_bit_and_are_never_overwritten(db) {
        let store = db.open().await;
        let model = store.insert_model(&model(ModelKind::Classifier, "injury", "d")).await.expect("stored").id;
        let mut logits = vec![
            1e-300, -13.815_510_557_964_274, 0.1 + 0.2, f64::MIN_POSITIVE, 5e-324, f64::MAX,
            f64::MIN, -1e-6, 1e6 + 1e-9, 9_007_199_254_740_993.0, 0.0,
        ];
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        while logits.len() < 1000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let logit = f64::from_bits(bits ^ (bits >> 29));
            if logit.is_finite() {
                logits.push(logit);
            }
        }
        let ids = snippets(&store, logits.len()).await;
        let given: Vec<_> = ids.iter().copied().zip(logits.iter().map(|l| score(*l))).collect();
        assert_eq!(store.insert_scores(model, "cpu f32", &given).await.expect("stored"), 1000);
        assert_eq!(store.insert_scores(model, "cpu f32", &given).await.expect("stored"), 0);
        let stored = store.scores(model, "cpu f32").await.expect("read");
        assert_eq!(stored.len(), 1000);
        for ((id, logit), (stored_id, score)) in ids.iter().zip(&logits).zip(&stored) {
            assert_eq!((id, logit.to_bits()), (stored_id, score.logit().to_bits()), "{logit:e}");
        }
        // The sign of zero is the one bit that goes, in both databases.
        let zero = [(ids[0], score(-0.0))];
        store.insert_scores(model, "zero", &zero).await.expect("stored");
        store.insert_scores(model, "zero", &zero).await.expect("the same score");
        let back = store.scores(model, "zero").await.expect("read")[0].1.logit();
        assert_eq!(back.to_bits(), 0f64.to_bits());

        let nudged = score(f64::from_bits(logits[1].to_bits() + 1));
        let other_path = store.insert_scores(model, "gpu bf16", &[(ids[1], nudged)]).await;
        assert_eq!(other_path.expect("another path"), 1);
        let refused = store.insert_scores(model, "cpu f32", &[(ids[1], nudged)]).await;
        assert!(matches!(refused, Err(StoreError::ScoreDiffers { snippet, .. }) if snippet == ids[1]));
        let twice = [(ids[2], score(1.0)), (ids[2], score(2.0))];
        assert!(store.insert_scores(model, "third", &twice).await.is_err());
        assert!(store.scores(model, "third").await.expect("read").is_empty());
        let some = store.scores_of(model, "gpu bf16", &[ids[0], ids[1]]).await.expect("read");
        assert_eq!(some, [None, Some(nudged)]);
        assert_eq!(store.score_paths(model).await.expect("read"), ["cpu f32", "gpu bf16", "zero"]);
        let nobody = nines_domain::snippet::ModelId(model.0 + 9);
        let dangling = store.insert_scores(nobody, "cpu f32", &given[..1]).await;
        assert!(matches!(dangling, Err(StoreError::Dangling { .. })), "{dangling:?}");
    }

    async fn the_newest_calibration_counts_and_the_others_stay(db) {
        let store = db.open().await;
        let model = store.insert_model(&model(ModelKind::Classifier, "injury", "d")).await.expect("stored").id;
        let new = |logit: f64| NewCalibration {
            model,
            threshold: Threshold::new(logit).expect("finite"),
            rule: "recall >= 0.95".into(),
            record: json!({"n": 58, "curve": [[-13.815_510_557_964_274, 1e-300]]}),
            run: None,
        };
        let first = store.insert_calibration(&new(-4.82)).await.expect("stored");
        let second = store.insert_calibration(&new(-13.815_510_557_964_274)).await.expect("stored");
        assert_eq!(store.latest_calibration(model).await.expect("read"), Some(second.clone()));
        let newest_first = store.calibration_ids(model).await.expect("listed");
        assert_eq!(newest_first, [second.id, first.id]);
        assert_eq!(store.calibration(first.id).await.expect("read"), first);
        assert_eq!(second.threshold.logit().to_bits(), (-13.815_510_557_964_274f64).to_bits());
        assert_eq!(second.record, new(0.0).record);
        assert_eq!(store.calibrations(Some(model)).await.expect("read"), [first, second]);
    }

    async fn an_answer_keeps_every_candidate_and_its_ruling(db) {
        let store = db.open().await;
        let run = store.start_run(&run("filter")).await.expect("started").id;
        let model = store.insert_model(&model(ModelKind::Classifier, "injury", "d")).await.expect("stored").id;
        let setting = FilterSetting {
            run,
            model,
            calibration: None,
            threshold: Threshold::new(-4.0).expect("finite"),
            law: "first-accepted".into(),
            sampler: sampler(3),
        };
        let candidate = |number, text: &str, ruling| NewCandidate { draw: draw(number, text), ruling };
        let accepted = NewFilterAnswer {
            position: 1,
            prompt: NewPrompt::new("a", "prompts.txt"),
            accepted: Some(2),
            candidates: vec![
                candidate(0, "He bled.", Ruling::Rejected { score: score(3.25) }),
                candidate(1, "", Ruling::Unscoreable { reason: "empty".into() }),
                candidate(2, "He ate.", Ruling::Accepted { score: score(-7.000_000_000_1) }),
            ],
            draws: 3,
            reason: None,
        };
        let abstained = NewFilterAnswer {
            position: 0,
            prompt: NewPrompt::new("b", "prompts.txt"),
            accepted: None,
            candidates: vec![candidate(0, "He bled.", Ruling::Rejected { score: score(3.0) })],
            draws: 4,
            reason: Some("three draws failed".into()),
        };
        let too_few = NewFilterAnswer { draws: 2, ..accepted.clone() };
        let refused = store.insert_filter_answers(&setting, &[too_few]).await;
        assert!(matches!(refused, Err(StoreError::BadValue { field: "draws", .. })));
        let lie = NewFilterAnswer { accepted: Some(0), ..accepted.clone() };
        let refused = store.insert_filter_answers(&setting, &[lie]).await;
        assert!(matches!(refused, Err(StoreError::BadValue { field: "accepted", .. })));
        let given = [accepted.clone(), abstained.clone()];
        let keys = store.insert_filter_answers(&setting, &given).await.expect("stored");
        assert_eq!(keys.len(), 2);
        let again = store.insert_filter_answers(&setting, &given[..1]).await;
        assert!(matches!(again, Err(StoreError::RunState { .. })));

        assert!(store.answered_positions(run).await.expect("read").into_iter().eq([0, 1]));
        let stored = store.filter_answers(run).await.expect("read");
        for (stored, given) in stored.iter().zip([&abstained, &accepted]) {
            assert_eq!(stored.position, given.position);
            assert_eq!((stored.model, &stored.law, stored.threshold), (model, &setting.law, setting.threshold));
            let candidates: Vec<_> = stored
                .candidates
                .iter()
                .map(|c| NewCandidate { draw: c.draw.clone(), ruling: c.ruling.clone() })
                .collect();
            assert_eq!(candidates, given.candidates);
            assert_eq!((stored.draws, &stored.reason), (given.draws, &given.reason));
            assert_eq!(stored.accepted, given.accepted.map(|index| stored.candidates[index].snippet));
        }
        // What a filter drew is a draw like any other.
        assert_eq!(store.generations(&setting.sampler, None).await.expect("read").len(), 4);
    }

    async fn measurements_keep_what_is_not_finite_and_the_newer_value_counts(db) {
        let store = db.open().await;
        let run = store.start_run(&run("train")).await.expect("started").id;
        let metric = |step, name: &str, value| NewMetric { step, name: name.into(), value };
        let batch = [
            metric(0, "train/loss", 0.687_123_456_789_012_3),
            metric(1, "train/loss", f64::NAN),
            metric(1, "grad_norm", f64::INFINITY),
            metric(2, "train/loss", f64::NEG_INFINITY),
            metric(2, "train/loss", 0.5),
        ];
        store.record_metrics(run, &batch).await.expect("stored");
        store.record_metrics(run, &[metric(1, "train/loss", 0.6)]).await.expect("measured again");
        let all = store.metrics(run, None).await.expect("read");
        let seen: Vec<_> = all.iter().map(|m| (m.step, m.name.as_str(), m.value)).collect();
        assert_eq!(seen, [
            (0, "train/loss", 0.687_123_456_789_012_3),
            (1, "grad_norm", f64::INFINITY),
            (1, "train/loss", 0.6),
            (2, "train/loss", 0.5),
        ]);
        store.record_metrics(run, &[metric(9, "x", f64::NAN)]).await.expect("stored");
        let nan = store.metrics(run, Some("x")).await.expect("read");
        assert!(nan[0].value.is_nan());
        let nowhere = nines_domain::snippet::RunId(run.0 + 9);
        let dangling = store.record_metrics(nowhere, &batch).await;
        assert!(matches!(dangling, Err(StoreError::Dangling { .. })));
    }

    async fn everything_is_counted(db) {
        let store = db.open().await;
        let ids = snippets(&store, 4).await;
        prompts(&store, &["q"]).await;
        let judge = |id, verdict, severity| {
            let mut new = label(id, "judy", verdict, severity);
            new.label.kind = nines_domain::label::LabellerKind::Judge;
            new
        };
        store
            .insert_labels(&[
                label(ids[0], "ada", Verdict::Yes, Some(3)),
                judge(ids[0], Verdict::No, None),
                label(ids[1], "ada", Verdict::No, None),
                label(ids[2], "ada", Verdict::Unsure, None),
            ])
            .await
            .expect("stored");
        let counts = store.counts().await.expect("counted");
        assert_eq!((counts.prompts, counts.families, counts.snippets), (2, 2, 4));
        assert_eq!((counts.labels_by_people, counts.labels_by_judges), (3, 1));
        let verdicts = (counts.broad_yes, counts.broad_no, counts.excluded, counts.needs_another);
        assert_eq!(verdicts, (1, 1, 1, 1));
        assert_eq!(counts.labelled_snippets, 3);
        assert_eq!((counts.models, counts.runs, counts.scores, counts.imports), (0, 0, 0, 0));
    }
}
