//! Sessions of the Rewrite page, as they are stored, in the measurement of attack times and in the report.

use crate::world::World;
use nines_domain::account::AccountName;
use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::{ModelId, SnippetId, SnippetText};
use nines_report::report::Report;
use nines_store::{
    Labeller, ModelKind, NewAccount, NewLabel, NewLoginSession, NewModel, NewRewritingFind,
    NewRewritingSession, NewRewritingTask, NewSnippet, Origin, RewritingSession, RewritingStart,
    Store, StoreUrl, Tools, WorkTime,
};
use serde_json::{Value, json};
use std::time::Duration;

fn logit(score: f64) -> Score {
    Score::new(score).expect("finite")
}

const PATH: &str = "cpu/test";

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

    /// A task of four starts whose tools a coin decides on.
    async fn task(&self) -> i64 {
        let starts: Vec<NewSnippet> = (0..4)
            .map(|n| SnippetText::new("The duel began.", format!("He fell on spear {n}.")))
            .map(|text| NewSnippet::imported(text, "test"))
            .collect();
        let stored = self.store.insert_snippets(&starts).await.expect("stored");
        let new = NewRewritingTask {
            name: "break it".to_owned(),
            model: self.model,
            path: PATH.to_owned(),
            threshold: Threshold::new(-2.0).expect("finite"),
            tools: Tools::Random,
            seed: 5,
            record: Value::Null,
            starts: stored.ids().map(|id| (id, logit(4.0))).collect(),
            created_by: None,
        };
        self.store
            .insert_rewriting_task(&new)
            .await
            .expect("made")
            .id
    }

    async fn next(&self, task: i64) -> RewritingSession {
        let begun = self.store.begin_rewriting_task(task, &self.ann).await;
        begun.expect("begun").expect("a start is left")
    }

    /// Begins on a text of one's own choice.
    async fn begin(&self, tools: bool) -> i64 {
        let new = NewRewritingSession {
            labeller: self.ann.clone(),
            model: self.model,
            path: PATH.to_owned(),
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
            path: PATH.to_owned(),
            severity: Severity::Egregious,
            trick: String::new(),
            predicate: "an injury, version 1".to_owned(),
            time,
        };
        let submitted = self.store.submit_rewriting(id, &self.ann, &find).await;
        submitted.expect("submitted").snippet
    }

    /// Another person says what a find is.
    async fn say(&self, find: SnippetId, who: &str, verdict: Verdict) {
        say(&self.store, find, who, verdict).await;
    }
}

async fn say(store: &Store, find: SnippetId, who: &str, verdict: Verdict) {
    let label = NewLabel {
        snippet: find.into(),
        label: Label {
            labeller: who.to_owned(),
            kind: LabellerKind::Person,
            verdict,
            severity: (verdict == Verdict::Yes).then_some(Severity::Egregious),
            seconds: None,
        },
        occasion: String::new(),
        predicate: None,
        source: "test".to_owned(),
    };
    store.insert_labels(&[label]).await.expect("stored");
}

fn time(seconds: f64, away_seconds: f64) -> WorkTime {
    WorkTime {
        seconds,
        away_seconds,
    }
}

