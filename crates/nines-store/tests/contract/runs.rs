//! Runs and models.

use crate::harness::contract;
use nines_store::{ModelKind, NewModel, NewRun, RunStatus, StoreError};
use serde_json::{Value, json};

pub fn run(kind: &str) -> NewRun {
    NewRun {
        kind: kind.into(),
        config: json!({"lr": 3e-5, "exact": 0.1f32 as f64, "tiny": 1e-300}),
        seed: Some(u64::MAX),
        device: "cpu".into(),
        total: Some(10),
    }
}

pub fn model(kind: ModelKind, name: &str, digest: &str) -> NewModel {
    NewModel {
        kind,
        name: name.into(),
        path: format!("models/{name}"),
        digest: digest.into(),
        config: json!({}),
        metrics: Value::Null,
        parent: None,
        run: None,
    }
}

contract! {
    async fn a_run_lives_from_start_to_result(db) {
        let store = db.open().await;
        let new = run("train");
        let started = store.start_run(&new).await.expect("started");
        assert_eq!((started.status, started.seed, &started.config), (RunStatus::Running, Some(u64::MAX), &new.config));
        store.run_progress(started.id, 4, None).await.expect("noted");
        assert!(store.mark_interrupted_runs().await.expect("looked").is_empty());
        let refused = store.resume_run(started.id).await;
        assert!(matches!(refused, Err(StoreError::RunState { .. })), "this process works on it");
        store.fail_run(started.id, "the disk\0 is full").await.expect("noted");
        let found = store.resumable_run("train", &new.config, new.seed).await.expect("looked");
        assert_eq!(found.map(|run| (run.id, run.done)), Some((started.id, 4)));
        assert!(store.resumable_run("train", &json!({}), new.seed).await.expect("looked").is_none());
        let resumed = store.resume_run(started.id).await.expect("resumed");
        assert_eq!((resumed.status, resumed.done, resumed.error), (RunStatus::Running, 4, None));
        let result = json!({"auroc": 0.9074});
        let done = store.finish_run(started.id, &result).await.expect("finished");
        assert_eq!((done.status, &done.result), (RunStatus::Done, &result));
        for refused in [
            store.finish_run(started.id, &json!(1)).await,
            store.resume_run(started.id).await,
            store.cancel_run(started.id).await,
        ] {
            assert!(matches!(refused, Err(StoreError::RunState { .. })));
        }
        assert_eq!(store.run(started.id).await.expect("read").result, result);
    }

    async fn a_model_version_is_never_overwritten(db) {
        let store = db.open().await;
        let first = store.insert_model(&model(ModelKind::Classifier, "injury", "d1")).await.expect("stored");
        let second = store.insert_model(&model(ModelKind::Classifier, "injury", "d1")).await.expect("stored");
        let other = store.insert_model(&model(ModelKind::Base, "injury", "d1")).await.expect("stored");
        assert_eq!([first.version, second.version, other.version], [1, 2, 1]);
        let base = model(ModelKind::Base, "minilm", "d2");
        let a = store.ensure_model(&base).await.expect("stored");
        let b = store.ensure_model(&base).await.expect("stored");
        assert_eq!(a, b);
        let latest = store.latest_model(ModelKind::Classifier, None).await.expect("read");
        assert_eq!(latest.as_ref().map(|m| m.label()), Some("injury v2".to_owned()));
        let by_version = store.model_version(ModelKind::Classifier, "injury", 1).await.expect("read");
        assert_eq!(by_version, Some(first));
        assert_eq!(store.models(None).await.expect("listed").len(), 4);
    }
}
