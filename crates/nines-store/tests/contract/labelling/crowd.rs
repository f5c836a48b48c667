//! Many people at once, through several handles, as several servers would.

use super::{PREDICATE, no, people, queue, snippets, yes};
use crate::harness::{Db, contract};
use nines_domain::snippet::ContentHash;
use nines_store::{Labeller, QueueKind, Store};
use tokio::task::JoinSet;

/// A number that looks random, fixed by what it is asked for.
fn draw(who: &str, what: &str) -> u8 {
    ContentHash::of_fields("crowd", &[who, what]).bytes()[0]
}

/// Works until two looks in a row find nothing; skips and undoes now and then, and sends some answers
/// twice at the same moment.
async fn labour(store: Store, queue: i64, who: Labeller) {
    let mut idle = 0;
    while idle < 3 {
        let next = store
            .next_assignment(queue, &who, &[])
            .await
            .expect("leased");
        let Some(given) = next.assignment else {
            idle += 1;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        };
        idle = 0;
        let lot = draw(&who.name, &given.id.to_string());
        let answer = if lot.is_multiple_of(3) {
            yes(2 + lot % 2)
        } else {
            no()
        };
        if lot.is_multiple_of(11) {
            store
                .skip_assignment(given.id, who.account, "unclear", 1.0, 0.0)
                .await
                .expect("skipped");
            store.undo_assignment(given.id, &who).await.ok();
        } else if lot.is_multiple_of(5) {
            let (a, b) = tokio::join!(
                store.save_answer(given.id, &who, &answer, PREDICATE),
                store.save_answer(given.id, &who, &answer, PREDICATE)
            );
            a.expect("saved");
            b.expect("saved");
        } else {
            store
                .save_answer(given.id, &who, &answer, PREDICATE)
                .await
                .expect("saved");
            if lot.is_multiple_of(17) {
                store.undo_assignment(given.id, &who).await.expect("undone");
            }
        }
    }
}

async fn crowd(db: &Db, kind: QueueKind, overlap: u32, everybody: usize) {
    let store = db.open().await;
    let who = people(db, everybody as i64).await;
    let ids = snippets(&store, 60).await;
    let made = queue(&store, kind, overlap, &ids).await;
    // The same snippets, in another order and partly, wait elsewhere too.
    let back: Vec<_> = ids[20..].iter().rev().copied().collect();
    let other = queue(&store, kind, overlap, &back).await;
    let mut stores = vec![store.clone()];
    for _ in 0..3 {
        stores.push(db.open().await);
    }
    let mut work = JoinSet::new();
    for (i, labeller) in who.into_iter().enumerate() {
        let store = stores[i % stores.len()].clone();
        let queue = if i % 3 == 2 { other.id } else { made.id };
        work.spawn(async move { labour(store, queue, labeller).await });
    }
    work.join_all().await;

    for snippet in store.snippets_by_id(&ids).await.expect("read") {
        let mut names: Vec<_> = snippet
            .labels
            .iter()
            .map(|l| l.label.labeller.clone())
            .collect();
        let labels = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), labels, "nobody labels a snippet twice");
        let least = overlap as usize;
        let most = if kind.is_design() {
            least.max(3)
        } else {
            least
        };
        assert!(
            (least..=most).contains(&labels),
            "snippet {} has {labels} labels",
            snippet.id
        );
    }
    // What is answered is stored, once.
    let answered = "SELECT COUNT(*) FROM assignments WHERE state = 'answered' AND purpose = 'work'";
    let standing =
        "SELECT COUNT(*) FROM labels WHERE id NOT IN (SELECT label_id FROM label_withdrawals)";
    assert_eq!(db.number(answered).await, db.number(standing).await);
    let lost = "SELECT COUNT(*) FROM assignments WHERE state = 'answered' AND purpose = 'work' AND label_id IS NULL";
    assert_eq!(db.number(lost).await, 0);
    // The counters tell the truth.
    let wrong = "SELECT COUNT(*) FROM queue_items AS i WHERE leased <> 0 OR waiting OR labelled <> \
        (SELECT COUNT(DISTINCT labeller) FROM labels AS l WHERE l.snippet_id = i.snippet_id \
         AND l.id NOT IN (SELECT label_id FROM label_withdrawals))";
    assert_eq!(db.number(wrong).await, 0);
    let queues = "SELECT COUNT(*) FROM queues AS q WHERE waiting <> \
        (SELECT COUNT(*) FROM queue_items AS i WHERE i.queue_id = q.id AND i.waiting)";
    assert_eq!(db.number(queues).await, 0);
}

contract! {
    async fn a_crowd_labels_every_item_once(db) {
        crowd(db, QueueKind::Random, 1, 9).await;
    }

    async fn a_crowd_labels_every_item_as_often_as_asked(db) {
        crowd(db, QueueKind::Search, 3, 9).await;
    }

    async fn a_crowd_labels_a_design_by_its_rule(db) {
        crowd(db, QueueKind::Leak, 1, 9).await;
    }
}