#[test]
fn sessions_of_people_are_measured_and_reported_whatever_they_ended_with() {
    let world = World::with_project();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let wait = Duration::from_millis(1_300);
    let (with, without, open) = runtime.block_on(async {
        let work = Work::start(&world).await;
        let ann = work.ann.account;
        let task = work.task().await;
        // With the tools a find that waits and one that is confirmed; without them one that waits, and one given
        // up after 0.6 s at work, of which a pause took longer.
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for n in 0..4 {
            let session = work.next(task).await;
            tokio::time::sleep(wait).await;
            let arm = if session.tools {
                &mut with
            } else {
                &mut without
            };
            if !session.tools && arm.len() == 1 {
                let paused = time(0.6, 0.1);
                let noted = work
                    .store
                    .note_rewriting_time(session.id, ann, true, paused);
                noted.await.expect("noted");
                work.give_up(session.id, time(0.6, 0.7)).await;
            } else {
                let completion = format!("He lay {n}.");
                arm.push(work.submit(session.id, &completion, time(1.2, 0.0)).await);
            }
        }
        assert_eq!((with.len(), without.len()), (2, 1));
        let stored = work.store.snippets_by_id(&with).await.expect("read");
        assert!(stored.iter().all(|find| find.origin == Origin::Attack));
        work.say(with[1], "bob", Verdict::Yes).await;
        // Of one's own choice, and left open.
        let open = work.begin(true).await;
        (with[0], without[0], open)
    });
    let measured = || {
        let words = ["--json", "measure", "attack-time"];
        world.run(&words).good().json()
    };
    let names = [
        "injury v1, task 1 (break it), with tools",
        "injury v1, task 1 (break it), without tools",
        "injury v1, of their own choice, with tools",
    ];
    let group = |found: &Value, name: &str| {
        let groups = found["groups"].as_array().expect("a list").clone();
        let of_name = groups.into_iter().find(|group| group["group"] == name);
        of_name.unwrap_or_else(|| panic!("{name}: {found}"))
    };
    let counts = |found: &Value, name: &str| {
        let group = group(found, name);
        ["sessions", "finds", "waiting", "open"]
            .map(|count| group[count].as_u64().expect("a count"))
    };
    let now = measured();
    assert_eq!(counts(&now, names[0]), [2, 1, 1, 0]);
    assert_eq!(counts(&now, names[1]), [2, 0, 1, 0]);
    assert_eq!(counts(&now, names[2]), [1, 0, 0, 1]);
    assert_eq!(now["waiting"], 2);
    // Only what a coin decided on is compared, and without a p-value while finds wait.
    assert_eq!(now["ratios"].as_array().map(Vec::len), Some(1), "{now}");
    let ratio = &now["ratios"][0];
    assert_eq!(
        (&ratio["faster"], &ratio["slower"]),
        (&json!(names[0]), &json!(names[1]))
    );
    assert_eq!(
        (&ratio["by_coin"], &ratio["in_both"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(ratio["p_value"], Value::Null);
    let said = world.run(&["measure", "attack-time"]).good();
    for part in [
        "1 find more, not yet verified",
        "1 still open, counted up to now",
        "where a coin decided between them",
        "no time was recorded",
        "1 attacker is in both groups, as a coin said",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }

    // What was claimed holds when the labels have come, whatever they say.
    let bound = |found: &Value, name: &str| {
        group(found, name)["at_least"]["lower"]
            .as_f64()
            .expect("a bound")
    };
    let before = names.map(|name| bound(&now, name));
    runtime.block_on(async {
        let work_store = Store::open(&StoreUrl::Sqlite(world.path("project/nines.db"))).await;
        let store = work_store.expect("opens");
        say(&store, with, "bob", Verdict::Yes).await;
        say(&store, without, "bob", Verdict::No).await;
        say(&store, without, "cyd", Verdict::No).await;
        assert!(store.rewriting_session(open).await.is_ok());
    });
    let then = measured();
    assert_eq!(counts(&then, names[0]), [2, 2, 0, 0]);
    assert_eq!(counts(&then, names[1]), [2, 0, 0, 0]);
    for (name, before) in names.into_iter().zip(before) {
        assert!(before <= bound(&then, name), "{name}");
    }
    let ratio = &then["ratios"][0];
    assert!(ratio["p_value"].is_number(), "{ratio}");

    // The report has the same groups, numbers and comparison.
    let report = world
        .run(&["--json", "report", "--out", "page.html"])
        .good();
    let report: Report = serde_json::from_str(&report.stdout).expect("a report");
    let survival = report.attack_survival.expect("sessions");
    assert_eq!(survival.waiting, 0);
    let groups = then["groups"].as_array().expect("a list");
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
    let without = survival
        .groups
        .iter()
        .find(|group| group.curve.name == names[1]);
    assert_eq!(
        without.expect("there").censored_minutes,
        [0.6 / 60.0, 1.2 / 60.0]
    );
    assert_eq!(survival.ratios.len(), 1);
    assert_eq!(
        survival.ratios[0].ratio.value,
        ratio["times_longer"]["value"].as_f64()
    );
    let page = std::fs::read_to_string(world.path("page.html")).expect("written");
    assert!(page.contains(names[1]));
}
