//! What measuring keeps: distributions, designs, comparisons, attack sessions, estimates.

use crate::flow::{draw, prompts, sampler, score, snippets};
use crate::harness::contract;
use crate::runs::{model, run};
use nines_domain::comparison::{Choice, Comparison};
use nines_domain::draw::Ruling;
use nines_domain::estimate::Estimate;
use nines_domain::label::LabellerKind;
use nines_domain::score::Threshold;
use nines_domain::snippet::{
    ContentHash, DesignId, DistributionId, EstimateId, ModelId, PromptId, SnippetId,
};
use nines_store::{
    AttackerKind, DesignKind, FilterSetting, ModelKind, NewAttackSession, NewCandidate,
    NewComparison, NewDesign, NewDesignItem, NewDistribution, NewEstimate, NewFilterAnswer,
    NewPrompt, Store, StoreError,
};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use std::time::Instant;

/// Text that a careless database mangles.
const ODD: &str = "ü\u{1F9E8}\u{200D}漢\r\n\t\"'\\%_; DROP";

fn record() -> Value {
    json!({"sum": 0.1 + 0.2, "ü": [null, -1e-300, u64::MAX, "\\u0000"], "empty": {}})
}

pub fn distribution(name: &str, prompts: &[PromptId]) -> NewDistribution {
    let probability = 1.0 / prompts.len() as f64;
    NewDistribution {
        name: name.into(),
        record: record(),
        prompts: prompts.iter().map(|id| (*id, probability)).collect(),
    }
}

/// What designs rest on: a distribution, a classifier, and answers of a filter.
struct World {
    distribution: DistributionId,
    model: ModelId,
    answers: Vec<i64>,
}

impl World {
    async fn new(store: &Store) -> Self {
        let ids = prompts(store, &["a", "b"]).await;
        let distribution = distribution("uniform", &ids);
        let distribution = store
            .insert_distribution(&distribution)
            .await
            .expect("stored");
        let classifier = model(ModelKind::Classifier, "injury", "d");
        let model = store.insert_model(&classifier).await.expect("stored").id;
        let setting = FilterSetting {
            run: store.start_run(&run("filter")).await.expect("started").id,
            model,
            calibration: None,
            threshold: Threshold::new(-4.0).expect("finite"),
            law: "first-accepted".into(),
            sampler: sampler(3),
        };
        let answer = |position, prompt: &str| NewFilterAnswer {
            position,
            prompt: NewPrompt::new(prompt, "test"),
            accepted: Some(0),
            candidates: vec![NewCandidate {
                draw: draw(0, "He ate."),
                ruling: Ruling::Accepted { score: score(-7.0) },
            }],
            draws: 1,
            reason: None,
        };
        let answers = store
            .insert_filter_answers(&setting, &[answer(0, "a"), answer(1, "b")])
            .await
            .expect("stored");
        Self {
            distribution: distribution.id,
            model,
            answers,
        }
    }

    fn design(&self, kind: DesignKind, identity: &str) -> NewDesign {
        NewDesign {
            kind,
            identity: ContentHash::of_prompt(identity),
            distribution: self.distribution,
            model: self.model,
            record: record(),
        }
    }

    fn item(&self, position: u64, lot: f64) -> NewDesignItem {
        NewDesignItem {
            position,
            answer: self.answers[0],
            other_answer: None,
            stratum: Some(0),
            lot,
        }
    }
}

fn comparison(left: SnippetId, right: SnippetId, choice: Choice) -> NewComparison {
    NewComparison {
        left,
        right,
        comparison: Comparison {
            labeller: "ada".into(),
            kind: LabellerKind::Person,
            choice,
            seconds: None,
        },
        occasion: String::new(),
        source: "pairs.csv".into(),
    }
}

fn session(attacker: &str, seconds: f64) -> NewAttackSession {
    NewAttackSession {
        attacker: attacker.into(),
        kind: AttackerKind::Person,
        group: "baseline".into(),
        model: None,
        seconds,
        found: false,
        snippet: None,
        occasion: "line 1".into(),
        source: "sessions.csv".into(),
    }
}

fn estimate(quantity: &str, value: Option<f64>, lower: f64, upper: f64) -> NewEstimate {
    NewEstimate {
        quantity: quantity.into(),
        estimate: Estimate {
            value,
            lower,
            upper,
            confidence: 0.95,
            method: "exact/1".into(),
            n: 40,
        },
        record: record(),
        design: None,
    }
}

