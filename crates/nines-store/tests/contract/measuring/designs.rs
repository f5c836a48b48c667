//! Distributions, designs, and what was drawn to be labelled.

use super::{ODD, World, assert_bad_value, assert_dangling, assert_nul, distribution, record};
use crate::flow::prompts;
use crate::harness::contract;
use nines_domain::snippet::{DesignId, DistributionId, ModelId, PromptId};
use nines_store::{DesignKind, NewDesign, NewDesignItem, NewDistribution, StoreError};
use serde_json::{Value, json};

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
}
