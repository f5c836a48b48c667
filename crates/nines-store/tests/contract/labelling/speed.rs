//! How long one item takes in a long queue. Run by hand: it measures, and asserts nothing of a clock.

use super::{PREDICATE, no, people, queue, snippets};
use crate::harness::{Db, on_postgres, on_sqlite};
use nines_store::QueueKind;
use std::time::{Duration, Instant};

fn told(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    eprintln!("{what}: median {:?}, 99 % {:?}", at(0.5), at(0.99));
}

async fn measure(db: &Db) {
    let store = db.open().await;
    let who = people(db, 2).await;
    let ids = snippets(&store, 10_000).await;
    let made = queue(&store, QueueKind::Random, 2, &ids).await;
    for what in ["at the start", "in the middle"] {
        let (mut next, mut save) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            let start = Instant::now();
            let given = store
                .next_assignment(made.id, &who[0], &[])
                .await
                .expect("leased")
                .assignment;
            next.push(start.elapsed());
            let start = Instant::now();
            let id = given.expect("an item").id;
            store
                .save_answer(id, &who[0], &no(), PREDICATE)
                .await
                .expect("saved");
            save.push(start.elapsed());
        }
        told(&format!("next, {what}"), &mut next);
        told(&format!("save, {what}"), &mut save);
        if what == "at the start" {
            for _ in 0..4_000 {
                super::work(&store, made.id, &who[0], no())
                    .await
                    .expect("an item");
            }
        }
    }
    let start = Instant::now();
    store.queues_of(who[0].account, true).await.expect("listed");
    eprintln!("queues: {:?}", start.elapsed());
}

#[test]
#[ignore = "measures"]
fn sqlite() {
    on_sqlite(measure);
}

#[test]
#[ignore = "measures"]
fn postgres() {
    on_postgres(measure);
}