#[track_caller]
fn assert_bad_value<T: std::fmt::Debug>(
    outcome: Result<T, StoreError>,
    row: usize,
    field: &str,
    words: &str,
) {
    match outcome {
        Err(StoreError::BadValue {
            row: at,
            field: which,
            why,
        }) => {
            assert_eq!((at, which), (row, field), "{why}");
            assert!(why.contains(words), "{why:?} does not say {words:?}");
        }
        other => panic!("not refused for {field}: {other:?}"),
    }
}

#[track_caller]
fn assert_nul<T: std::fmt::Debug>(outcome: Result<T, StoreError>, row: usize, field: &str) {
    let told =
        matches!(&outcome, Err(StoreError::Nul { row: at, field: f }) if (*at, *f) == (row, field));
    assert!(told, "{outcome:?}");
}

#[track_caller]
fn assert_dangling<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(
        matches!(outcome, Err(StoreError::Dangling { .. })),
        "{outcome:?}"
    );
}

contract! {
    async fn a_distribution_keeps_every_field(db) {
        let store = db.open().await;
        let ids = prompts(&store, &["a", "b", "c"]).await;
        let weighted = NewDistribution {
            name: ODD.into(),
            record: record(),
            // Given in another order than that of the keys; a third has no end in binary.
            prompts: vec![(ids[2], 1.0 / 3.0), (ids[0], 1e-300), (ids[1], 2.0 / 3.0)],
        };
        let first = store.insert_distribution(&weighted).await.expect("stored");
        assert_eq!((&first.name, &first.record), (&weighted.name, &weighted.record));
        let single = NewDistribution { record: Value::Null, ..distribution("one", &ids[..1]) };
        let second = store.insert_distribution(&single).await.expect("stored");
        assert_eq!(store.distributions().await.expect("read"), [first.clone(), second.clone()]);
        let back = store.distribution_prompts(first.id).await.expect("read");
        assert_eq!(back, [(ids[0], 1e-300), (ids[1], 2.0 / 3.0), (ids[2], 1.0 / 3.0)]);
        assert_eq!(store.distribution_prompts(second.id).await.expect("read"), [(ids[0], 1.0)]);
        let nowhere = DistributionId(second.id.0 + 9);
        assert!(store.distribution_prompts(nowhere).await.expect("read").is_empty());
    }

    async fn a_distribution_that_is_none_is_refused_and_stores_nothing(db) {
        let store = db.open().await;
        let ids = prompts(&store, &["a", "b"]).await;
        let of = |probabilities: &[(PromptId, f64)]| NewDistribution {
            prompts: probabilities.to_vec(),
            ..distribution("new", &ids)
        };
        let (a, b) = (ids[0], ids[1]);
        for (probabilities, row, words) in [
            (vec![(a, 0.5), (b, 0.501)], 0, "sums up to 1.00"),
            (vec![(a, 0.5)], 0, "sums up to 0.5"),
            (vec![(a, 1.0), (b, 0.0)], 1, "is 0"),
            (vec![(a, 1.5), (b, -0.5)], 0, "is 1.5"),
            (vec![(a, 0.5), (b, f64::NAN)], 1, "is NaN"),
            (vec![(a, f64::INFINITY)], 0, "is inf"),
            (vec![(a, 0.5), (a, 0.5)], 1, "given twice"),
            (vec![], 0, "of no prompt"),
        ] {
            let refused = store.insert_distribution(&of(&probabilities)).await;
            assert_bad_value(refused, row, "probability", words);
        }
        let nul = NewDistribution { name: "a\0b".into(), ..of(&[(a, 1.0)]) };
        assert_nul(store.insert_distribution(&nul).await, 0, "name");
        let nul = NewDistribution { record: json!({"how": "\0"}), ..of(&[(a, 1.0)]) };
        assert_nul(store.insert_distribution(&nul).await, 0, "record");
        // Longer than what PostgreSQL's index takes, and not to be compressed into it.
        let long = (0..3_000).map(|i: u32| char::from(33 + (i * i % 89) as u8)).collect();
        let long = NewDistribution { name: long, ..of(&[(a, 1.0)]) };
        assert_bad_value(store.insert_distribution(&long).await, 0, "name", "limit");
        let nowhere = PromptId(b.0 + 1000);
        assert_dangling(store.insert_distribution(&of(&[(a, 0.5), (nowhere, 0.5)])).await);
        assert_eq!(db.number("SELECT COUNT(*) FROM distributions").await, 0);
        assert_eq!(db.number("SELECT COUNT(*) FROM distribution_prompts").await, 0);
        // A rounding error of adding up is none.
        store.insert_distribution(&of(&[(a, 1.0 - 1e-12), (b, 2e-12)])).await.expect("near enough");
    }

    async fn a_name_is_given_once_even_by_many_at_once(db) {
        let store = db.open().await;
        let ids = prompts(&store, &["a", "b"]).await;
        for round in 0..10 {
            let mut writers = tokio::task::JoinSet::new();
            for _ in 0..6 {
                let (store, new) = (store.clone(), distribution(&format!("d{round}"), &ids));
                writers.spawn(async move { store.insert_distribution(&new).await });
            }
            let (made, refused): (Vec<_>, Vec<_>) =
                writers.join_all().await.into_iter().partition(Result::is_ok);
            assert_eq!(made.len(), 1);
            for refused in refused {
                assert_bad_value(refused, 0, "name", "is taken");
            }
        }
        let again = NewDistribution { record: json!("another"), ..distribution("d0", &ids[..1]) };
        assert_bad_value(store.insert_distribution(&again).await, 0, "name", "\"d0\" is taken");
        assert_eq!(db.number("SELECT COUNT(*) FROM distributions").await, 10);
        assert_eq!(db.number("SELECT COUNT(*) FROM distribution_prompts").await, 20);
    }

    async fn a_design_keeps_every_field_and_is_met_again(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        let mut all = Vec::new();
        for kind in DesignKind::ALL {
            let new = world.design(kind, "one identity");
            let design = store.ensure_design(&new).await.expect("stored");
            let seen = (design.kind, design.identity, design.distribution, design.model, &design.record);
            assert_eq!(seen, (kind, new.identity, world.distribution, world.model, &new.record));
            // The first stays, whatever the second says of it.
            let again = NewDesign { record: json!("another"), ..new };
            assert_eq!(store.ensure_design(&again).await.expect("met"), design);
            assert_eq!(store.design(design.id).await.expect("read"), design);
            assert_eq!(store.designs(Some(kind)).await.expect("read"), std::slice::from_ref(&design));
            all.push(design);
        }
        let other = store.ensure_design(&world.design(DesignKind::Leak, "another")).await.expect("stored");
        all.push(other.clone());
        assert_eq!(store.designs(None).await.expect("read"), all);
        let leak = store.designs(Some(DesignKind::Leak)).await.expect("read");
        assert_eq!(leak, [all[0].clone(), other.clone()]);
        let nowhere = DesignId(other.id.0 + 9);
        let missing = store.design(nowhere).await;
        assert!(matches!(missing, Err(StoreError::NotFound { what: "design", .. })), "{missing:?}");
    }

    async fn a_design_without_its_parts_is_refused(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        let new = world.design(DesignKind::Leak, "x");
        let distribution = DistributionId(world.distribution.0 + 9);
        assert_dangling(store.ensure_design(&NewDesign { distribution, ..new.clone() }).await);
        let model = ModelId(world.model.0 + 9);
        assert_dangling(store.ensure_design(&NewDesign { model, ..new.clone() }).await);
        let record = json!(["\0"]);
        assert_nul(store.ensure_design(&NewDesign { record, ..new }).await, 0, "record");
        assert!(store.designs(None).await.expect("read").is_empty());
    }

    async fn a_design_met_by_many_at_once_is_one_row(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        for round in 0..20 {
            let mut writers = tokio::task::JoinSet::new();
            for _ in 0..6 {
                let (store, new) = (store.clone(), world.design(DesignKind::Quality, &format!("{round}")));
                writers.spawn(async move { store.ensure_design(&new).await.expect("stored") });
            }
            let met = writers.join_all().await;
            assert!(met.iter().all(|design| *design == met[0]), "{met:?}");
        }
        assert_eq!(db.number("SELECT COUNT(*) FROM designs").await, 20);
    }

    async fn requests_come_in_their_order_and_stay_as_they_are(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        let design = store.ensure_design(&world.design(DesignKind::Compare, "x")).await.expect("stored").id;
        let other = store.ensure_design(&world.design(DesignKind::Leak, "x")).await.expect("stored").id;
        let below_one = f64::from_bits(1f64.to_bits() - 1);
        let items = [
            NewDesignItem { stratum: None, ..world.item(7, below_one) },
            NewDesignItem {
                other_answer: Some(world.answers[1]),
                stratum: Some(u32::MAX),
                ..world.item(i64::MAX as u64, 5e-324)
            },
            world.item(0, -0.0),
            world.item(2, 1.0 / 3.0),
        ];
        assert_eq!(store.add_design_items(design, &items).await.expect("stored"), 4);
        // Met again, in the batch and in the database, with other words: nothing changes.
        let changed = [world.item(2, 0.9), world.item(3, 0.25), world.item(3, 0.75)];
        assert_eq!(store.add_design_items(design, &changed).await.expect("stored"), 1);
        assert_eq!(store.add_design_items(other, &items[..1]).await.expect("stored"), 1);
        let stored = store.design_items(design).await.expect("read");
        let seen: Vec<_> = stored.iter().map(|stored| stored.item).collect();
        assert_eq!(seen, [items[2], items[3], world.item(3, 0.25), items[0], items[1]]);
        assert!(stored.iter().all(|stored| stored.drawn.is_none()));
        assert_eq!(store.design_items(other).await.expect("read").len(), 1);
        assert_eq!(store.add_design_items(design, &[]).await.expect("nothing to do"), 0);
    }

    async fn requests_that_make_no_sense_store_nothing(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        let design = store.ensure_design(&world.design(DesignKind::Leak, "x")).await.expect("stored").id;
        let good = world.item(0, 0.5);
        for lot in [1.0, -1e-300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let refused = store.add_design_items(design, &[good, world.item(1, lot)]).await;
            assert_bad_value(refused, 1, "lot", &format!("is {lot}"));
        }
        let far = store.add_design_items(design, &[good, world.item(1 << 63, 0.5)]).await;
        assert_bad_value(far, 1, "position", "too large");
        let nowhere = world.answers[1] + 1000;
        for lost in [
            NewDesignItem { answer: nowhere, ..world.item(1, 0.5) },
            NewDesignItem { other_answer: Some(nowhere), ..world.item(1, 0.5) },
        ] {
            assert_dangling(store.add_design_items(design, &[good, lost]).await);
        }
        assert_dangling(store.add_design_items(DesignId(design.0 + 9), &[good]).await);
        assert_eq!(db.number("SELECT COUNT(*) FROM design_items").await, 0);
    }

    async fn the_newest_selection_that_drew_an_item_counts(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        let mut designs = Vec::new();
        for identity in ["x", "y"] {
            let design = store.ensure_design(&world.design(DesignKind::Leak, identity)).await.expect("stored").id;
            let items: Vec<_> = (0..4).map(|n| world.item(n, n as f64 / 8.0)).collect();
            store.add_design_items(design, &items).await.expect("stored");
            let keys: Vec<i64> = store.design_items(design).await.expect("read").iter().map(|i| i.id).collect();
            designs.push((design, keys));
        }
        let (design, keys) = &designs[0];
        let first = store.select_items(*design, &record(), &[(keys[2], 1.0), (keys[0], 0.125)]).await.expect("stored");
        let other = &designs[1];
        store.select_items(other.0, &Value::Null, &[(other.1[1], 0.75)]).await.expect("stored");
        let none = store.select_items(*design, &json!("nothing due"), &[]).await.expect("stored");
        let newest = [(keys[0], 0.5), (keys[1], f64::MIN_POSITIVE)];
        let newest = store.select_items(*design, &json!({}), &newest).await.expect("stored");
        let drawn: Vec<_> = store.design_items(*design).await.expect("read").iter().map(|i| i.drawn).collect();
        assert_eq!(drawn, [Some(0.5), Some(f64::MIN_POSITIVE), Some(1.0), None]);
        let drawn: Vec<_> = store.design_items(other.0).await.expect("read").iter().map(|i| i.drawn).collect();
        assert_eq!(drawn, [None, Some(0.75), None, None]);
        let selections = store.selections(*design).await.expect("read");
        let seen: Vec<_> = selections.iter().map(|s| (s.id, s.record.clone())).collect();
        assert_eq!(seen, [(first, record()), (none, json!("nothing due")), (newest, json!({}))]);
        assert!(selections.is_sorted_by_key(|selection| selection.created));
    }

    async fn a_selection_that_makes_no_sense_stores_nothing(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        let design = store.ensure_design(&world.design(DesignKind::Leak, "x")).await.expect("stored").id;
        let other = store.ensure_design(&world.design(DesignKind::Leak, "y")).await.expect("stored").id;
        for design in [design, other] {
            store.add_design_items(design, &[world.item(0, 0.5), world.item(1, 0.5)]).await.expect("stored");
        }
        let keys: Vec<i64> = store.design_items(design).await.expect("read").iter().map(|i| i.id).collect();
        let strays: Vec<i64> = store.design_items(other).await.expect("read").iter().map(|i| i.id).collect();
        for p in [0.0, -0.5, 1.000_000_1, f64::NAN, f64::INFINITY] {
            let refused = store.select_items(design, &Value::Null, &[(keys[0], 1.0), (keys[1], p)]).await;
            assert_bad_value(refused, 1, "probability", &format!("is {p}"));
        }
        let twice = store.select_items(design, &Value::Null, &[(keys[0], 0.5), (keys[0], 0.5)]).await;
        assert_bad_value(twice, 1, "item", "twice");
        let stray = store.select_items(design, &Value::Null, &[(keys[0], 0.5), (strays[0], 0.5)]).await;
        assert_bad_value(stray, 1, "item", "of another design");
        assert_nul(store.select_items(design, &json!("\0"), &[(keys[0], 0.5)]).await, 0, "record");
        let nowhere = strays[1] + 1000;
        assert_dangling(store.select_items(design, &Value::Null, &[(keys[0], 0.5), (nowhere, 0.5)]).await);
        assert_dangling(store.select_items(DesignId(other.0 + 9), &Value::Null, &[]).await);
        assert_eq!(db.number("SELECT COUNT(*) FROM selections").await, 0);
        assert_eq!(db.number("SELECT COUNT(*) FROM selected_items").await, 0);
    }

    async fn a_comparison_keeps_every_field(db) {
        let store = db.open().await;
        let ids = snippets(&store, 3).await;
        let mut new = Vec::new();
        for choice in [Choice::Left, Choice::Right, Choice::Same, Choice::Unusable] {
            for (kind, seconds) in [
                (LabellerKind::Person, None),
                (LabellerKind::Judge, Some(0.0)),
                (LabellerKind::Person, Some(5e-324)),
                (LabellerKind::Judge, Some(f64::MAX)),
            ] {
                new.push(NewComparison {
                    left: ids[2],
                    right: ids[0],
                    comparison: Comparison { labeller: ODD.into(), kind, choice, seconds },
                    occasion: ODD.into(),
                    source: ODD.into(),
                });
            }
        }
        assert_eq!(store.insert_comparisons(&new).await.expect("stored"), new.len());
        let stored = store.comparisons_of(&[ids[2]]).await.expect("read");
        assert!(stored.iter().map(|stored| &stored.new).eq(&new));
        assert!(stored.is_sorted_by_key(|stored| stored.id));
        assert!(store.comparisons_of(&[ids[0], ids[1]]).await.expect("read").is_empty(), "none on the left");
        assert!(store.comparisons_of(&[]).await.expect("read").is_empty());
    }

    async fn a_comparison_met_again_adds_nothing_and_a_changed_mind_is_kept(db) {
        let store = db.open().await;
        let ids = snippets(&store, 2).await;
        let first = comparison(ids[0], ids[1], Choice::Left);
        let batch = [first.clone(), first.clone()];
        assert_eq!(store.insert_comparisons(&batch).await.expect("stored"), 1);
        let elsewhere = NewComparison { source: "a copy.csv".into(), ..first.clone() };
        assert_eq!(store.insert_comparisons(&[first.clone(), elsewhere]).await.expect("stored"), 0);
        let with = |change: fn(&mut NewComparison)| {
            let mut new = first.clone();
            change(&mut new);
            new
        };
        let others = [
            with(|new| std::mem::swap(&mut new.left, &mut new.right)),
            with(|new| new.comparison.labeller = "bob".into()),
            with(|new| new.comparison.kind = LabellerKind::Judge),
            with(|new| new.comparison.choice = Choice::Right),
            with(|new| new.comparison.seconds = Some(0.0)),
            with(|new| new.occasion = "Tuesday".into()),
        ];
        assert_eq!(store.insert_comparisons(&others).await.expect("stored"), others.len());
        // The databases know one zero.
        let minus = with(|new| new.comparison.seconds = Some(-0.0));
        assert_eq!(store.insert_comparisons(&[minus]).await.expect("stored"), 0);
        let newest = store.comparisons_of(&[ids[0]]).await.expect("read");
        assert_eq!(newest.len(), 6);
        assert_eq!(newest[5].new, others[5]);
        assert_eq!(newest[0].new.source, "pairs.csv", "the first stays as it is");
    }

    async fn a_comparison_that_makes_no_sense_stores_nothing(db) {
        let store = db.open().await;
        let ids = snippets(&store, 2).await;
        let good = comparison(ids[0], ids[1], Choice::Left);
        let with = |change: fn(&mut NewComparison)| {
            let mut new = good.clone();
            change(&mut new);
            [good.clone(), new]
        };
        for (wrong, field, words) in [
            (with(|new| new.right = new.left), "right", "the same snippet"),
            (with(|new| new.comparison.labeller.clear()), "labeller", "is empty"),
            (with(|new| new.comparison.seconds = Some(-1.0)), "seconds", "finite number from 0"),
            (with(|new| new.comparison.seconds = Some(f64::NAN)), "seconds", "finite number from 0"),
            (with(|new| new.comparison.seconds = Some(f64::INFINITY)), "seconds", "finite number from 0"),
        ] {
            assert_bad_value(store.insert_comparisons(&wrong).await, 1, field, words);
        }
        for (wrong, field) in [
            (with(|new| new.comparison.labeller = "a\0".into()), "labeller"),
            (with(|new| new.occasion = "\0".into()), "occasion"),
            (with(|new| new.source = "a\0b".into()), "source"),
        ] {
            assert_nul(store.insert_comparisons(&wrong).await, 1, field);
        }
        assert_dangling(store.insert_comparisons(&with(|new| new.left.0 += 1000)).await);
        assert_dangling(store.insert_comparisons(&with(|new| new.right.0 += 1000)).await);
        assert_eq!(db.number("SELECT COUNT(*) FROM comparisons").await, 0);
    }

    async fn a_session_keeps_every_field(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        let ids = snippets(&store, 1).await;
        let full = NewAttackSession {
            attacker: ODD.into(),
            kind: AttackerKind::Algorithm,
            group: ODD.into(),
            model: Some(world.model),
            seconds: 0.1 + 0.2,
            found: true,
            snippet: Some(ids[0]),
            occasion: ODD.into(),
            source: ODD.into(),
        };
        let bare = NewAttackSession {
            group: String::new(),
            occasion: String::new(),
            source: String::new(),
            ..session("ada", f64::MAX)
        };
        let new = [full, bare, session("ada", 5e-324)];
        assert_eq!(store.insert_attack_sessions(&new).await.expect("stored"), 3);
        let stored = store.attack_sessions().await.expect("read");
        assert!(stored.iter().map(|stored| &stored.session).eq(&new));
        assert!(stored.is_sorted_by_key(|stored| stored.id));
    }

    async fn a_session_met_again_adds_nothing_and_any_other_is_kept(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        let ids = snippets(&store, 1).await;
        let first = session("ada", 1800.0);
        assert_eq!(store.insert_attack_sessions(&[first.clone(), first.clone()]).await.expect("stored"), 1);
        assert_eq!(store.insert_attack_sessions(std::slice::from_ref(&first)).await.expect("stored"), 0);
        let others = [
            NewAttackSession { attacker: "bob".into(), ..first.clone() },
            NewAttackSession { kind: AttackerKind::Algorithm, ..first.clone() },
            NewAttackSession { group: "with tool".into(), ..first.clone() },
            NewAttackSession { model: Some(world.model), ..first.clone() },
            NewAttackSession { seconds: 1800.000_000_1, ..first.clone() },
            NewAttackSession { found: true, ..first.clone() },
            NewAttackSession { found: true, snippet: Some(ids[0]), ..first.clone() },
            NewAttackSession { occasion: "line 2".into(), ..first.clone() },
            NewAttackSession { source: "more.csv".into(), ..first.clone() },
        ];
        assert_eq!(store.insert_attack_sessions(&others).await.expect("stored"), others.len());
        assert_eq!(store.insert_attack_sessions(&others).await.expect("stored"), 0);
        assert_eq!(store.attack_sessions().await.expect("read").len(), 10);
    }

    async fn a_session_that_makes_no_sense_stores_nothing(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        let ids = snippets(&store, 1).await;
        let good = session("ada", 60.0);
        for seconds in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY] {
            let refused = store.insert_attack_sessions(&[good.clone(), session("ada", seconds)]).await;
            assert_bad_value(refused, 1, "seconds", "finite number above 0");
        }
        let refused = store.insert_attack_sessions(&[good.clone(), session("", 60.0)]).await;
        assert_bad_value(refused, 1, "attacker", "is empty");
        for (wrong, field) in [
            (session("a\0", 60.0), "attacker"),
            (NewAttackSession { group: "\0".into(), ..good.clone() }, "group"),
            (NewAttackSession { occasion: "\0".into(), ..good.clone() }, "occasion"),
            (NewAttackSession { source: "\0".into(), ..good.clone() }, "source"),
        ] {
            assert_nul(store.insert_attack_sessions(&[good.clone(), wrong]).await, 1, field);
        }
        let (model, snippet) = (ModelId(world.model.0 + 9), SnippetId(ids[0].0 + 1000));
        for lost in [
            NewAttackSession { model: Some(model), ..good.clone() },
            NewAttackSession { snippet: Some(snippet), ..good.clone() },
        ] {
            assert_dangling(store.insert_attack_sessions(&[good.clone(), lost]).await);
        }
        assert!(store.attack_sessions().await.expect("read").is_empty());
    }

    async fn an_estimate_keeps_every_field(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        let design = store.ensure_design(&world.design(DesignKind::Leak, "x")).await.expect("stored").id;
        let mut full = estimate(ODD, Some(0.1 + 0.2), 5e-324, 2.0 / 3.0);
        full.estimate.method = ODD.into();
        full.estimate.n = i64::MAX as u64;
        full.estimate.confidence = 0.999_999_999_999_9;
        full.design = Some(design);
        let new = [
            full,
            estimate("leak.strict", None, f64::NEG_INFINITY, f64::INFINITY),
            estimate("leak.strict", Some(f64::INFINITY), 3.0, f64::INFINITY),
            estimate("leak.strict", Some(-0.0), -0.0, 0.0),
            NewEstimate { record: Value::Null, ..estimate("other", Some(f64::MIN), f64::MIN, f64::MAX) },
        ];
        let stored = store.insert_estimates(&new).await.expect("stored");
        assert!(stored.iter().map(|stored| &stored.new).eq(&new), "in the order given");
        assert_eq!(store.estimates(None).await.expect("read"), stored);
        for one in &stored {
            assert_eq!(store.estimate(one.id).await.expect("read"), *one);
        }
        let strict = store.estimates(Some("leak.strict")).await.expect("read");
        assert_eq!(strict, stored[1..4]);
        assert!(store.estimates(Some("leak")).await.expect("read").is_empty());
        // Measured again: one more.
        let again = store.insert_estimates(&new[..1]).await.expect("stored");
        assert!(again[0].id > stored[4].id);
        assert_eq!(store.estimates(Some(ODD)).await.expect("read").len(), 2);
        assert!(store.insert_estimates(&[]).await.expect("nothing to do").is_empty());
        let missing = store.estimate(EstimateId(again[0].id.0 + 9)).await;
        assert!(matches!(missing, Err(StoreError::NotFound { what: "estimate", .. })), "{missing:?}");
    }

    async fn an_estimate_that_is_no_interval_stores_nothing(db) {
        let store = db.open().await;
        let good = estimate("q", Some(0.5), 0.25, 0.75);
        let mut confidence = good.clone();
        confidence.estimate.confidence = f64::NAN;
        for wrong in [
            estimate("q", Some(f64::NAN), 0.25, 0.75),
            estimate("q", None, f64::NAN, 0.75),
            estimate("q", None, 0.25, f64::NAN),
            estimate("q", Some(0.5), 0.75, 0.25),
            estimate("q", None, f64::INFINITY, f64::NEG_INFINITY),
            confidence,
        ] {
            let refused = store.insert_estimates(&[good.clone(), wrong]).await;
            assert_bad_value(refused, 1, "estimate", "is no interval");
        }
        let mut many = good.clone();
        many.estimate.n = 1 << 63;
        assert_bad_value(store.insert_estimates(&[good.clone(), many]).await, 1, "n", "too large");
        let mut method = good.clone();
        method.estimate.method = "\0".into();
        for (wrong, field) in [
            (estimate("a\0", None, 0.0, 1.0), "quantity"),
            (method, "method"),
            (NewEstimate { record: json!({"\0": 1}), ..good.clone() }, "record"),
        ] {
            assert_nul(store.insert_estimates(&[good.clone(), wrong]).await, 1, field);
        }
        let lost = NewEstimate { design: Some(DesignId(77)), ..good.clone() };
        assert_dangling(store.insert_estimates(&[good.clone(), lost]).await);
        assert!(store.estimates(None).await.expect("read").is_empty());
    }

    async fn large_designs_go_in_and_come_out(db) {
        const PROMPTS: usize = 20_000;
        const ITEMS: u64 = 40_000;
        let store = db.open().await;
        let world = World::new(&store).await;
        let mut clock = Instant::now();
        let mut lap = |what: &str| {
            let seconds = clock.elapsed().as_secs_f64();
            println!("{what}: {seconds:.2} s");
            // A step that takes one statement for each row, or looks through a table for each, is
            // far slower than this even on a busy machine.
            assert!(seconds < 60.0, "{what} took {seconds:.0} s");
            clock = Instant::now();
        };
        let new: Vec<_> = (0..PROMPTS).map(|i| NewPrompt::new(format!("prompt {i}"), "test")).collect();
        let ids: Vec<_> = store.insert_prompts(&new).await.expect("stored").ids().collect();
        lap("20,000 prompts stored");
        let large = distribution("large", &ids);
        let stored = store.insert_distribution(&large).await.expect("stored");
        lap("their distribution stored");
        assert_eq!(store.distribution_prompts(stored.id).await.expect("read"), large.prompts);
        lap("their distribution read");

        let design = store.ensure_design(&world.design(DesignKind::Leak, "large")).await.expect("stored").id;
        let items: Vec<_> = (0..ITEMS).rev().map(|n| world.item(n, n as f64 / ITEMS as f64)).collect();
        assert_eq!(store.add_design_items(design, &items).await.expect("stored"), ITEMS as usize);
        lap("40,000 requests stored");
        assert_eq!(store.add_design_items(design, &items).await.expect("stored"), 0);
        lap("40,000 requests met again");
        let keys: Vec<i64> = store.design_items(design).await.expect("read").iter().map(|item| item.id).collect();
        assert_eq!(keys.len(), ITEMS as usize);
        lap("40,000 requests read");
        for share in 1..=4 {
            let drawn = &keys[..keys.len() / 4 * share];
            let drawn: Vec<_> = drawn.iter().map(|key| (*key, 1.0 / share as f64)).collect();
            store.select_items(design, &json!({ "share": share }), &drawn).await.expect("stored");
        }
        lap("100,000 drawn, in four selections");
        for n in 0..200 {
            store.select_items(design, &Value::Null, &[(keys[n], 0.5)]).await.expect("stored");
        }
        lap("200 small selections stored");
        let read = store.design_items(design).await.expect("read");
        lap("40,000 requests with 204 selections read");
        assert!(read.iter().enumerate().all(|(n, item)| {
            item.item.position == n as u64 && item.drawn == Some(if n < 200 { 0.5 } else { 0.25 })
        }));

        let ids = snippets(&store, 5_000).await;
        let pairs: Vec<_> = ids.windows(2).map(|pair| comparison(pair[0], pair[1], Choice::Same)).collect();
        lap("5,000 snippets stored");
        assert_eq!(store.insert_comparisons(&pairs).await.expect("stored"), 4_999);
        assert_eq!(store.insert_comparisons(&pairs).await.expect("stored"), 0);
        // Some asked for twice, and far apart.
        let asked = [ids.clone(), ids.clone()].concat();
        let read = store.comparisons_of(&asked).await.expect("read");
        assert!(read.iter().map(|read| &read.new).eq(&pairs));
        lap("5,000 comparisons stored and read");
        let sessions: Vec<_> = (1..=5_000).map(|n| session("ada", f64::from(n))).collect();
        assert_eq!(store.insert_attack_sessions(&sessions).await.expect("stored"), 5_000);
        assert_eq!(store.attack_sessions().await.expect("read").len(), 5_000);
        let estimates: Vec<_> = (0..5_000).map(|n| estimate("q", None, f64::from(n), 1e9)).collect();
        let stored = store.insert_estimates(&estimates).await.expect("stored");
        assert!(stored.iter().map(|stored| &stored.new).eq(&estimates));
        assert_eq!(store.estimates(None).await.expect("read"), stored);
        lap("5,000 sessions and 5,000 estimates stored and read");
    }

    async fn what_no_nines_writes_is_refused_or_told(db) {
        let store = db.open().await;
        let world = World::new(&store).await;
        let ids = snippets(&store, 2).await;
        let design = store.ensure_design(&world.design(DesignKind::Leak, "x")).await.expect("stored").id;
        store.add_design_items(design, &[world.item(0, 0.5)]).await.expect("stored");
        store.insert_comparisons(&[comparison(ids[0], ids[1], Choice::Left)]).await.expect("stored");
        store.insert_attack_sessions(&[session("ada", 60.0)]).await.expect("stored");
        store.insert_estimates(&[estimate("q", None, 0.0, 1.0)]).await.expect("stored");
        let raw = db.raw().await;
        for word in [
            "UPDATE designs SET kind = 'other'",
            "UPDATE comparisons SET choice = 'up'",
            "UPDATE comparisons SET labeller_kind = 'crowd'",
            "UPDATE attack_sessions SET attacker_kind = 'ape'",
            "UPDATE estimates SET lower = NULL",
            "INSERT INTO distributions (name, record, created) SELECT name, record, created FROM distributions",
        ] {
            assert!(raw.execute_unprepared(word).await.is_err(), "{word}");
        }
        for broken in [
            "UPDATE design_items SET stratum = -1",
            "UPDATE designs SET record = 'no JSON'",
            "UPDATE estimates SET n = -1",
        ] {
            raw.execute_unprepared(broken).await.expect("broken");
        }
        raw.close().await.expect("closed");
        let told = [
            store.design_items(design).await.map(drop),
            store.design(design).await.map(drop),
            store.estimates(None).await.map(drop),
        ];
        for (told, (table, column)) in told.into_iter().zip([
            ("design_items", "stratum"),
            ("designs", "record"),
            ("estimates", "n"),
        ]) {
            let named = matches!(&told, Err(StoreError::Unreadable { table: t, column: c, .. })
                if (*t, *c) == (table, column));
            assert!(named, "{told:?}");
        }
    }
}
