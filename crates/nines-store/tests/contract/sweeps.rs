//! The trials of sweeps.

use crate::harness::contract;
use crate::runs::run;
use nines_domain::estimate::Estimate;
use nines_domain::snippet::RunId;
use nines_store::{NewTrial, Store, StoreError, SweepTrial, TrialEnd, TrialNumber, TrialState};
use serde_json::json;

fn trial(cell: &str, seed: u64, rate: f64) -> NewTrial {
    NewTrial {
        cell: cell.into(),
        seed,
        base: (seed == 1).then(|| "mpnet-base".to_owned()),
        recipe: json!({"learning_rate": rate, "sift": null}),
    }
}

fn end(value: f64) -> TrialEnd {
    let number = |value: f64| TrialNumber {
        what: "AUROC".into(),
        value: Estimate {
            value: Some(value),
            lower: value - 0.1,
            upper: value + 0.1,
            confidence: 0.95,
            method: "bootstrap".into(),
            n: 40,
        },
    };
    TrialEnd {
        numbers: vec![number(value)],
        together: vec![number(value - 0.01)],
        seconds: 12.5,
    }
}

async fn all(store: &Store, run: RunId) -> Vec<SweepTrial> {
    let (rows, more) = store.trials(run, None, 100).await.expect("read");
    assert!(!more);
    rows
}

fn states(rows: &[SweepTrial]) -> Vec<TrialState> {
    rows.iter().map(|row| row.state).collect()
}

contract! {
    async fn trials_wait_run_and_keep_their_numbers_when_a_sweep_goes_on(db) {
        use TrialState::{Done, Dropped, Failed, Running, Waiting};
        let store = db.open().await;
        let sweep = store.start_run(&run("sweep")).await.expect("started").id;
        let other = store.start_run(&run("sweep")).await.expect("started").id;
        let planned = [trial("a", 0, 1e-5), trial("b", u64::MAX, 3e-5), trial("c", 1, 0.1)];
        assert_eq!(store.plan_trials(sweep, 0, 0, &planned).await.expect("planned"), [0, 1, 2]);
        store.plan_trials(other, 0, 0, &planned[..1]).await.expect("planned");
        let rows = all(&store, sweep).await;
        assert_eq!(states(&rows), [Waiting; 3]);
        assert_eq!((rows[1].seed, &rows[1].recipe), (u64::MAX, &planned[1].recipe));
        assert_eq!(rows[2].base.as_deref(), Some("mpnet-base"));

        store.begin_trial(sweep, 0).await.expect("begun");
        store.end_trial(sweep, 0, &end(0.8)).await.expect("ended");
        store.begin_trial(sweep, 1).await.expect("begun");
        store.fail_trial(sweep, 1, "the disk\0 is full").await.expect("noted");
        store.begin_trial(sweep, 2).await.expect("begun");
        let rows = all(&store, sweep).await;
        assert_eq!(states(&rows), [Done, Failed, Running]);
        assert_eq!((&rows[0].numbers, &rows[0].together), (&end(0.8).numbers, &end(0.8).together));
        assert_eq!(rows[0].seconds, Some(12.5));
        assert!(rows[0].started <= rows[0].ended && rows[0].ended.is_some());
        assert_eq!(rows[1].error.as_deref(), Some("the disk\u{fffd} is full"));

        store.leave_trials(sweep).await.expect("left");
        assert_eq!(states(&all(&store, sweep).await), [Done, Failed, Waiting]);
        // The same plan again: what has its numbers stays, what failed waits.
        assert_eq!(store.plan_trials(sweep, 0, 0, &planned).await.expect("planned"), [1, 2]);
        let again = all(&store, sweep).await;
        assert_eq!(again[0], rows[0]);
        assert_eq!((again[1].state, &again[1].error, again[1].started), (Waiting, &None, None));

        store.end_trial(sweep, 1, &end(0.9)).await.expect("ended");
        store.end_trial(sweep, 2, &end(0.5)).await.expect("ended");
        store.drop_trials(sweep, 0, &["b".to_owned()]).await.expect("dropped");
        assert_eq!(states(&all(&store, sweep).await), [Dropped, Done, Dropped]);
        let next = [trial("b-e2", 0, 3e-5)];
        assert_eq!(store.plan_trials(sweep, 1, 3, &next).await.expect("planned"), [3]);
        let rows = all(&store, sweep).await;
        assert_eq!((rows[3].rung, rows[3].position, rows[3].state), (1, 3, Waiting));
        // Going on from the first rung touches no later one.
        assert_eq!(store.plan_trials(sweep, 0, 0, &planned).await.expect("planned"), [] as [u64; 0]);
        assert_eq!(all(&store, sweep).await.len(), 4);
        // Another plan takes the place of this one.
        let shorter = [trial("a", 0, 1e-5), trial("b", 0, 7e-5)];
        assert_eq!(store.plan_trials(sweep, 0, 0, &shorter).await.expect("planned"), [1]);
        let rows = all(&store, sweep).await;
        let cells: Vec<&str> = rows.iter().map(|row| row.cell.as_str()).collect();
        assert_eq!(cells, ["a", "b", "b-e2"]);
        assert_eq!(states(&all(&store, other).await), [Waiting], "another run's are its own");
    }

    async fn trials_are_read_page_by_page_and_belong_to_a_run(db) {
        let store = db.open().await;
        let sweep = store.start_run(&run("sweep")).await.expect("started").id;
        let planned: Vec<NewTrial> = (0..2500).map(|i| trial(&format!("draw{i}"), 0, 0.1)).collect();
        store.plan_trials(sweep, 0, 0, &planned).await.expect("planned");
        let (first, more) = store.trials(sweep, None, 1000).await.expect("read");
        assert_eq!((first.len(), more), (1000, true));
        let (rest, more) = store.trials(sweep, Some(1999), 1000).await.expect("read");
        assert_eq!((rest.len(), rest[0].position, more), (500, 2000, false));
        let nowhere = store.plan_trials(RunId(987), 0, 0, &planned[..1]).await;
        assert!(matches!(nowhere, Err(StoreError::Dangling { .. })), "{nowhere:?}");
        for refused in [
            store.begin_trial(sweep, 2500).await,
            store.end_trial(sweep, 2500, &end(0.5)).await,
            store.fail_trial(sweep, 2500, "no").await,
        ] {
            assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
        }
        let odd = [NewTrial { recipe: json!({"a\0": 1}), ..trial("a", 0, 0.1) }];
        assert!(matches!(store.plan_trials(sweep, 0, 0, &odd).await, Err(StoreError::Nul { .. })));
        assert_eq!(all_count(&store, sweep).await, 2500, "nothing was changed");
    }
}

async fn all_count(store: &Store, run: RunId) -> usize {
    store.trials(run, None, 5000).await.expect("read").0.len()
}
