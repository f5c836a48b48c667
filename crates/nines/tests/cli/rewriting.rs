//! Sessions of the Rewrite page, as they are stored, in the measurement of attack times and in the report.

use crate::world::World;
use nines_domain::account::AccountName;
use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::{ModelId, SnippetId, SnippetText};
use nines_report::report::Report;
use nines_store::{
    Labeller, ModelKind, NewAccount, NewLabel, NewLoginSession, NewModel, NewRewritingFind,
    NewRewritingSession, Origin, RewritingStart, Store, StoreUrl, WorkTime,
};
use serde_json::{Value, json};
use std::time::Duration;

fn logit(score: f64) -> Score {
    Score::new(score).expect("finite")
}

/// A person at work on a classifier.
struct Work {
    store: Store,
    model: ModelId,
    ann: Labeller,
}

impl Work {
    async fn start(world: &World) -> Self {
        let url = StoreUrl::Sqlite(world.path("project/nines.db"));
        let store = Store::open(&url).await.expect("opens");
        let model = NewModel {
            kind: ModelKind::Classifier,
            name: "injury".to_owned(),
            path: "models/injury".to_owned(),
            digest: "d".repeat(64),
            config: Value::Null,
            metrics: Value::Null,
            parent: None,
            run: None,
        };
        let name: AccountName = "ann".parse().expect("a name");
        let account = NewAccount {
            name,
            password_hash: "none".to_owned(),
        };
        let session = NewLoginSession {
            token_hash: [7; 32],
            csrf: "c".to_owned(),
        };
        let made = store.create_first_admin(&account, &session).await;
        Self {
            model: store.insert_model(&model).await.expect("stored").id,
            ann: Labeller {
                account: made.expect("an account").account.id,
                name: "ann".to_owned(),
            },
            store,
        }
    }

    async fn begin(&self, tools: bool) -> i64 {
        let new = NewRewritingSession {
            labeller: self.ann.clone(),
            model: self.model,
            path: "cpu/test".to_owned(),
            threshold: Threshold::new(-2.0).expect("finite"),
            tools,
            start: RewritingStart {
                snippet: None,
                text: SnippetText::new("The duel began.", "He fell on the spear."),
                score: logit(4.0),
            },
        };
        self.store.begin_rewriting(&new).await.expect("begun").id
    }

    async fn give_up(&self, id: i64, time: WorkTime) {
        let (ann, why) = (self.ann.account, Some("too hard"));
        let ended = self.store.give_up_rewriting(id, ann, why, time).await;
        ended.expect("ended");
    }

    async fn submit(&self, id: i64, completion: &str, time: WorkTime) -> SnippetId {
        let find = NewRewritingFind {
            text: SnippetText::new("The duel began.", completion),
            score: logit(-3.5),
            severity: Severity::Egregious,
            trick: String::new(),
            predicate: "an injury, version 1".to_owned(),
            time,
        };
        let submitted = self.store.submit_rewriting(id, &self.ann, &find).await;
        submitted.expect("submitted").snippet
    }

    /// Another person says what a find is.
    async fn say(&self, find: SnippetId, verdict: Verdict) {
        let label = NewLabel {
            snippet: find.into(),
            label: Label {
                labeller: "bob".to_owned(),
                kind: LabellerKind::Person,
                verdict,
                severity: (verdict == Verdict::Yes).then_some(Severity::Egregious),
                seconds: None,
            },
            occasion: String::new(),
            predicate: None,
            source: "test".to_owned(),
        };
        self.store.insert_labels(&[label]).await.expect("stored");
    }
}

fn time(seconds: f64, away_seconds: f64) -> WorkTime {
    WorkTime {
        seconds,
        away_seconds,
    }
}

