//! Many rows, and rows that no nines wrote.

use super::{World, comparison, distribution, estimate, session};
use crate::flow::snippets;
use crate::harness::contract;
use nines_domain::comparison::Choice;
use nines_store::{DesignKind, NewPrompt, StoreError};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use std::time::Instant;

contract! {
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
        for key in &keys[..200] {
            store.select_items(design, &Value::Null, &[(*key, 0.5)]).await.expect("stored");
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
