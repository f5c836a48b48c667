//! Ensembles of classifiers.

use crate::harness::contract;
use nines_domain::ensemble::Combine;
use nines_domain::score::Threshold;
use nines_domain::snippet::ModelId;
use nines_store::{Model, ModelKind, NewCalibration, NewEnsemble, NewModel, Store, StoreError};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

fn classifier(name: &str, seed: u64) -> NewModel {
    NewModel {
        kind: ModelKind::Classifier,
        name: name.into(),
        path: format!("models/{name}"),
        digest: format!("digest of {name}"),
        config: json!({ "config": { "split_seed": seed } }),
        metrics: Value::Null,
        parent: None,
        run: None,
    }
}

async fn stored(store: &Store, names: &[&str]) -> Vec<Model> {
    let mut models = Vec::new();
    for name in names {
        models.push(
            store
                .insert_model(&classifier(name, 7))
                .await
                .expect("stored"),
        );
    }
    models
}

fn of(name: &str, members: &[ModelId], combine: Combine) -> NewEnsemble {
    NewEnsemble {
        name: name.into(),
        members: members.to_vec(),
        combine,
        metrics: json!({ "test": null }),
    }
}

contract! {
    async fn an_ensemble_is_a_version_that_knows_its_members(db) {
        let store = db.open().await;
        let models = stored(&store, &["one", "two", "three"]).await;
        let ids: Vec<ModelId> = [2, 0].iter().map(|&i: &usize| models[i].id).collect();
        let made = store.insert_ensemble(&of("both", &ids, Combine::Mean)).await.expect("stored");
        assert_eq!((made.label(), made.kind), ("both v1".to_owned(), ModelKind::Classifier));
        let record = made.ensemble.clone().expect("an ensemble");
        assert_eq!(record.to_string(), "mean of three v1, one v1");
        assert_eq!(record.members.iter().map(|m| m.id).collect::<Vec<_>>(), ids);
        assert_eq!(made.config["config"]["split_seed"], 7);
        assert_eq!(made.metrics, json!({ "test": null }));
        // Found wherever a classifier is found, and read back the same.
        let newest = store.latest_model(ModelKind::Classifier, None).await.expect("read");
        assert_eq!(newest, Some(made.clone()));
        assert_eq!(store.model(made.id).await.expect("read"), made);
        let found = store.model_version(ModelKind::Classifier, "both", 1).await.expect("read");
        assert_eq!(found, Some(made.clone()));
        assert!(models.iter().all(|model| model.ensemble.is_none()));
        // The same again is the same version; another rule or order is another one.
        let again = store.insert_ensemble(&of("both", &ids, Combine::Mean)).await.expect("stored");
        assert_eq!(again, made);
        let max = store.insert_ensemble(&of("both", &ids, Combine::Max)).await.expect("stored");
        assert_eq!((max.version, max.digest != made.digest), (2, true));
        let turned: Vec<ModelId> = ids.iter().rev().copied().collect();
        let turned = store.insert_ensemble(&of("both", &turned, Combine::Max)).await.expect("stored");
        assert_eq!((turned.version, turned.digest != max.digest), (3, true));
    }

    async fn what_cannot_be_a_member_is_refused(db) {
        let store = db.open().await;
        let models = stored(&store, &["one", "two"]).await;
        let (one, two) = (models[0].id, models[1].id);
        let base = NewModel { kind: ModelKind::Base, ..classifier("a base", 7) };
        let base = store.insert_model(&base).await.expect("stored").id;
        let other = store.insert_model(&classifier("other split", 8)).await.expect("stored").id;
        let ensemble = store.insert_ensemble(&of("both", &[one, two], Combine::Max)).await.expect("stored").id;
        for (members, why) in [
            (vec![one], "are 1; an ensemble has 2 to 16"),
            (vec![one; 17], "are 17"),
            (vec![one, two, one], "(one v1) is there twice"),
            (vec![one, base], "(a base v1) is a base"),
            (vec![one, ensemble], "(both v1) is an ensemble"),
            (vec![one, other], "(other split v1) was trained under the split seed 8, and one v1 under 7"),
        ] {
            let new = of("new", &members, Combine::Mean);
            let refused = store.insert_ensemble(&new).await.expect_err("refused").to_string();
            assert!(refused.contains(why), "{refused}");
            let checked = store.check_ensemble(&new).await.expect_err("refused").to_string();
            assert_eq!(checked, refused);
        }
        let unknown = store.insert_ensemble(&of("new", &[one, ModelId(999)], Combine::Mean)).await;
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
        let nul = store.insert_ensemble(&of("a\0b", &[one, two], Combine::Mean)).await;
        assert!(matches!(nul, Err(StoreError::Nul { .. })));
        assert!(store.latest_model(ModelKind::Classifier, Some("new")).await.expect("read").is_none());
    }

    async fn a_name_is_of_classifiers_or_of_ensembles(db) {
        let store = db.open().await;
        let models = stored(&store, &["one", "two"]).await;
        let ids = [models[0].id, models[1].id];
        let taken = store.insert_ensemble(&of("one", &ids, Combine::Mean)).await;
        assert!(matches!(taken, Err(StoreError::Taken { what: "a classifier", .. })), "{taken:?}");
        let checked = store.check_ensemble(&of("one", &ids, Combine::Mean)).await;
        assert!(matches!(checked, Err(StoreError::Taken { .. })), "{checked:?}");
        store.insert_ensemble(&of("both", &ids, Combine::Mean)).await.expect("stored");
        let taken = store.insert_model(&classifier("both", 7)).await;
        assert!(matches!(taken, Err(StoreError::Taken { what: "an ensemble", .. })), "{taken:?}");
    }

    async fn a_database_from_before_unfamiliarity_keeps_its_models_and_takes_measures(db) {
        let store = db.open().await;
        let one = stored(&store, &["one"]).await.remove(0);
        store.close().await;
        let raw = db.raw().await;
        let narrow = if db.is_postgres() {
            vec![
                "ALTER TABLE models DROP CONSTRAINT models_kind_check, ADD CONSTRAINT models_kind_check \
                 CHECK (\"kind\" IN ('base', 'classifier', 'generator'))",
            ]
        } else {
            vec![
                "PRAGMA writable_schema = ON",
                "UPDATE sqlite_schema SET sql = replace(sql, ', ''unfamiliarity''', '') WHERE name = 'models'",
                "PRAGMA writable_schema = RESET",
            ]
        };
        let again = ["DELETE FROM nines_migrations WHERE version = 'm0012_unfamiliarity'"];
        for undo in narrow.into_iter().chain(again) {
            raw.execute_unprepared(undo).await.expect("taken back");
        }
        let kind = "UPDATE models SET kind = 'unfamiliarity'";
        raw.execute_unprepared(kind).await.expect_err("as it was before");
        raw.close().await.expect("closed");

        let store = db.open().await;
        assert_eq!(store.model(one.id).await.expect("read"), one);
        let new = NewModel {
            kind: ModelKind::Unfamiliarity,
            name: "strange".into(),
            config: json!({ "kind": "surprise", "generator": "g" }),
            parent: Some(one.id),
            ..classifier("strange", 7)
        };
        let made = store.insert_model(&new).await.expect("stored");
        let found = store.latest_model(ModelKind::Unfamiliarity, None).await.expect("read");
        assert_eq!(found, Some(made));
        let newest = store.latest_model(ModelKind::Classifier, None).await.expect("read");
        assert_eq!(newest, Some(one), "a measure is no classifier");
    }

    async fn a_threshold_with_a_second_condition_is_found_by_nobody_who_does_not_ask_it(db) {
        let store = db.open().await;
        let one = stored(&store, &["one"]).await.remove(0).id;
        let new = |logit: f64, record: Value| NewCalibration {
            model: one,
            threshold: Threshold::new(logit).expect("finite"),
            rule: "a rule".into(),
            record,
            run: None,
        };
        let plain = new(-3.0, json!({ "path": "cpu/f32" }));
        let plain = store.insert_calibration(&plain).await.expect("stored");
        let cautious = json!({ "path": "cpu/f32 with far v1", "caution": { "limit": 2.5 } });
        let cautious = store.insert_calibration(&new(-1.0, cautious)).await.expect("stored");
        assert_eq!(store.calibrations(Some(one)).await.expect("read"), std::slice::from_ref(&plain));
        assert_eq!(store.calibrations(None).await.expect("read"), std::slice::from_ref(&plain));
        assert_eq!(store.latest_calibration(one).await.expect("read"), Some(plain));
        assert_eq!(store.serving_path(one).await.expect("read").as_deref(), Some("cpu/f32"));
        assert_eq!(store.cautious_calibrations(one).await.expect("read"), std::slice::from_ref(&cautious));
        assert_eq!(store.calibration(cautious.id).await.expect("read"), cautious);
    }
}