#[test]
fn sessions_of_people_are_measured_and_reported_with_what_they_did_not_find() {
    let world = World::with_project();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let wait = Duration::from_millis(1_300);
    let refuted = runtime.block_on(async {
        let work = Work::start(&world).await;
        // With the tools: given up after 0.6 s at work, of which a pause took longer.
        let id = work.begin(true).await;
        tokio::time::sleep(wait).await;
        let ann = work.ann.account;
        let noted = work
            .store
            .note_rewriting_time(id, ann, true, time(0.6, 0.1));
        noted.await.expect("noted");
        work.give_up(id, time(0.6, 0.7)).await;
        // A find, confirmed; one that is refuted; one that waits.
        let mut finds = Vec::new();
        for (n, tools) in [(1, true), (2, false), (3, true)] {
            let id = work.begin(tools).await;
            tokio::time::sleep(wait).await;
            finds.push(
                work.submit(id, &format!("He lay {n}."), time(1.2, 0.0))
                    .await,
            );
        }
        let stored = work.store.snippets_by_id(&finds).await.expect("read");
        assert!(stored.iter().all(|find| find.origin == Origin::Attack));
        work.say(finds[0], Verdict::Yes).await;
        work.say(finds[1], Verdict::No).await;
        finds[1]
    });
    let measured = || {
        let words = ["--json", "measure", "attack-time"];
        world.run(&words).good().json()
    };
    let about = |found: &Value| -> Vec<(String, u64, u64, f64, u64)> {
        let groups = found["groups"].as_array().expect("a list").iter();
        let count = |group: &Value, name: &str| group[name].as_u64().expect("a count");
        groups
            .map(|group| {
                (
                    group["group"].as_str().expect("a name").to_owned(),
                    count(group, "sessions"),
                    count(group, "finds"),
                    group["minutes"].as_f64().expect("minutes"),
                    count(group, "waiting"),
                )
            })
            .collect()
    };
    let found = measured();
    // The author's yes against the other's no: a third person must say, and until then it waits.
    let with_tools = ("injury v1, with tools".to_owned(), 2, 1, 1.8 / 60.0, 1);
    assert_eq!(about(&found), [with_tools.clone()]);
    assert_eq!(found["waiting"], 2);
    runtime.block_on(async {
        let work_store = Store::open(&StoreUrl::Sqlite(world.path("project/nines.db"))).await;
        let label = NewLabel {
            snippet: refuted.into(),
            label: Label {
                labeller: "cyd".to_owned(),
                kind: LabellerKind::Person,
                verdict: Verdict::No,
                severity: None,
                seconds: None,
            },
            occasion: String::new(),
            predicate: None,
            source: "test".to_owned(),
        };
        let stored = work_store.expect("opens").insert_labels(&[label]).await;
        stored.expect("stored");
    });
    let found = measured();
    let without = ("injury v1, without tools".to_owned(), 1, 0, 1.2 / 60.0, 0);
    assert_eq!(about(&found), [with_tools, without]);
    let ratio = &found["ratios"][0];
    assert_eq!(
        (&ratio["faster"], &ratio["slower"]),
        (
            &json!("injury v1, with tools"),
            &json!("injury v1, without tools")
        )
    );

    // The report has the same groups, numbers and comparison.
    let report = world
        .run(&["--json", "report", "--out", "page.html"])
        .good();
    let report: Report = serde_json::from_str(&report.stdout).expect("a report");
    let survival = report.attack_survival.expect("sessions");
    assert_eq!(survival.waiting, 1);
    let groups = found["groups"].as_array().expect("a list");
    assert_eq!(survival.groups.len(), groups.len());
    for (shown, group) in survival.groups.iter().zip(groups) {
        assert_eq!(group["group"], shown.curve.name);
        assert_eq!(
            (json!(shown.sessions), json!(shown.finds)),
            (group["sessions"].clone(), group["finds"].clone())
        );
        let mean = shown.mean_minutes.as_ref().expect("a mean");
        assert_eq!(mean.value, group["mean"]["value"].as_f64());
        assert_eq!(Some(mean.lower), group["mean"]["lower"].as_f64());
    }
    assert_eq!(survival.groups[0].censored_minutes, [0.6 / 60.0]);
    assert_eq!(survival.ratios.len(), 1);
    assert_eq!(
        survival.ratios[0].ratio.value,
        ratio["times_longer"]["value"].as_f64()
    );
    let page = std::fs::read_to_string(world.path("page.html")).expect("written");
    for part in [
        "injury v1, without tools",
        "1 search whose find nobody else",
    ] {
        assert!(page.contains(part), "{part}");
    }
}
