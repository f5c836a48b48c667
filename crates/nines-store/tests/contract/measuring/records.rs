//! Comparisons, attack sessions, estimates.

use super::{
    ODD, World, assert_bad_value, assert_dangling, assert_nul, comparison, estimate, session,
};
use crate::flow::snippets;
use crate::harness::contract;
use nines_domain::comparison::{Choice, Comparison};
use nines_domain::label::LabellerKind;
use nines_domain::snippet::{DesignId, EstimateId, ModelId, SnippetId};
use nines_store::{
    AttackerKind, DesignKind, NewAttackSession, NewComparison, NewEstimate, StoreError,
};
use serde_json::{Value, json};

contract! {
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
            NewAttackSession { seconds: 1_800.000_000_1, ..first.clone() },
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
}
